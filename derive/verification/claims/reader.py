"""The reader of `says` and `where`: the project's formulas, with operators and predicates.

The same allow-list over Python's syntax tree as for losses; text is data, never code.
"""

from __future__ import annotations

import ast
import re

from sympy import Dummy, Expr, Symbol, exp, oo, true
from sympy.logic.boolalg import Boolean

from derive.definitions.formula import Reader
from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.verification.claims.cover import covers
from derive.verification.claims.derivative import derivative
from derive.verification.claims.terms import (
    DIFF,
    INF,
    INTEGRAL,
    LIMIT,
    LOG_PARTITION,
    PREDICATES,
    SUP,
    Operator,
    Predicate,
    Relation,
    Term,
)
from derive.verification.quantities import quantities

RELATIONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
SIDES = {"__above": "+", "__below": "-"}
OPERATORS = (DIFF, LIMIT, INTEGRAL, SUP, INF)
MOST_TIMES = 6
_SIDE = re.compile(r"""(,\s*)(?:'([+-])'|"([+-])")""")


def read_statement(text: str, loss: Loss, formula: str, where: str) -> Relation | Predicate:
    """What `says` states. formula: the name under which the loss itself is spoken of, or ""."""
    return _reader(text, loss, formula, where).statement()


def read_where(text: str, loss: Loss, where: str) -> Boolean:
    """What `where` states, a condition on the variables."""
    if not text.strip():
        return true
    return _reader(text, loss, "", where).only_condition()


def read_term(text: str, loss: Loss, where: str) -> Term:
    """A single expression."""
    reader = _reader(text, loss, "", where)
    return reader.finished(reader.tree())


def _reader(text: str, loss: Loss, formula: str, where: str) -> ClaimReader:
    if not isinstance(text, str):
        raise BadInput(f"{where}: expected text in quotes")
    sided = _SIDE.sub(
        lambda m: f"{m[1]}__above" if (m[2] or m[3]) == "+" else f"{m[1]}__below", text
    )
    return ClaimReader(sided, loss, formula, where)


