"""From the tree of a text to an expression over its letters; what has two readings is refused."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import sympy
from lark import Token, Tree
from sympy import Expr, Integer, Pow, Rational, S, Symbol, oo

from derive.errors import BadInput
from derive.verification.formulas import commands as c

MOST_POWER = 10_000
RELATIONS = {"<": sympy.Lt, "<=": sympy.Le, ">": sympy.Gt, ">=": sympy.Ge, "==": sympy.Eq,
             "!=": sympy.Ne}  # fmt: skip
EULER = "e"

Node = Any  # a tree of tokens; the grammar says what its children are


class Builder:
    """Expressions from trees. notes: readings that a verdict has to state."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.symbols: dict[str, Symbol] = {}
        self.notes: list[str] = []

    def error(self, tree: Any, rule: str) -> BadInput:
        return BadInput(f"{self.where}, column {column(tree)}: {rule}")

    def symbol(self, name: str) -> Symbol:
        return self.symbols.setdefault(name, Symbol(name, extended_real=True))

    def build(self, tree: Any) -> Expr:
        value = getattr(self, f"_{tree.data}")(tree)
        if value.has(sympy.nan, sympy.zoo):
            raise self.error(tree, "the value is undefined (such as x/0)")
        return value

    # Sums and products

    def _sum(self, tree: Node) -> Expr:
        total = self._signed(tree.children[0])
        for sign, term in zip(tree.children[1::2], tree.children[2::2], strict=True):
            value = self.build(term)
            total += -value if _minus(sign) else value
        return total

    def _signed(self, tree: Any) -> Expr:
        *signs, body = tree.children
        value = self.build(body)
        return -value if sum(map(_minus, signs)) % 2 else value

    _signed_term = _signed
    _signed_factor = _signed

    def _term(self, tree: Node) -> Expr:
        first, *rest = tree.children
        self._check_call(tree)
        total, divided = self.build(first), None
        for link in rest:
            value = self.build(link.children[-1])
            if link.data == "slash":
                if value.is_zero:
                    raise self.error(link, "division by zero")
                total, divided = total / value, link
                continue
            if link.data == "beside" and divided is not None:
                raise self.error(
                    link, "two readings: what stands behind the slash and a factor beside it; "
                    "write brackets or \\frac",
                )  # fmt: skip
            if link.data == "beside" and _digit_first(link):
                raise self.error(link, "a number behind a factor: an operator is missing")
            total *= value
        return total

    def _check_call(self, tree: Node) -> None:
        """f(u) of an unknown f, and a function without brackets with more behind it."""
        for here, link in zip(tree.children, tree.children[1:], strict=False):
            factor = here.children[-1] if here.data in ("times", "slash", "beside") else here
            if link.data != "beside":
                continue
            while isinstance(factor, Tree) and factor.data in ("factor", "applied"):
                factor = factor.children[0]
            kind = factor.data if isinstance(factor, Tree) else ""
            if kind in ("bare_call", "powered_bare_call", "nested_call") and not _function(link):
                raise self.error(link, "two readings: does it belong to the function's argument? "
                                 "write brackets")  # fmt: skip

    def _factor(self, tree: Node) -> Expr:
        return self.build(tree.children[0])

    def _plain(self, tree: Node) -> Expr:
        return self.build(tree.children[0])

    def _power(self, tree: Node) -> Expr:
        base, _, exponent = tree.children
        power = self.build(exponent)
        inner = base
        if inner.data == "name" and inner.children[0] == EULER and power.free_symbols:
            return sympy.exp(power)
        value = self.build(base)
        return self._raised(tree, value, power)

    def _raised(self, tree: Any, value: Expr, power: Expr) -> Expr:
        if value.is_number and power.is_number and (abs(power) > MOST_POWER) == True:  # noqa: E712
            raise self.error(tree, f"a power beyond {MOST_POWER}")
        if power.is_number and power.is_Rational and abs(power.p) > MOST_POWER:
            raise self.error(tree, f"a power beyond {MOST_POWER}")
        if value.is_number and not value.is_Atom and power.is_Integer and abs(power) > 64:
            raise self.error(tree, "a number too big")
        return Pow(value, power)

    def _exponent(self, tree: Node) -> Expr:
        return self.build(tree.children[0])

    def _in_brackets(self, tree: Node) -> Expr:
        return self.build(tree.children[1])

    def _signed_exponent(self, tree: Node) -> Expr:
        raise self.error(tree, "an exponent of more than one symbol stands in braces")

    _bad_exponent = _signed_exponent

    # Atoms

    def _number(self, tree: Node) -> Expr:
        value = Fraction(str(tree.children[0]))
        return Rational(value.numerator, value.denominator)

    def _name(self, tree: Node) -> Expr:
        if tree.children[0] == "partial":
            raise self.error(tree, "a derivative is read on the left side only")
        return self.symbol(str(tree.children[0]))

    def _primed(self, tree: Node) -> Expr:
        primes = len(tree.children[1].children)
        return self.symbol(f"{tree.children[0]}{'prime' * primes}")

    def _pi(self, _tree: Node) -> Expr:
        return sympy.pi

    def _infinity(self, _tree: Node) -> Expr:
        return oo

    def _braces(self, tree: Node) -> Expr:
        return self.build(tree.children[1])

    def _bars(self, tree: Node) -> Expr:
        return sympy.Abs(self.build(tree.children[1]))

    def _group(self, tree: Node) -> Expr:
        return self._only(tree, self.arguments(tree))

    def _only(self, tree: Any, values: list[Expr]) -> Expr:
        if len(values) != 1:
            raise self.error(tree, "a comma outside of a function's arguments")
        return values[0]

    def arguments(self, tree: Node) -> list[Expr]:
        return [self.build(a) for a in tree.children[1].children if isinstance(a, Tree)]

    def _fraction(self, tree: Node) -> Expr:
        top, bottom = (self.build(a.children[0]) for a in tree.children[1:])
        if bottom.is_zero:
            raise self.error(tree, "division by zero")
        return top / bottom

    def _root(self, tree: Node) -> Expr:
        return sympy.sqrt(self.build(tree.children[1].children[0]))

    # Functions

    def applied(self, tree: Any, name: str, values: list[Expr]) -> Expr:
        if name in ("Min", "Max"):
            return getattr(sympy, name)(*values)
        name, _, base = name.partition(":")
        if name == "polygamma" and len(values) == 2:
            return sympy.polygamma(*values)
        value = self._only(tree, values)
        if name == "log" and base:
            return sympy.log(value) / sympy.log(Integer(base))
        own = {"log1p": lambda u: sympy.log(1 + u), "expm1": lambda u: sympy.exp(u) - 1,
               "softplus": lambda u: sympy.log(1 + sympy.exp(u))}  # fmt: skip
        function = own.get(name) or getattr(sympy, name)
        grows = name in ("exp", "gamma", "loggamma", "cosh", "sinh") and value.is_number
        if grows and not (abs(value) < MOST_POWER) == True:  # noqa: E712
            raise self.error(tree, "a number too big")
        if name == "log" and isinstance(value, sympy.gamma):
            return sympy.loggamma(value.args[0])
        return function(value)

    def _call(self, tree: Node) -> Expr:
        name, group = tree.children
        return self.applied(tree, str(name), self.arguments(group))

    def _call_power(self, tree: Node) -> Expr:
        name, group, _, exponent = tree.children
        if str(name) not in c.VALUES:
            raise self.error(
                exponent, f"two readings: {name} of the power, or the power of {name}; write "
                f"brackets around one of them",
            )  # fmt: skip
        value = self.applied(tree, str(name), self.arguments(group))
        return self._raised(tree, value, self.build(exponent))

    def _powered_call(self, tree: Node) -> Expr:
        name, _, exponent, group = tree.children
        return self._function_power(tree, name, exponent, self.arguments(group))

    def _powered_bare_call(self, tree: Node) -> Expr:
        name, _, exponent, argument = tree.children
        return self._function_power(tree, name, exponent, [self.build(argument)])

    def _function_power(self, tree: Any, name: Any, exponent: Any, values: list[Expr]) -> Expr:
        power = self.build(exponent)
        if power == -1:
            raise self.error(exponent, f"{name}^{{-1}}: two readings, the inverse or 1/{name}")
        return self._raised(tree, self.applied(tree, str(name), values), power)

    def _bare_call(self, tree: Node) -> Expr:
        name, argument = tree.children
        return self.applied(tree, str(name), [self.build(argument)])

    def _bare_call_power(self, tree: Node) -> Expr:
        name, argument, _, exponent = tree.children
        power = self.build(exponent)
        base = self._raised(tree, self.build(argument), power)
        if argument.data == "name" and argument.children[0] == EULER and power.free_symbols:
            base = sympy.exp(power)
        return self.applied(tree, str(name), [base])

    def _nested_call(self, tree: Node) -> Expr:
        name, inner = tree.children
        return self.applied(tree, str(name), [self.build(inner)])

    def _applied(self, tree: Node) -> Expr:
        return self.build(tree.children[0])

    def _bessel(self, tree: Node) -> Expr:
        from derive.verification.formulas.reader import read_text

        head, group = tree.children[:2]
        kind, _, order = str(head).partition(":")
        inner = read_text(order, self.where)
        if inner.free_symbols and kind != "polygamma":
            raise self.error(tree, "a Bessel function's order is a number")
        values = self.arguments(group)
        if kind == "polygamma":
            return sympy.polygamma(inner, self._only(tree, values))
        function = sympy.besselk if kind == "K" else sympy.besseli
        return function(inner, self._only(tree, values))

    def _bessel_power(self, tree: Node) -> Expr:
        return self._raised(tree, self._bessel(tree), self.build(tree.children[3]))

    # Cases

    def _indicator(self, tree: Node) -> Expr:
        (when,) = (child for child in tree.children if isinstance(child, Tree))
        return sympy.Piecewise((S.One, self.condition(when)), (S.Zero, True))

    def _cases(self, tree: Node) -> Expr:
        rows = tree.children[1].children
        pairs = []
        rows = [row for row in rows if isinstance(row, Tree)]
        for index, row in enumerate(rows):
            parts = [part for part in row.children if isinstance(part, Tree)]
            parts = [part for part in parts if part.data != "ending"]
            if row.data == "single":
                if index != len(rows) - 1 or index == 0:
                    raise self.error(row, "a row of the cases has no condition")
                pairs.append((self.build(parts[0]), sympy.true))
            else:
                pairs.append((self.build(parts[0]), self.condition(parts[1])))
        if len(pairs) > 24:
            raise self.error(tree, "more than 24 cases")
        return sympy.Piecewise(*pairs, evaluate=False)

    def condition(self, tree: Node) -> Any:
        if tree.data == "otherwise":
            return sympy.true
        total: Any = None
        joiner = "AND"
        for child in tree.children:
            if isinstance(child, Token):
                continue
            if child.data == "joiner":
                joiner = child.children[0].type
                continue
            clause = self._clause(child)
            if total is None:
                total = clause
            else:
                total = (sympy.Or if joiner == "OR" else sympy.And)(total, clause)
        return total

    def _clause(self, tree: Node) -> Any:
        parts = [child for child in tree.children if not isinstance(child, Token) or
                 child.type == "REL"]  # fmt: skip
        relations = []
        for left, op, right in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
            if str(op) not in RELATIONS:
                raise self.error(tree, f"{op} is no comparison")
            made = RELATIONS[str(op)](self.build(left), self.build(right))
            relations.append(made)
        return sympy.And(*relations)


def _minus(tree: Any) -> bool:
    return bool(tree.data == "sign" and tree.children[0].type == "MINUS")


def _digit_first(link: Node) -> bool:
    token = first_token(link)
    return token is not None and token.type == "NUM"


def _function(link: Node) -> bool:
    token = first_token(link)
    return token is not None and token.type in ("FUNC", "BESSEL", "BEGIN")


def first_token(tree: Any) -> Token | None:
    if isinstance(tree, Token):
        return tree
    for child in tree.children:
        found = first_token(child)
        if found is not None:
            return found
    return None


def column(tree: Any) -> int:
    token = first_token(tree)
    return 1 if token is None or token.column is None else int(token.column)
