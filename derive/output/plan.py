"""What a write would do, decided before anything is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from derive.errors import BadInput
from derive.output.differences import unified, visible
from derive.output.manifest import (
    INPUTS,
    MANIFEST,
    OWN,
    digest,
    of,
    read_record,
    render_inputs,
    render_manifest,
)
from derive.output.survey import Found, parents


class HandEdited(BadInput):
    """Files would be lost that derive did not write; `details` is the diff that shows them."""

    def __init__(self, message: str, details: str) -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True)
class Plan:
    """The staged folder: `written` new files, `kept` entries taken over from the old tree."""

    written: Mapping[str, bytes]
    kept: tuple[str, ...]
    folders: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def nothing_to_do(self) -> bool:
        return not self.written and not self.removed


@dataclass(frozen=True)
class Conflict:
    path: str
    reason: str
    diff: str = ""


def encoded(tree: Mapping[str, str]) -> dict[str, bytes]:
    """The tree as bytes; paths that could leave the folder or collide raise BadInput."""
    seen: dict[str, str] = {}
    for path in sorted(tree):
        pure = PurePosixPath(path)
        bad = pure.is_absolute() or ".." in pure.parts or str(pure) != path
        bad = bad or not (path.isascii() and path.isprintable()) or any(c in path for c in "\\:")
        if bad or path in OWN or "__pycache__" in pure.parts:
            raise BadInput(f"{visible(path)}: cannot be the path of a generated file; rename it")
        if any(len(part) > 255 for part in pure.parts):
            raise BadInput(f"{path[:40]}…: file name longer than 255 bytes; choose a shorter name")
        other = seen.setdefault(path.casefold(), path)
        if other != path:
            raise BadInput(
                f"{other} and {path}: collide on file systems that ignore case; rename one"
            )
    return {path: tree[path].encode("utf-8") for path in sorted(tree)}


def make_plan(
    tree: Mapping[str, bytes],
    found: Found,
    *,
    inputs: str | Mapping[str, str],
    partial: bool,
    force: bool,
) -> Plan:
    """Compare the tree with what is there; what would be lost raises HandEdited unless force."""
    ours = read_record(found.content(MANIFEST), "files") or {}
    obsolete = [] if partial else [p for p in ours if p not in tree and p in found.files]
    conflicts = _conflicts(tree, obsolete, found, ours)
    if conflicts and not force:
        raise _refusal(found.root, conflicts)
    present = set(found.entries) - set(obsolete) - set(tree) - OWN
    _refuse_blocked({*tree, *OWN}, present, found)

    files = {path: digest(content) for path, content in tree.items()}
    made_from = {path: of(inputs, path) for path in tree if of(inputs, path)}
    if partial:
        rest = {path: value for path, value in ours.items() if path in present}
        old_inputs = read_record(found.content(INPUTS), "inputs") or {}
        files |= rest
        made_from |= {path: old_inputs[path] for path in rest if path in old_inputs}
    content = dict(tree) | {MANIFEST: render_manifest(files)}
    if made_from:
        content[INPUTS] = render_inputs(made_from)
    same = {path for path in content if found.content(path) == content[path]}
    stale = found.entries & OWN - set(content)
    kept = present - {above for path in tree for above in parents(path)}
    return Plan(
        written={path: content[path] for path in sorted(set(content) - same)},
        kept=tuple(sorted(kept | same)),
        folders=_folders(kept | set(content), tree, found),
        changed=tuple(sorted(set(tree) - same)),
        unchanged=tuple(sorted(set(tree) & same)),
        removed=tuple(sorted({*obsolete, *stale})),
    )


def _folders(paths: set[str], tree: Mapping[str, bytes], found: Found) -> tuple[str, ...]:
    needed = {above for path in paths for above in parents(path)}
    for folder in found.empty:
        lineage = {folder, *parents(folder)}
        if not lineage & (set(tree) | found.entries):
            needed |= lineage
    return tuple(sorted(needed))


def _conflicts(
    tree: Mapping[str, bytes], obsolete: list[str], found: Found, ours: Mapping[str, str]
) -> list[Conflict]:
    conflicts = []
    for path in sorted({*tree, *obsolete, MANIFEST}):
        if path in found.others:
            conflicts.append(Conflict(path, "is a link or no regular file"))
            continue
        on_disk = found.content(path)
        if on_disk is None:
            continue
        if path == MANIFEST:
            if read_record(on_disk, "files") is None:
                conflicts.append(Conflict(path, "is not a manifest of derive"))
        elif on_disk != tree.get(path) and digest(on_disk) != ours.get(path):
            reason = "was edited by hand" if path in ours else "was not written by derive"
            conflicts.append(Conflict(path, reason, unified(path, on_disk, tree.get(path, b""))))
    for folder in sorted({above for path in tree for above in parents(path)}):
        if folder in found.files and folder not in obsolete:
            conflicts.append(Conflict(folder, "is a file where a folder belongs"))
        elif folder in found.others:
            conflicts.append(Conflict(folder, "is a link or no regular file"))
    return conflicts


def _refusal(root: Path, conflicts: list[Conflict]) -> HandEdited:
    first = conflicts[0]
    others = f" (and {len(conflicts) - 1} more)" if len(conflicts) > 1 else ""
    details = "".join(
        conflict.diff or f"{visible(conflict.path)}: {conflict.reason}\n" for conflict in conflicts
    )
    return HandEdited(
        f"{root / visible(first.path)}: {first.reason}{others} and would be lost; nothing was "
        "written; keep a copy elsewhere, then run again with --force",
        details,
    )


def _refuse_blocked(paths: set[str], present: set[str], found: Found) -> None:
    """A folder of somebody else's files where a file of ours goes: not even force takes that."""
    for path in sorted(paths):
        if path in found.folders:
            inside = [p for p in present if path in parents(p)]
            if inside or path in found.empty:
                raise BadInput(
                    f"{found.root / path}: is a folder where a file belongs; move it elsewhere"
                )