class ClaimReader(Reader):
    """Formulas over a loss's variables and its own quantities, and operators on them."""

    def __init__(self, text: str, loss: Loss, formula: str, where: str) -> None:
        super().__init__(text, {v.name: v for v in loss.variables}, where)
        self.loss, self.formula_name = loss, formula
        self.operators: dict[Dummy, Operator] = {}
        self.quantities = quantities(loss)

    def tree(self) -> ast.expr:
        try:
            return ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            column = max(1, (error.offset or 1) + self.shift - 1)
            message = error.msg.partition(".")[0]
            raise BadInput(f"{self.where}, column {column}: not a statement ({message})") from None
        except (ValueError, RecursionError, MemoryError, OverflowError):
            raise BadInput(f"{self.where}, column 1: nested too deeply") from None

    def statement(self) -> Relation | Predicate:
        node = self.tree()
        name = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and isinstance(name, ast.Name) and name.id in PREDICATES:
            return self.predicate(node)
        if not isinstance(node, ast.Compare):
            known = ", ".join(PREDICATES)
            raise self.refuse(node, f"a claim is a relation (==, <, ...) or one of {known}")
        if len(node.ops) != 1 or type(node.ops[0]) not in RELATIONS:
            raise self.refuse(node, "one comparison at a time: ==, !=, <, <=, > or >=")
        op = RELATIONS[type(node.ops[0])]
        return Relation(op, self.finished(node.left), self.finished(node.comparators[0]))

    def only_condition(self) -> Boolean:
        found = self.condition(self.tree(), 0)
        if self.operators:
            raise BadInput(f"{self.where}: a condition speaks of the variables only")
        return found

    def finished(self, node: ast.expr) -> Term:
        found = self.value(node, 0)
        covers(found, self.where)
        return self.term(found)

    def term(self, value: Expr) -> Term:
        """A value with the operators that it holds."""
        used = {d: op for d, op in self.operators.items() if value.has(d)}
        return Term(value, used)

    def predicate(self, node: ast.Call) -> Predicate:
        assert isinstance(node.func, ast.Name)
        kind = node.func.id
        self.plain(node, kind, (2, 3))
        body = self.finished(node.args[0])
        point = self.finished(node.args[2]) if len(node.args) == 3 else None
        if point is not None and point.expression.has(oo, -oo):
            raise self.refuse(node.args[2], "a predicate holds at finite points")
        return Predicate(kind, body, self.variable(node.args[1]), point)

    def plain(self, node: ast.Call, name: str, counts: tuple[int, ...]) -> None:
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise self.refuse(node, f"{name} takes plain arguments only")
        if len(node.args) not in counts:
            wanted = " or ".join(map(str, counts))
            raise self.refuse(node, f"{name} takes {wanted} arguments, not {len(node.args)}")

    def variable(self, node: ast.expr) -> Symbol:
        if isinstance(node, ast.Name) and node.id in self.names:
            return self.names[node.id]
        raise self.refuse(node, f"a variable is wanted: {', '.join(self.names)}")

    def name(self, node: ast.Name) -> Expr:
        if node.id in self.names:
            return self.names[node.id]
        if node.id in ("loss", self.formula_name):
            return self.loss.expression
        if node.id in self.quantities:
            wanted = self.quantities[node.id]
            found = self.loss.expression
            for v, times in zip(self.loss.variables, wanted.orders, strict=True):
                found = derivative(found, v, times)
            return found / self.loss.residual if wanted.over_x else found
        if node.id in ("log_partition", "density", "log_density"):
            z = self.placeholder(Operator(LOG_PARTITION, Term(self.loss.expression), self.residual))
            log_density = -self.loss.expression - z
            return {"log_partition": z, "density": exp(log_density)}.get(node.id, log_density)
        if node.id in SIDES:
            raise self.refuse(node, "a side stands behind the point of a limit only")
        return super().name(node)

    @property
    def residual(self) -> Symbol:
        return self.loss.residual

    def placeholder(self, operator: Operator) -> Dummy:
        for dummy, known in self.operators.items():
            if known == operator:
                return dummy
        made = Dummy(operator.kind, extended_real=True)
        self.operators[made] = operator
        return made

    def call(self, node: ast.Call, depth: int) -> Expr:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in PREDICATES:
            raise self.refuse(node, f"{name}(...) is a whole statement, not a value")
        if name not in OPERATORS or name in self.names:
            return super().call(node, depth)
        if name == DIFF:
            return self.differentiated(node, depth)
        counts = {LIMIT: (3, 4), INTEGRAL: (4,), SUP: (2,), INF: (2,)}[name]
        self.plain(node, name, counts)
        body = self.term(self.value(node.args[0], depth + 1))
        variable = self.variable(node.args[1])
        side, points = "", node.args[2:]
        if len(node.args) == 4 and name == LIMIT:
            side, points = self.side(node.args[3]), node.args[2:3]
        at = tuple(self.term(self.value(p, depth + 1)) for p in points)
        for p, ast_node in zip(at, points, strict=True):
            if p.operators:
                raise self.refuse(ast_node, "a point is a plain expression")
        return self.placeholder(Operator(name, body, variable, at, side))

    def side(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name) and node.id in SIDES:
            return SIDES[node.id]
        raise self.refuse(node, 'the side of a limit is "+" or "-"')

    def differentiated(self, node: ast.Call, depth: int) -> Expr:
        self.plain(node, DIFF, (2, 3))
        body = self.term(self.value(node.args[0], depth + 1))
        variable, times = self.variable(node.args[1]), 1
        if len(node.args) == 3:
            order = node.args[2]
            if not (isinstance(order, ast.Constant) and type(order.value) is int
                    and 1 <= order.value <= MOST_TIMES):  # fmt: skip
                raise self.refuse(order, f"the order of diff is a number from 1 to {MOST_TIMES}")
            times = order.value
        if body.operators:
            return self.placeholder(Operator(DIFF, body, variable, times=times))
        return derivative(body.expression, variable, times)
