"""LaTeX as people typeset formulas: which command means what. A closed list; others are refused."""

from __future__ import annotations

from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GREEK = _words("""
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho
    sigma tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi
    Omega varepsilon vartheta varrho varphi varsigma varkappa
""")
# Words that are read as one name or function in math mode without a backslash.
WORDS = _words("""
    alpha beta gamma delta epsilon zeta theta kappa lambda sigma omega exp log ln sqrt abs
    min max sgn sign sin cos tan cosh sinh tanh arctan erf erfc
""")

FUNCTIONS: Mapping[str, str] = {
    "log": "log", "ln": "log", "exp": "exp", "sin": "sin", "cos": "cos", "tan": "tan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "coth": "coth", "arctan": "atan",
    "arcsin": "asin", "arccos": "acos", "sgn": "sign", "sign": "sign", "erf": "erf",
    "erfc": "erfc", "erfi": "erfi", "sech": "sech", "csch": "csch", "arsinh": "asinh",
    "arcosh": "acosh", "artanh": "atanh", "abs": "Abs", "digamma": "digamma",
    "polygamma": "polygamma", "Gamma": "gamma", "min": "Min", "max": "Max", "sqrt": "sqrt",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "log1p": "log1p",
    "expm1": "expm1", "softplus": "softplus",
}  # fmt: skip
# \abs and \sqrt are more than a name, min and max are read as they stand
FUNCTION_COMMANDS = frozenset(FUNCTIONS) - {"abs", "sqrt"}
# What a condition is introduced by; in roman letters these are words, never products of letters.
CONDITION_WORDS = _words("""
    if for when otherwise else elsewhere and or with where si sinon wenn falls sonst
""")
# A power behind the brackets of these belongs to their value.
VALUES = frozenset(("Min", "Max", "gamma", "sign", "Abs", "sqrt"))

RELATIONS: Mapping[str, str] = {
    "=": "==", "<": "<", ">": ">", "le": "<=", "leq": "<=", "leqslant": "<=", "leqq": "<=",
    "ge": ">=", "geq": ">=", "geqslant": ">=", "geqq": ">=", "ne": "!=", "neq": "!=",
    "lt": "<", "gt": ">", "≤": "<=", "≥": ">=", "≠": "!=", "coloneqq": "==", "equiv": "==",
    "triangleq": "==", "colon": ":", "propto": "propto", "approx": "approx", "sim": "approx",
    "simeq": "approx", "to": "to", "rightarrow": "to", "in": "in", "ll": "approx",
    "gg": "approx", "doteq": "==", "defeq": "==", "eqdef": "==", "cong": "approx",
    "Rightarrow": "to", "mapsto": "to", "asymp": "approx",
}  # fmt: skip
OTHER_RELATIONS: Mapping[str, str] = {
    "approx": "an approximation is not a definition", "to": "an arrow is not a definition",
    "in": "membership is no relation between two values", ":": "a colon stands alone",
}  # fmt: skip

SPACES = _words("""
    , ; : ! > quad qquad thinspace medspace thickspace enspace hfill displaystyle
    textstyle scriptstyle limits nolimits nonumber notag centering noindent hspace /
    negthinspace allowbreak nobreak strut relax it bf mathstrut mathop mathord mathrel
    mathbin [ ] ( )
""") | {" "}
WITH_ARGUMENT = frozenset(("label", "tag", "hspace", "vspace", "phantom", "color", "ref"))
SIZES = frozenset(
    f"{size}{side}" for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")
)
ACCENTS = _words("""
    hat bar tilde vec dot ddot widehat widetilde overline underline check
""")
FONTS = _words("""
    mathbf boldsymbol bm mathrm mathit mathsf mathtt mathcal mathscr mathfrak mathbb pmb
    textbf textit textrm operatorname
""")
PLAIN_FONTS = _words("""
    mathbf boldsymbol bm mathrm mathit mathsf mathtt pmb textbf textit textrm
""")
TEXTS = frozenset(
    ["text", "mbox", "textrm", "textit", "textbf", "textnormal", "hbox", "mathrm", "textsf"]
)
FRACTIONS = frozenset(["frac", "tfrac", "dfrac", "cfrac", "nicefrac", "sfrac"])
PRODUCTS = frozenset(["cdot", "times", "ast", "star"])
BARS: Mapping[str, str] = {
    "lvert": "open", "rvert": "close", "lVert": "open", "rVert": "close", "vert": "either",
    "Vert": "either", "|": "either", "mid": "either",
}  # fmt: skip
BRACKETS: Mapping[str, tuple[str, str]] = {
    "(": ("(", "open"), ")": ("(", "close"), "[": ("[", "open"), "]": ("[", "close"),
    "\\{": ("{", "open"), "\\}": ("{", "close"), "\\lbrace": ("{", "open"),
    "\\rbrace": ("{", "close"), "\\lbrack": ("[", "open"), "\\rbrack": ("[", "close"),
    "\\lparen": ("(", "open"), "\\rparen": ("(", "close"),
}  # fmt: skip
CASES = frozenset(["cases", "dcases", "array", "rcases"])
DISPLAYS = _words("""
    equation equation* align align* aligned gather gather* gathered split displaymath
    eqnarray eqnarray* multline multline* math
""")
REFUSED: Mapping[str, str] = {
    "sum": "a sum over data, not an elementwise formula",
    "prod": "a product over data, not an elementwise formula",
    "int": "an integral is not read", "lim": "a limit is not read",
    "pm": "± has two readings", "mp": "∓ has two readings",
    "partial": "a derivative is read on the left side only", "nabla": "a gradient is not read",
    "cdots": "an ellipsis leaves something out", "ldots": "an ellipsis leaves something out",
    "dots": "an ellipsis leaves something out", "mathbb": "a set is not a value",
    "arg": "arg is not read", "sup": "sup is not read", "inf": "inf is not read",
    "underset": "an underset is not read", "operatorname*": "it is not an elementwise function",
    "substack": "a stack is not read", "binom": "a binomial coefficient is not read",
    "input": "files are never read", "write": "nothing is ever written",
    "immediate": "nothing is ever executed", "include": "files are never read",
}  # fmt: skip

AND = frozenset(["and", "und", "et", "y", "e", "en", "i", "且", "和", "및", "и"])
OR = frozenset(["or", "oder", "ou", "o", "of", "或", "または", "или"])
WITH = _words("""
    with where mit wobei où avec con donde dove 其中 где for für
""")
