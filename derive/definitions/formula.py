"""The safe reader of formulas: an allow-list over Python's syntax tree, built node by node.

No text reaches sympify, parse_expr, eval or exec. Numbers are exact: 0.1 is 1/10.
"""

from __future__ import annotations

import ast
import difflib
import time
from collections.abc import Callable, Mapping

from sympy import (
    Add,
    And,
    E,
    Expr,
    I,
    Integer,
    Mul,
    Not,
    Or,
    Piecewise,
    Pow,
    Rational,
    Symbol,
    exp,
    false,
    nan,
    sympify,
    true,
    zoo,
)
from sympy.logic.boolalg import Boolean

from derive.definitions import growth
from derive.definitions.classes import Hit, Largest, Other, Total, at_target, varies
from derive.definitions.loss import Along
from derive.definitions.scanner import NUMBER, refuse, scan
from derive.definitions.vocabulary import (
    CASES,
    CONSTANTS,
    EXTREMES,
    INSTEAD,
    OTHER_NAMES,
    RELATIONS,
    SUM,
    UNARY,
    expm1,
)
from derive.errors import BadInput

MAX_DEPTH = 150
MAX_NODES = 20_000
MAX_BRANCHES = 64
MAX_SECONDS = 2.0


def read(text: str, names: Mapping[str, Symbol], where: str) -> Expr:
    """The expression that a formula states, over the declared names.

    Raises BadInput, one line with the column and the rule, for all that is not such a formula,
    for values that are undefined or not real, and for results beyond the size limits.
    """
    return Reader(text.removeprefix("\ufeff"), names, where).formula()


def read_number(text: str, where: str) -> Expr:
    """An exact real number, or ±oo, from text such as 1/2, -0.5, sqrt(2) or oo."""
    return read(text, {}, where)


