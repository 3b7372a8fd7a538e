"""All or nothing: a tree of generated files replaces the one on the disk in one step, or is
compared with it.

The new tree is staged in a folder beside the output folder and exchanged with it by one rename
(see `swap` for systems that cannot): a kill at any instant leaves the old tree or the new one.
What a killed run left beside it is cleared by the next run. Files that derive did not write, or
that were edited since, are told by `manifest.json` and not lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from derive.errors import EnvironmentTrouble
from derive.output.copying import remove_tree
from derive.output.differences import Difference, unified, visible
from derive.output.folders import destination
from derive.output.interrupts import held_interrupts
from derive.output.lock import locked
from derive.output.manifest import INPUTS, MANIFEST, OWN, digest, read_record, render_manifest
from derive.output.plan import Plan, encoded, make_plan
from derive.output.staging import made_parents, stage
from derive.output.survey import Found, survey
from derive.output.swap import Siblings, recover, swap_in


@dataclass(frozen=True)
class Written:
    """What a write did to the generated files, by path."""

    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


def write(
    tree: Mapping[str, str],
    root: Path,
    *,
    inputs: str | Mapping[str, str] = "",
    force: bool = False,
    partial: bool = False,
    follow: bool = False,
) -> Written:
    """Make the folder `root` hold `tree` (POSIX relative path -> text) and its manifest.

    inputs: the `inputs_digest` that `is_current` will ask for, of all files or by path.
    partial: other files that derive wrote there stay; otherwise they are removed. Files of other
    origin stay in both cases.
    force: overwrite what was edited by hand or is in the way; otherwise HandEdited, with a diff.
    follow: `root` may be a symbolic link. Nothing is touched where nothing differs. Raises
    BadInput or EnvironmentTrouble with the previous tree intact and nothing left beside it.
    """
    contents = encoded(tree)
    root = destination(root, follow=follow)
    beside = Siblings.of(root)

    def planned() -> tuple[Plan, Found]:
        found = survey(root)
        return make_plan(contents, found, inputs=inputs, partial=partial, force=force), found

    try:
        plan = None if beside.left_behind() else planned()[0]
    except OSError:  # another run may be at work; decided under the lock
        plan = None
    if plan is None or not plan.nothing_to_do:
        try:
            with (
                held_interrupts() as check,
                made_parents(root.parent),
                locked(beside.lock, root, check),
            ):
                recover(root)
                plan, found = planned()
                if not plan.nothing_to_do:
                    _replace(plan, found, root, check)
        except OSError as error:
            raise _trouble(root, error) from error
    return Written(plan.changed, plan.unchanged, tuple(p for p in plan.removed if p not in OWN))


def _replace(plan: Plan, found: Found, root: Path, check: Callable[[], None]) -> None:
    new = Siblings.of(root).new
    try:
        stage(plan, found, new, check)
        swap_in(root)
    finally:
        # The staged tree where that failed, the previous one where it succeeded.
        if os.path.lexists(new):
            remove_tree(new)


def _trouble(root: Path, error: OSError) -> EnvironmentTrouble:
    place = error.filename if isinstance(error.filename, str | os.PathLike) else root
    at = "" if Path(place) == root else f" (at {visible(os.fsdecode(place))})"
    return EnvironmentTrouble(
        f"{root}: cannot be written, {error.strerror or error}{at}; "
        "the previous files are as they were; make room or choose another folder with --out"
    )


def check(tree: Mapping[str, str], root: Path, *, partial: bool = False) -> Difference:
    """Compare `tree` with the folder `root`, in bytes and in its set of files; write nothing.

    partial: only the files of `tree` and their places in the manifest count. `__pycache__` and
    `.inputs.json` never do.
    """
    contents = encoded(tree)
    try:
        return _compare(contents, survey(root), partial)
    except OSError as error:
        raise EnvironmentTrouble(
            f"{root}: cannot be read, {error.strerror or error}; choose another with --out"
        ) from error


def _compare(contents: dict[str, bytes], found: Found, partial: bool) -> Difference:
    files = {path: digest(content) for path, content in contents.items()}
    if partial:
        files = (read_record(found.content(MANIFEST), "files") or {}) | files
    expected = contents | {MANIFEST: render_manifest(files)}
    missing = sorted(path for path in expected if path not in found.entries)
    extra = [] if partial else sorted(found.entries - set(expected) - {INPUTS})
    texts, changed = [], []
    for path in sorted(set(expected) & found.entries):
        on_disk = found.content(path)
        if on_disk is None:
            changed.append(path)
            texts.append(f"{visible(path)}: is a link or no regular file\n")
        elif on_disk != expected[path]:
            changed.append(path)
            texts.append(unified(path, on_disk, expected[path]))
    texts += [f"{visible(path)}: missing\n" for path in missing]
    texts += [f"{visible(path)}: does not belong here\n" for path in extra]
    return Difference(tuple(missing), tuple(extra), tuple(changed), "".join(texts))
