"""One self-contained file out of a loss file, its density and the modules that this needs.

Only Python files are joined. Their imports of each other go; where two of them define the same
name, one of the shared modules gets its own name before it.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterator, Mapping, Sequence


def bundle(name: str, loss: str, runtime: Mapping[str, str], density: str) -> str:
    """The texts as one; name: of the loss's module; runtime: module name -> text.

    The head of the loss file comes first, then all imports, then the parts, each after those
    that it needs.
    """
    sources = {name: loss, **runtime}
    last = _Part(density)
    order = _needed(last, {n: _Part(text) for n, text in sources.items()})
    parts = {n: _Part(sources[n]) for n in [name, *(n for n in order if n != name)]}
    taken = parts[name].defined | last.defined
    called: dict[str, dict[str, str]] = {}
    for module, part in parts.items():
        clashes = part.defined & taken if module != name else set()
        called[module] = {n: f"_{module.strip('_')}_{n.strip('_')}" for n in clashes}
        taken |= part.defined
    texts = [_renamed(p.body, {**p.aliases(called), **called[m]}) for m, p in parts.items()]
    texts.append(_renamed(last.body, last.aliases(called)))
    offered = last.exported or {n for n in last.defined if not n.startswith("_")}
    exported = sorted({*parts[name].exported, *offered})
    listed = "".join(f'    "{n}",\n' for n in exported)
    body = "\n\n\n".join(text.strip("\n") for text in texts if text.strip())
    imports = _imports([*parts.values(), last])
    return f"{parts[name].head}\n\n{imports}\n\n__all__ = [\n{listed}]\n\n\n{body}\n"


class _Part:
    """A module in pieces: head, imports, what it defines, and the rest as text."""

    def __init__(self, text: str) -> None:
        lines = text.split("\n")
        self.head = ""
        self.defined: set[str] = set()
        self.exported: set[str] = set()
        self.outside: list[ast.Import | ast.ImportFrom] = []
        self.inside: list[tuple[str, ast.alias]] = []
        drop: set[int] = set()
        for place, node in enumerate(ast.parse(text).body):
            span = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            if place == 0 and isinstance(node, ast.Expr):
                self.head = "\n".join(lines[: span[-1]])
                drop |= set(range(1, span[-1] + 1))
            elif isinstance(node, ast.ImportFrom) and node.level:
                self.inside += [(node.module or a.name, a) for a in node.names]
                drop |= set(span)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self.outside.append(node)
                drop |= set(span)
            elif _assigned(node) == ["__all__"] and isinstance(node, ast.Assign):
                self.exported = set(ast.literal_eval(node.value))
                drop |= set(span)
            else:
                self.defined |= set(_assigned(node))
        self.body = "\n".join(line for n, line in enumerate(lines, 1) if n not in drop)

    def aliases(self, called: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """What this part calls the names of the others -> what they are called in the bundle."""
        found = {
            a.asname or a.name: called[module].get(a.name, a.name) for module, a in self.inside
        }
        return {name: new for name, new in found.items() if name != new}


def _needed(part: _Part, known: Mapping[str, _Part], seen: set[str] | None = None) -> Iterator[str]:
    """The modules that a part imports, directly or not, each after those that it needs itself."""
    seen = set() if seen is None else seen
    for module in dict.fromkeys(module for module, _ in part.inside):
        if module not in seen:
            seen.add(module)
            yield from _needed(known[module], known, seen)
            yield module


def _assigned(node: ast.stmt) -> list[str]:
    """What a statement of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]


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
            line, end = lines[row - 1], column + len(token.string)
            lines[row - 1] = f"{line[:column]}{names[token.string]}{line[end:]}"
    return "\n".join(lines)


def _imports(parts: Sequence[_Part]) -> str:
    """All imports once: the future, the standard library, then the others."""
    whole: set[str] = set()
    names: dict[str, set[str]] = {}
    for node in (n for part in parts for n in part.outside):
        if isinstance(node, ast.Import):
            whole |= {ast.unparse(ast.Import([a])) for a in node.names}
        else:
            names.setdefault(str(node.module), set()).update(ast.unparse(a) for a in node.names)
    lines = sorted(whole)
    lines += [f"from {m} import {', '.join(sorted(names[m]))}" for m in sorted(names)]
    groups: dict[int, list[str]] = {0: [], 1: [], 2: []}
    for line in lines:
        package = line.split()[1].partition(".")[0]
        rank = 0 if package == "__future__" else 1 if package in sys.stdlib_module_names else 2
        groups[rank].append(line)
    return "\n\n".join("\n".join(group) for group in groups.values() if group)