class Reader:
    def __init__(self, text: str, names: Mapping[str, Symbol], where: str) -> None:
        self.where, self.names = where, names
        self.vectors = {n: v for n, v in names.items() if isinstance(v, Along)}
        scanned = scan(text, where, square=bool(self.vectors))
        self.text = scanned.lstrip(" ")
        self.shift = len(scanned) - len(self.text) + 1
        self.branches = 0
        self.deadline = time.thread_time() + MAX_SECONDS

    def formula(self) -> Expr:
        try:
            tree = ast.parse(self.text, mode="eval")
        except SyntaxError as error:
            column = max(1, (error.offset or 1) + self.shift - 1)
            refuse(self.where, column, f"not a formula ({error.msg.partition('.')[0]})")
        except (ValueError, RecursionError, MemoryError, OverflowError):
            refuse(self.where, 1, "nested too deeply")
        result = self.value(tree.body, 0)
        if growth.bits(result) > growth.MAX_BITS or growth.exceeds(result, MAX_NODES):
            refuse(self.where, 1, f"the formula is too big (limit {MAX_NODES} parts)")
        return result

    def refuse(self, node: ast.AST, rule: str) -> BadInput:
        """The error for a node; raised by the caller so that the flow stays visible."""
        column = getattr(node, "col_offset", 0) + self.shift
        return BadInput(f"{self.where}, column {column}: {rule}")

    def value(self, node: ast.expr, depth: int) -> Expr:
        """One node as a value, checked: defined, real, within the limits."""
        if depth > MAX_DEPTH:
            raise self.refuse(node, f"nested deeper than {MAX_DEPTH}")
        if time.thread_time() > self.deadline:
            raise self.refuse(node, f"too big: not read within {MAX_SECONDS:g} s")
        match node:
            case ast.Constant():
                result = self.number(node)
            case ast.Name():
                result = self.name(node)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
                inner = self.value(operand, depth + 1)
                result = -inner if isinstance(op, ast.USub) else inner
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                result = self.sum(node, depth)
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                result = self.product(node, depth)
            case ast.BinOp(op=ast.Pow()):
                base, exponent = (self.value(n, depth + 1) for n in (node.left, node.right))
                result = self.power(node, base, exponent)
            case ast.Call():
                result = self.call(node, depth)
            case ast.Subscript(slice=ast.Name(id=name)) if self.is_index(name):
                result = at_target(self.value(node.value, depth + 1), self.vectors[name])
            case _:
                raise self.refuse(node, _misplaced(node))
        if result.has(nan, zoo):
            raise self.refuse(node, "the value is undefined (such as x/0 or oo - oo)")
        if result.has(I) or result.is_extended_real is False:
            raise self.refuse(node, "the value is not real")
        return result

    def number(self, node: ast.Constant) -> Expr:
        segment = self.text[node.col_offset : node.end_col_offset]
        match = NUMBER.fullmatch(segment)
        if match is None or isinstance(node.value, bool):
            raise self.refuse(node, f"'{segment[:40]}' is not a value")
        whole, part = match["whole"], match["part"] or ""
        power = int(match["exponent"] or 0) - len(part)
        digits = int(whole + part)
        return Integer(digits * 10**power) if power >= 0 else Rational(digits, 10**-power)

    def name(self, node: ast.Name) -> Expr:
        if node.id in self.names:
            return self.names[node.id]
        if node.id in CONSTANTS:
            return CONSTANTS[node.id]
        functions = (*UNARY, *EXTREMES, *CASES, *self.over_classes(), "Rational")
        if node.id in functions:
            raise self.refuse(node, f"'{node.id}' is a function; write {node.id}(...)")
        declared = ", ".join(self.names) or "none"
        near = difflib.get_close_matches(node.id, [*self.names, *CONSTANTS], 1)
        guess = f"; did you mean '{near[0]}'?" if near else ""
        shown = _cut(declared, 120)
        raise self.refuse(node, f"unknown name '{_cut(node.id)}' (declared: {shown}){guess}")

    def sum(self, node: ast.BinOp, depth: int) -> Expr:
        terms = []
        for operator, operand in _chain(node, (ast.Add, ast.Sub)):
            term = self.value(operand, depth + 1)
            terms.append(-term if isinstance(operator, ast.Sub) else term)
        return self.bounded(node, Add, *terms)

    def product(self, node: ast.BinOp, depth: int) -> Expr:
        factors = []
        for operator, operand in _chain(node, (ast.Mult, ast.Div)):
            factor = self.value(operand, depth + 1)
            if isinstance(operator, ast.Div):
                if factor.is_zero:
                    raise self.refuse(operand, "division by zero")
                factor = self.power(operand, factor, Integer(-1))
            factors.append(factor)
        return self.bounded(node, Mul, *factors)

    def power(self, node: ast.expr, base: Expr, exponent: Expr) -> Expr:
        if base is E:
            return self.apply(node, exp, exponent)
        if base.is_zero and exponent.is_extended_negative:
            raise self.refuse(node, "zero to a negative power")
        if growth.power_is_too_big(base, exponent):
            limit = f"exponents {growth.MAX_EXPONENT}, results {growth.MAX_BITS} bits"
            raise self.refuse(node, f"the power is too big (limits: {limit})")
        return Pow(base, exponent)

    def bounded(self, node: ast.expr, operation: Callable[..., Expr], *operands: Expr) -> Expr:
        if growth.sum_is_too_big(operands):
            raise self.refuse(node, f"the numbers are too big (limit {growth.MAX_BITS} bits)")
        return operation(*operands)

    def apply(self, node: ast.expr, function: Callable[[Expr], Expr], argument: Expr) -> Expr:
        exponential = function in (exp, expm1) and growth.exponential_is_too_big(argument)
        if exponential or growth.function_is_too_big(function, argument):
            limits = f"{growth.MAX_BITS} bits, gamma up to {growth.MAX_GAMMA}"
            raise self.refuse(node, f"the value is too big (limits: {limits})")
        return function(argument)

    def call(self, node: ast.Call, depth: int) -> Expr:
        if not isinstance(node.func, ast.Name):
            raise self.refuse(
                node,
                "only a function's name can stand before '('; write * for a product",
            )
        name = node.func.id
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise self.refuse(node, f"{_cut(name)} takes plain arguments only")
        if name in CASES:
            return self.cases(node, depth)
        if name in self.over_classes():
            return self.over(node, depth)
        if name not in UNARY and name not in EXTREMES and name != "Rational":
            raise self.refuse(node, self.unknown_function(name))
        arguments = [self.value(argument, depth + 1) for argument in node.args]
        if name in EXTREMES:
            self.count(node, len(arguments))
            if not arguments:
                raise self.refuse(node, f"{name} takes at least one argument")
            if len(arguments) == 1 and varies(arguments[0]):
                sign = 1 if name.lower() == "max" else -1
                return sign * Largest(sign * arguments[0])
            try:
                return EXTREMES[name](*arguments)
            except ValueError:  # such as a count of classes
                raise self.refuse(node, f"{name} of what SymPy cannot compare") from None
        if name == "Rational":
            return self.rational(node, arguments)
        if len(arguments) != 1:
            raise self.refuse(node, f"{name} takes one argument, not {len(arguments)}")
        return self.apply(node, UNARY[name], arguments[0])

    def is_index(self, name: str) -> bool:
        return name in self.vectors and self.vectors[name].sort == "index"

    def over_classes(self) -> tuple[str, ...]:
        """The functions that exist where there are classes."""
        return (SUM,) if self.vectors else ()

    def over(self, node: ast.Call, depth: int) -> Expr:
        """sum(...), over the classes."""
        if len(node.args) != 1:
            raise self.refuse(node, f"{SUM} takes one argument, not {len(node.args)}")
        return Total(self.value(node.args[0], depth + 1))

    def unknown_function(self, name: str) -> str:
        if name in self.names or name in CONSTANTS:
            return f"'{name}' is not a function; write {name}*(...) for a product"
        known = [*UNARY, *EXTREMES, *CASES, *self.over_classes(), "Rational"]
        if name in INSTEAD:
            return f"unknown function '{name}'; write {INSTEAD[name]}"
        lower = name.lower() if name.lower() in known else ""
        near = OTHER_NAMES.get(name) or lower or _respelt(name, known)
        words = " ".join(dict.fromkeys(word.lower() for word in known))
        guess = f"did you mean '{near}'?" if near else f"formulas know {words}"
        return f"unknown function '{_cut(name)}'; {guess}"

    def rational(self, node: ast.Call, arguments: list[Expr]) -> Expr:
        if len(arguments) not in (1, 2) or not all(isinstance(a, Rational) for a in arguments):
            raise self.refuse(node, "Rational takes one or two numbers")
        if arguments[-1].is_zero and len(arguments) == 2:
            raise self.refuse(node, "division by zero")
        return arguments[0] / arguments[1] if len(arguments) == 2 else arguments[0]

    def count(self, node: ast.AST, more: int) -> None:
        self.branches += more
        if self.branches > MAX_BRANCHES:
            raise self.refuse(node, f"more than {MAX_BRANCHES} branches of min, max and piecewise")

    def cases(self, node: ast.Call, depth: int) -> Expr:
        self.count(node, len(node.args))
        pairs = []
        for place, pair in enumerate(node.args):
            if not isinstance(pair, ast.Tuple) or len(pair.elts) != 2:
                raise self.refuse(pair, "piecewise takes pairs: (value, condition)")
            hit = self.hit(pair.elts[1])
            if hit is not None:  # the other cases hold where this one does not
                value = hit[0] * self.value(pair.elts[0], depth + 1)
                rest = ast.Call(node.func, node.args[place + 1 :], [], **_position(node))
                other = self.cases(rest, depth + 1) if rest.args else sympify(0)
                pairs.append((value + hit[1] * other, true))
                break
            value = self.value(pair.elts[0], depth + 1)
            pairs.append((value, self.condition(pair.elts[1], depth + 1)))
        if not pairs:
            raise self.refuse(node, "piecewise takes at least one pair (value, condition)")
        return Piecewise(*pairs)

    def hit(self, node: ast.expr) -> tuple[Expr, Expr] | None:
        """[k = t] and [k != t] for a condition k == t or k != t; None for another one."""
        match node:
            case ast.Compare(left=ast.Name(id=k), ops=[op], comparators=[ast.Name(id=t)]):
                k, t = (k, t) if self.is_index(t) else (t, k)
                if self.is_index(t) and k == self.vectors[t].axis and k not in self.names:
                    found = Hit(self.vectors[t]), Other(self.vectors[t])
                    if isinstance(op, ast.Eq):
                        return found
                    if isinstance(op, ast.NotEq):
                        return found[1], found[0]
        return None

    def condition(self, node: ast.expr, depth: int) -> Boolean:
        if depth > MAX_DEPTH:
            raise self.refuse(node, f"nested deeper than {MAX_DEPTH}")
        match node:
            case ast.Constant(value=bool() as known):
                return true if known else false
            case ast.Compare(ops=[op]) if type(op) in RELATIONS:
                left = self.value(node.left, depth + 1)
                return RELATIONS[type(op)](left, self.value(node.comparators[0], depth + 1))
            case ast.Compare():
                raise self.refuse(node, "one comparison at a time; join them with and")
            case ast.BoolOp(op=op, values=values):
                self.count(node, len(values))
                join = And if isinstance(op, ast.And) else Or
                return join(*(self.condition(value, depth + 1) for value in values))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return Not(self.condition(operand, depth + 1))
        raise self.refuse(node, "a condition is a comparison, or True; joined by and, or, not")


