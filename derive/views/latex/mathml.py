"""The formulas as MathML in a page of HTML, read in full from the same TeX."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from derive.errors import BadInput
from derive.views.latex.entry import Display, Entry, Table
from derive.views.latex.markdown import prose

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\s+|\d+(?:\.\d+)?|.", re.DOTALL)
_LETTERS = (
    "alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι "
    "kappa κ lambda λ mu μ nu ν xi ξ pi π rho ρ varrho ϱ sigma σ varsigma ς tau τ upsilon υ phi ϕ "
    "varphi φ chi χ psi ψ omega ω varkappa ϰ Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ "
    "Upsilon Υ Phi Φ Psi Ψ Omega Ω"
)
_WORDS = _LETTERS.split()
_GREEK = dict(zip(_WORDS[::2], _WORDS[1::2], strict=True))
_SIGNS = {
    "infty": "∞", "to": "→", "le": "≤", "ge": "≥", "ne": "≠", "cdot": "·", "in": "∈", "pm": "±",
    "partial": "∂", "int": "∫", "sum": "∑", "colon": ":", "times": "×",
}  # fmt: skip
_NAMES = frozenset(
    [
        "ln",
        "sin",
        "cos",
        "tan",
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
        "coth",
        "exp",
        "max",
        "min",
    ]
)
_SPACES = {"quad": "1em", "qquad": "2em", ",": "0.17em", "!": "-0.17em", " ": "0.3em"}


def page(entries: Sequence[Entry]) -> str:
    """A page of HTML with a section a loss."""
    sections = "\n".join(map(_section, entries))
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f"<title>Losses</title>\n<body>\n{sections}</body>\n</html>\n"
    )


def _section(e: Entry) -> str:
    parts = [f"<h2>{_prose(e.title)}</h2>"] if e.title else []
    parts += [f"<p>{_prose(p)}</p>" for p in (*e.paragraphs,)]
    parts += [_display(d) for d in e.displays]
    parts += [f"<p>{_prose(r)}</p>" for r in e.remarks]
    parts += [_table(t) for t in e.tables]
    return "\n".join(parts) + "\n"


def _display(d: Display) -> str:
    rows = [re.sub(r" \\(?:notag|label\{[^{}]*\})", "", row) for row in d.rows]
    rows = [re.sub(r" (?:\\\\\*|\\\\\[1ex\]|\\\\)$", "", row) for row in rows]
    cells = "".join(f"<mtr>{_cells(row)}</mtr>" for row in rows)
    lead = f"<p>{_prose(d.lead)}</p>\n" if d.lead else ""
    return f'{lead}<math display="block"><mtable columnalign="right left">{cells}</mtable></math>'


def _table(t: Table) -> str:
    rows = [t.head, *(row.removesuffix(r" \\") for row in t.rows)]
    lines = [
        "<tr>" + "".join(f"<td>{_prose(c)}</td>" for c in r.split(" & ")) + "</tr>" for r in rows
    ]
    return f"<p>{_prose(t.lead)}</p>\n<table>{''.join(lines)}</table>"


def _prose(text: str) -> str:
    plain = prose(text).split("$")
    parts = []
    for k, part in enumerate(plain):
        if k % 2:
            parts.append(f"<math>{mathml(part)}</math>")
        else:
            bold = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(part))
            parts.append(re.sub(r"`(.+?)`", r"<code>\1</code>", bold))
    return "".join(parts)


def mathml(formula: str) -> str:
    """A formula of our own printer as MathML."""
    reader = _Reader(formula)
    found = reader.row(None)
    if reader.tokens:
        raise BadInput(f"mathml: {formula[:60]!a} is read only up to {reader.tokens[0]!a}")
    return found


def _cells(row: str) -> str:
    reader = _Reader(row)
    cells = [reader.row("&")]
    while reader.tokens:
        reader.tokens.pop(0)
        cells.append(reader.row("&"))
    return "".join(f"<mtd>{cell}</mtd>" for cell in cells)


class _Reader:
    def __init__(self, formula: str) -> None:
        self.tokens = _TOKEN.findall(formula)

    def row(self, end: str | None) -> str:
        """Everything up to a token, as one row."""
        parts: list[str] = []
        while self.tokens and self.tokens[0] not in (end, "}", r"\right", r"\end", r"\\", "&"):
            token = self.tokens.pop(0)
            if token.isspace():
                continue
            if token in ("^", "_"):
                script = self._argument()
                base = parts.pop() if parts else "<mrow></mrow>"
                kind = "msup" if token == "^" else "msub"
                parts.append(f"<{kind}>{base}{script}</{kind}>")
            else:
                parts.append(self._item(token))
        return f"<mrow>{''.join(parts)}</mrow>"

    def _argument(self) -> str:
        while self.tokens and self.tokens[0].isspace():
            self.tokens.pop(0)
        token = self.tokens.pop(0)
        return self._group() if token == "{" else self._item(token)

    def _group(self) -> str:
        inner = self.row("}")
        self._take("}")
        return inner

    def _take(self, wanted: str) -> None:
        if not self.tokens or self.tokens.pop(0) != wanted:
            raise BadInput(f"mathml: {wanted} is missing")

    def _words(self) -> str:
        """A group of text."""
        self._take("{")
        found, depth = "", 1
        while True:
            token = self.tokens.pop(0)
            depth += (token == "{") - (token == "}")
            if depth == 0:
                return html.escape(found.replace(r"\_", "_"))
            found += token if token not in "{}" else ""

    def _item(self, token: str) -> str:
        if token == "{":
            return self._group()
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if not token.startswith("\\"):
            is_letter = token.isalpha()
            shown = "−" if token == "-" else html.escape(token)
            return f"<mi>{shown}</mi>" if is_letter else f"<mo>{shown}</mo>"
        return self._command(token[1:])

    def _command(self, name: str) -> str:
        if name in _GREEK:
            return f"<mi>{_GREEK[name]}</mi>"
        if name in _SIGNS:
            return f"<mo>{_SIGNS[name]}</mo>"
        if name in _NAMES:
            return f"<mi>{name}</mi><mo>&#x2061;</mo>"
        if name in _SPACES:
            return f'<mspace width="{_SPACES[name]}"/>'
        if name == "frac":
            return f"<mfrac>{self._argument()}{self._argument()}</mfrac>"
        if name == "sqrt":
            return f"<msqrt>{self._argument()}</msqrt>"
        if name == "text":
            return f"<mtext>{self._words()}</mtext>"
        if name in ("mathrm", "operatorname", "mathcal"):
            return f'<mi mathvariant="normal">{self._words()}</mi>'
        if name == "left":
            return self._fenced()
        if name == "begin":
            return self._cases()
        if name in ("big", "bigl", "bigr"):
            return f"<mo>{html.escape(self.tokens.pop(0))}</mo>"
        if name in ("{", "}"):
            return f"<mo>{name}</mo>"
        raise BadInput(f"mathml: no notation for \\{name}; please report this")

    def _fenced(self) -> str:
        opening = self.tokens.pop(0)
        inner = self.row(r"\right")
        self._take(r"\right")
        closing = self.tokens.pop(0)
        left, right = (f'<mo fence="true">{html.escape(c)}</mo>' for c in (opening, closing))
        return f"<mrow>{left}{inner}{right}</mrow>"

    def _cases(self) -> str:
        self._words()
        rows, cells = [], [self.row("&")]
        while self.tokens and self.tokens[0] != r"\end":
            if self.tokens.pop(0) == "&":
                cells.append(self.row("&"))
            else:
                rows.append(cells)
                cells = [self.row("&")]
        rows.append(cells)
        self._take(r"\end")
        self._words()
        lines = "".join(
            "<mtr>" + "".join(f"<mtd>{c}</mtd>" for c in row) + "</mtr>" for row in rows
        )
        table = f'<mtable columnalign="left">{lines}</mtable>'
        return f'<mrow><mo fence="true" stretchy="true">{{</mo>{table}</mrow>'
