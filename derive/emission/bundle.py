"""One self-contained file out of a loss file, the runtime modules and the density file.

Only Python files are joined. Their imports of each other go; a private name of the runtime that
another part uses, too, gets the runtime's name before it.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Mapping, Sequence


def bundle(loss: str, runtime: Mapping[str, str], density: str) -> str:
    """The texts as one; runtime: module name -> text.

    The head of the loss file comes first, then all imports, then the parts in the order in which
    they need each other.
    """
    parts = [_Part(loss), *(_Part(text) for text in runtime.values()), _Part(density)]
    taken: set[str] = set(parts[0].defined)
    texts = [parts[0].body]
    for name, part in zip([*runtime, "density"], parts[1:], strict=True):
        clashes = {n for n in part.defined if n in taken}
        public = {n for n in clashes if not n.startswith("_")}
        if public:
            raise ValueError(f"{', '.join(sorted(public))}: defined twice in a bundle")
        prefix = f"_{name.strip('_')}"
        texts.append(_renamed(part.body, {n: f"{prefix}{n}" for n in clashes}))
        taken |= part.defined
    exported = sorted({n for part in parts for n in part.exported if n in _public(parts)})
    listed = "".join(f'    "{name}",\n' for name in exported)
    imports = _imports(parts)
    body = "\n\n\n".join(text.strip("\n") for text in texts if text.strip())
    return f"{parts[0].head}\n\n{imports}\n__all__ = [\n{listed}]\n\n\n{body}\n"


def _public(parts: Sequence[_Part]) -> set[str]:
    """What the loss and its density offer; the runtime offers nothing by itself."""
    return parts[0].exported | parts[-1].exported


class _Part:
    """A module in pieces: head, imports, what it defines, and the rest as text."""

    def __init__(self, text: str) -> None:
        tree = ast.parse(text)
        lines = text.split("\n")
        self.imports: list[str] = []
        self.defined: set[str] = set()
        self.exported: set[str] = set()
        self.head = ""
        drop: set[int] = set()
        self.renamed: dict[str, str] = {}
        for place, node in enumerate(tree.body):
            first, last = node.lineno, node.end_lineno or node.lineno
            span = set(range(first, last + 1))
            if place == 0 and isinstance(node, ast.Expr):
                self.head = "\n".join(lines[:last])
                drop |= set(range(1, last + 1))
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node, lines)
                drop |= span
            elif _assigns(node) == "__all__":
                assert isinstance(node, ast.Assign)
                self.exported = set(ast.literal_eval(node.value))
                drop |= span
            else:
                self.defined |= _names(node)
        self.exported = self.exported or {n for n in self.defined if not n.startswith("_")}
        kept = [line for number, line in enumerate(lines, 1) if number not in drop]
        self.body = _renamed("\n".join(kept), self.renamed)

    def _import(self, node: ast.Import | ast.ImportFrom, lines: Sequence[str]) -> None:
        if isinstance(node, ast.ImportFrom) and node.level:
            self.renamed |= {a.asname: a.name for a in node.names if a.asname}
            return
        self.imports.append("\n".join(lines[node.lineno - 1 : node.end_lineno]))


def _assigns(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return ""


def _names(node: ast.stmt) -> set[str]:
    """What a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with some names replaced wherever they stand as names of the module."""
    if not names:
        return text
    lines = text.split("\n")
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    for before, token in reversed(list(zip([None, *tokens], tokens, strict=False))):
        free = before is None or before.string != "."
        if token.type == tokenize.NAME and token.string in names and free:
            row, column = token.start
            line = lines[row - 1]
            end = column + len(token.string)
            lines[row - 1] = f"{line[:column]}{names[token.string]}{line[end:]}"
    return "\n".join(lines)


def _imports(parts: Sequence[_Part]) -> str:
    """All imports once: the future, the standard library, then the others."""
    found = sorted({line for part in parts for line in part.imports}, key=_order)
    future = [line for line in found if "__future__" in line]
    rest = [line for line in found if line not in future]
    standard = [line for line in rest if not _of_library(line)]
    libraries = [line for line in rest if _of_library(line)]
    groups = ["\n".join(group) for group in (future, standard, libraries) if group]
    return "\n\n".join(groups) + "\n"


def _order(line: str) -> tuple[bool, str]:
    return line.startswith("from "), line


def _of_library(line: str) -> bool:
    return line.split()[1].partition(".")[0] not in sys.stdlib_module_names
