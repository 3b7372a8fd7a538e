"""What the commands of LaTeX do to the stream of tokens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from derive.verification.formulas import commands as c

if TYPE_CHECKING:
    from derive.verification.formulas.lexer import Lexer

_MATH_IN_TEXT = re.compile(r"\$([^$]*)\$")


def control(lexer: Lexer, name: str, at: int) -> None:
    """One command, behind its backslash."""
    if name == "\\":
        lexer.add("ROW", "\\\\", at)
        _optional(lexer)
    elif name in c.WITH_ARGUMENT:
        lexer.argument(f"\\{name}")
    elif name in c.SPACES or name in c.SIZES or name.isspace():
        return
    elif name in ("left", "right", "middle"):
        _sided(lexer, name, at)
    elif f"\\{name}" in c.BRACKETS:
        lexer._bracket(*c.BRACKETS[f"\\{name}"], at)
    elif name in c.BARS:
        lexer._bar(c.BARS[name], at)
    elif name in ("begin", "end"):
        _environment(lexer, name, at)
    elif name in c.FRACTIONS:
        lexer.add("FRAC", name, at)
    elif name == "sqrt":
        if lexer.text[lexer.position : lexer.position + 1] == "[":
            raise lexer.error("a root with an index is not read; write a power", at)
        lexer.add("ROOT", name, at)
    elif name == "infty":
        lexer.add("INFINITY", name, at)
    elif name in c.PRODUCTS:
        lexer.add("TIMES", name, at)
    elif name in c.RELATIONS:
        lexer.add("REL", c.RELATIONS[name], at)
    else:
        _worded(lexer, name, at)


def _worded(lexer: Lexer, name: str, at: int) -> None:
    if name in ("land", "wedge"):
        lexer.add("AND", name, at)
    elif name in ("lor", "vee"):
        lexer.add("OR", name, at)
    elif name in c.FUNCTION_COMMANDS:
        lexer.add("FUNC", c.FUNCTIONS[name], at)
    elif name in c.GREEK:
        plain = name.removeprefix("var") if name in ("varepsilon", "varrho") else name
        lexer._named(plain, at)
    elif name == "prime":
        lexer.add("PRIME", "'", at)
    elif name == "operatorname":
        _operator(lexer, at)
    elif name in ("abs", "norm"):
        _inside_bars(lexer, name, at)
    elif name in ("overset", "stackrel"):  # a sign with something above it is that sign
        lexer.argument(f"\\{name}")
    elif name == "rm":
        _roman(lexer, at)
    elif name in c.ACCENTS:
        inner = _name(lexer, name, at)
        lexer.add("NAME", inner + name.removeprefix("wide"), at)
    elif name in ("mathbb", "mathbf", "mathds", "bm", "boldsymbol"):
        _blackboard(lexer, name, at)
    elif name in c.TEXTS and name not in c.PLAIN_FONTS:
        _text(lexer, lexer.argument(f"\\{name}"), at)
    elif name in c.FONTS:
        _font(lexer, name, at)
    elif name in ("ell", "partial"):
        lexer.add("NAME", name, at)
    elif name in ("lceil", "lfloor", "rceil", "rfloor"):
        raise lexer.error("rounding is not read", at)
    elif name in c.REFUSED:
        raise lexer.error(f"\\{name}: {c.REFUSED[name]}", at)
    else:
        raise lexer.error(f"the command \\{name[:24]} is not read", at)


def _optional(lexer: Lexer) -> None:
    """The space behind a line break, [1ex]."""
    match = re.compile(r"\*?\s*\[[0-9.]+(?:pt|em|ex|mm|cm)\]").match(lexer.text, lexer.position)
    if match is not None:
        lexer.position = match.end()


def _sided(lexer: Lexer, name: str, at: int) -> None:
    """\\left and \\right: the bracket behind them, with its side; a full stop is none."""
    text = lexer.text
    while lexer.position < len(text) and text[lexer.position].isspace():
        lexer.position += 1
    start = lexer.position
    if text[start : start + 1] == "\\":
        match = re.compile(r"\\(?:[A-Za-z]+|.)").match(text, start)
        mark = match.group() if match is not None else "\\"
    else:
        mark = text[start : start + 1]
    lexer.position = start + len(mark)
    side = "close" if name == "right" else "open"
    if mark == ".":
        _one_sided(lexer, side, at)
    elif mark in ("|", "\\|", "\\vert", "\\Vert", "\\lvert", "\\rvert", "\\lVert", "\\rVert"):
        lexer._bar(side, at)
    elif mark in c.BRACKETS:
        kind, natural = c.BRACKETS[mark]
        if name != "middle" and natural != side:
            raise lexer.error(f"\\{name}{mark}: a bracket that faces the wrong way", at)
        lexer._bracket(kind, side, at)
    elif mark == "/":
        lexer.add("SLASH", "/", at)
    else:
        raise lexer.error(f"\\{name} wants a bracket", at)


def _one_sided(lexer: Lexer, side: str, at: int) -> None:
    if side == "open":
        raise lexer.error("\\left. is not read", at)
    # \left\{ \begin{array} ... \end{array} \right. : the brace belongs to the cases
    if not lexer.open or lexer.open[-1][0] != "{" or lexer.before != "END":
        raise lexer.error("\\right. closes cases only", at)
    lexer.open.pop()
    for index in range(len(lexer.out) - 1, -1, -1):
        if lexer.out[index].kind == "LP" and lexer.out[index].value == "{":
            del lexer.out[index]
            return


def _environment(lexer: Lexer, name: str, at: int) -> None:
    kind = lexer.argument(f"\\{name}").strip()
    if kind in c.DISPLAYS and not _are_cases(lexer, name):
        if kind not in ("equation", "equation*", "displaymath", "math"):
            lexer.add("ROW", "rows", at)
        return
    if kind not in c.CASES and kind not in c.DISPLAYS:
        raise lexer.error(f"the environment {kind[:24]!a} is not read", at)
    if name == "begin":
        if kind == "array":
            lexer.argument("\\begin{array}")
        lexer.open.append(("cases", at))
        lexer.add("BEGIN", kind, at)
        return
    lexer._close("cases", at)
    if lexer.before == "ROW":
        lexer.out.pop()
    lexer.add("END", kind, at)


def _are_cases(lexer: Lexer, name: str) -> bool:
    """Rows behind a brace are cases, whatever sets them."""
    if name == "begin":
        return lexer.before == "LP" and lexer.out[-1].value == "{"
    return bool(lexer.open) and lexer.open[-1][0] == "cases"


def _operator(lexer: Lexer, at: int) -> None:
    if lexer.text[lexer.position : lexer.position + 1] == "*":
        lexer.position += 1
    name = lexer.argument("\\operatorname").strip()
    if name in c.FUNCTIONS:
        lexer.add("FUNC", c.FUNCTIONS[name], at)
    elif not lexer.out and "=" in lexer.text[lexer.position :]:  # it is what is defined
        lexer.add("TEXT", name, at)
    else:
        raise lexer.error(f"the function {name[:24]!a} is not read", at)


def _inside_bars(lexer: Lexer, name: str, at: int) -> None:
    """\\abs{u} and \\norm{u}."""
    inner = type(lexer)(lexer.argument(f"\\{name}"), lexer.where).pieces()
    lexer.add("LBAR", "|", at)
    lexer.out += [type(p)(p.kind, p.value, at + 1) for p in inner]
    lexer.add("RBAR", "|", at)


def _roman(lexer: Lexer, at: int) -> None:
    """The old \\rm: the letters behind it are one word."""
    match = re.compile(r"\s*([A-Za-z]+)").match(lexer.text, lexer.position)
    if match is not None:
        lexer.text = f"{lexer.text[: match.start()]}{{{match[1]}}}{lexer.text[match.end() :]}"
        _font(lexer, "mathrm", at)


def _name(lexer: Lexer, command: str, at: int) -> str:
    """The single name inside an accent or a font."""
    inner = lexer.argument(f"\\{command}").strip()
    plain = re.sub(r"\\(?:mathbf|boldsymbol|bm|mathrm|mathcal)\b|[{}\s]", "", inner)
    plain = plain.removeprefix("\\")
    if not re.fullmatch(r"[A-Za-z]+(?:_[A-Za-z0-9]+)?", plain):
        raise lexer.error(f"\\{command} stands around one letter", at)
    return plain


def _font(lexer: Lexer, name: str, at: int) -> None:
    inner = lexer.argument(f"\\{name}").replace("\\_", "_").strip()
    bare = inner.removeprefix("\\")
    if bare in c.FUNCTIONS and name != "mathcal":
        lexer.add("FUNC", c.FUNCTIONS[bare], at)
    elif name in c.TEXTS and bare.lower() in c.CONDITION_WORDS:
        _text(lexer, bare, at)
    elif re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", bare):
        prefix = "cal" if name in ("mathcal", "mathscr", "mathfrak") else ""
        lexer._named(prefix + bare, at)
    elif re.fullmatch(r"[\w\s.\\]+", inner):
        _text(lexer, inner, at)
    else:
        raise lexer.error(f"\\{name} stands around one name", at)


def _blackboard(lexer: Lexer, name: str, at: int) -> None:
    start = lexer.position
    inner = lexer.argument(f"\\{name}").strip()
    is_bold = name not in ("mathbb", "mathds")
    if inner == "1" or (inner == "I" and not is_bold):
        lexer.add("INDICATOR", inner, at)
    elif is_bold:
        lexer.position = start
        _font(lexer, name, at)
    else:
        raise lexer.error("a set is not a value", at)


def _text(lexer: Lexer, text: str, at: int) -> None:
    """Words; what stands between $ in them is mathematics."""
    words = _MATH_IN_TEXT.sub(" ", text).replace("\\_", "_").strip(" .,:;~")
    if words in c.FUNCTIONS:
        lexer.add("FUNC", c.FUNCTIONS[words], at)
        return
    math = _MATH_IN_TEXT.findall(text)
    known = {word.lower() for word in re.split(r"[\s~]+", words)}
    if words:
        if known <= c.AND:
            lexer.add("AND", words, at)
        elif known <= c.OR:
            lexer.add("OR", words, at)
        elif known & c.WITH and not math and lexer.out and not any(
            kind == "cases" for kind, _ in lexer.open
        ):  # fmt: skip
            lexer.add("WITH", words, at)
        else:
            lexer.add("TEXT", words.replace(" ", "_"), at)
    for part in math:
        inner = type(lexer)(part, lexer.where)
        lexer.out += [type(p)(p.kind, p.value, at + 1) for p in inner.pieces()]