def _chain(
    node: ast.expr, operators: tuple[type[ast.operator], ...]
) -> list[tuple[ast.operator, ast.expr]]:
    """The operands of a left-associative chain, in order, each with the operator before it."""
    links: list[tuple[ast.operator, ast.expr]] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, operators):
        links.append((node.op, node.right))
        node = node.left
    first: ast.operator = operators[0]()
    return [(first, node), *reversed(links)]


def _position(node: ast.expr) -> dict[str, int]:
    return {"lineno": node.lineno, "col_offset": node.col_offset}


def _respelt(name: str, known: list[str]) -> str | None:
    """The function whose letters are exchanged in a name, or which has one more or less.

    Another letter in the place of one makes another function of it.
    """
    same = [other for other in known if sorted(name) == sorted(other)]
    if name.isalpha() and len(name) > 2:
        same += [other for other in known if name in _one_less(other)]
        same += [other for other in known if len(other) > 2 and other in _one_less(name)]
    return same[0] if same else None


def _one_less(word: str) -> list[str]:
    return [word[:k] + word[k + 1 :] for k in range(len(word))]


def _cut(text: str, length: int = 40) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def _misplaced(node: ast.expr) -> str:
    match node:
        case ast.Tuple():
            return "a comma outside of a function's arguments; write decimals with a point (0.5)"
        case ast.Compare(ops=[_, _, *_]):
            return "one comparison at a time; and only in a condition of piecewise"
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            return "a condition stands only in piecewise((value, condition), ...)"
        case ast.IfExp():
            return "write piecewise((value, condition), (other, True)) for cases"
        case ast.BinOp(op=ast.FloorDiv()):
            return "// is not part of formulas; write /"
    return "this is not part of formulas: numbers, names, + - * / **, functions"
