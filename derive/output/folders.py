"""Which folder the files go to, and whether they can go there at all."""

from __future__ import annotations

import os
from pathlib import Path

from derive.errors import BadInput, EnvironmentTrouble
from derive.output.manifest import MANIFEST
from derive.output.swap import Siblings


def default_folder() -> Path:
    """`generated/` of the checkout that this package sits in, otherwise of the working folder."""
    checkout = Path(__file__).resolve().parents[2]
    try:
        ours = 'name = "derive-losses"' in (checkout / "pyproject.toml").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        ours = False
    return (checkout if ours else Path.cwd()) / "generated"


def destination(out: Path, *, follow: bool = False) -> Path:
    """The absolute path of the output folder, which need not exist yet.

    Cheap: call it before long work too. A symbolic link is refused (BadInput) unless `follow`;
    what cannot be written or replaced as a whole raises EnvironmentTrouble.
    """
    try:
        return _checked(out, follow)
    except BadInput:  # a ValueError too, with its own message
        raise
    except ValueError:
        raise BadInput(f"{str(out)!r}: no folder can have this name; choose another") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, up to Python 3.12
        reason = getattr(error, "strerror", None) or str(error)
        raise EnvironmentTrouble(f"{out}: {reason}; choose another folder with --out") from None


def _checked(out: Path, follow: bool) -> Path:
    if "\0" in str(out):
        raise ValueError(out)
    if out.name in ("", ".."):
        root = Path(os.path.realpath(out))
    else:
        root = Path(os.path.realpath(out.parent)) / out.name
    if root.is_symlink():
        if not follow:
            raise BadInput(
                f"{out}: is a symbolic link to {os.readlink(root)}; "
                "name that folder itself, or say --follow"
            )
        root = root.resolve(strict=True)
    if root == root.parent:
        raise EnvironmentTrouble(f"{root}: cannot be replaced as a whole; choose another folder")
    if os.path.lexists(root):
        if not root.is_dir():
            raise EnvironmentTrouble(f"{root}: is not a folder; choose another name with --out")
        if os.path.ismount(root):
            raise EnvironmentTrouble(
                f"{root}: is a mount point, which cannot be replaced in one step; "
                f"choose a folder in it, such as {root / 'generated'}"
            )
        _of_its_own(root)
    _writable(root)
    try:  # a name so long that the names beside it cannot be made fails now, not after the work
        os.lstat(Siblings.of(root).lock)
    except FileNotFoundError:
        pass
    return root


def _of_its_own(root: Path) -> None:
    """A project, or a working folder full of other things, is not to be replaced as a whole."""
    if (root / MANIFEST).exists() or not any(root.iterdir()):
        return
    try:
        here = Path.cwd()
    except FileNotFoundError:  # the working folder was deleted
        here = root.parent
    if (root / ".git").exists() or root == here or root in here.parents:
        raise BadInput(
            f"{root}: holds other files, and an output folder is replaced as a whole; "
            f"choose a folder of its own, such as {root / 'generated'}"
        )


def _writable(root: Path) -> None:
    """The folder is replaced by a rename: its parent is what must be writable."""
    nearest = root.parent
    while not os.path.lexists(nearest):
        nearest = nearest.parent
    if not nearest.is_dir():
        raise EnvironmentTrouble(
            f"{root}: cannot be made, {nearest} is not a folder; choose another with --out"
        )
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise EnvironmentTrouble(
            f"{root}: cannot be written, no permission to write in {nearest}; "
            "choose another folder with --out"
        )
    if root.is_dir() and not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        raise EnvironmentTrouble(
            f"{root}: cannot be written, no permission; choose another folder with --out"
        )
