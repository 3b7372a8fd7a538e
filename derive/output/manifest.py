"""What derive wrote into a folder: a digest of each file, and of what each was made from.

`manifest.json` belongs to the output: it tells derive's own files from edited and foreign ones.
`.inputs.json` does not (a comment changed in derive would otherwise change the output): it only
lets a later run see that there is nothing to do, and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from derive.output.swap import Siblings

MANIFEST = "manifest.json"
INPUTS = ".inputs.json"
OWN = frozenset({MANIFEST, INPUTS})
_ABOUT = "sha256 of every file that derive wrote here; a file that differs was edited by hand"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def render_manifest(files: Mapping[str, str]) -> bytes:
    return _json({"about": _ABOUT, "files": dict(files)})


def render_inputs(inputs: Mapping[str, str]) -> bytes:
    return _json({"inputs": dict(inputs)})


def _json(value: object) -> bytes:
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=True)
    return f"{text}\n".encode("ascii")


def read_record(content: bytes | None, key: str) -> dict[str, str] | None:
    """The path -> digest table of a manifest ("files") or inputs file; None if it is neither."""
    if content is None:
        return None
    try:
        table = json.loads(content)[key]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        return None
    return table


def is_current(
    root: Path,
    inputs: str | Mapping[str, str],
    paths: Iterable[str],
    maybe: Iterable[str] = (),
    *,
    partial: bool = False,
) -> bool:
    """Whether `paths` are in `root` as derive wrote them, made from the same inputs.

    inputs: the `inputs_digest` of now, of all files or by path. maybe: paths that a run need not
    have written. Unless partial, files of ours beyond `paths` count as a
    difference. Reads, hashes, and nothing else: a doubt (or no folder) is False, and so is
    something that a killed run left beside it, which only a `write` clears.
    """
    root = Path(os.path.abspath(root))
    if Siblings.of(root).left_behind():
        return False
    files = read_record(_content(root, MANIFEST), "files")
    made_from = read_record(_content(root, INPUTS), "inputs")
    wanted = sorted({*paths, *(path for path in maybe if files and path in files)})
    if files is None or made_from is None or (not partial and sorted(files) != wanted):
        return False
    for path in wanted:
        content = _content(root, path)
        if (
            content is None
            or files.get(path) != digest(content)
            or made_from.get(path) != of(inputs, path)
        ):
            return False
    return True


def of(inputs: str | Mapping[str, str], path: str) -> str:
    """What a file was made of."""
    return inputs if isinstance(inputs, str) else inputs.get(path, "")


def _content(root: Path, path: str) -> bytes | None:
    try:
        return (root / path).read_bytes()
    except OSError:
        return None


def inputs_digest(paths: Iterable[Path], extra: Iterable[str] = ()) -> str:
    """A digest of everything that output is made from.

    paths: files and folders (every file below one, `__pycache__` left out); where they lie does
    not matter, the names below the given folder and the contents do. extra: further text, such as
    the digests of definitions and the versions of libraries. Order plays no role.
    """
    parts = sorted(part for path in paths for part in _parts(Path(path)))
    parts += sorted(digest(text.encode("utf-8", "surrogatepass")) for text in extra)
    return digest("\n".join(parts).encode("ascii"))


def _parts(path: Path) -> list[str]:
    if not path.is_dir():
        return [f"{digest(os.fsencode(path.name))} {digest(path.read_bytes())}"]
    parts = []
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            file = Path(folder, name)
            label = os.fsencode(f"{path.name}/{file.relative_to(path).as_posix()}")
            parts.append(f"{digest(label)} {digest(file.read_bytes())}")
    return parts
