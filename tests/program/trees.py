"""Random expressions over a few letters, for properties of blocks and of printed text."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from derive.numerics.nodes import Local, Name, Node, Number, call, node, polynomial

LETTERS = ("x", "p", "q")
UNARY = ("neg", "abs", "sign", "sqrt", "exp", "log1p", "tanh", "neg", "atan")
BINARY = ("add", "sub", "mul", "div", "sub", "div", "min", "max")
RELATIONS = ("lt", "le", "eq", "ne")
LOCALS = ("y", "w", "total", "y")

constants = st.one_of(
    st.integers(-12, 12).map(node),
    st.fractions(-5, 5, max_denominator=64).map(node),
    st.floats(-1e3, 1e3, allow_subnormal=False).map(node),
    st.sampled_from([Fraction(1, 2**60), Fraction(-(2**70)), Fraction(1, 3), Fraction(10**7)]).map(
        node
    ),
)
# NumPy's NaN**0 is 1, that of the nodes NaN.
_EXPONENTS = st.integers(-3, 3).filter(bool)
leaves = st.one_of(
    st.sampled_from([Name(n) for n in LETTERS]), st.sampled_from([Name("x")]), constants
)


def _is_not_0(exponent: Node) -> bool:
    return not (isinstance(exponent, Number) and exponent.value == 0)


def _named(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        _grow(inner), st.builds(lambda n, a: Local(n, a), st.sampled_from(LOCALS), inner)
    )


def _grow(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    conditions = st.builds(
        lambda op, a, b: call(op, a + Name("p"), b), st.sampled_from(RELATIONS), inner, inner
    )
    both = st.builds(
        lambda op, a, b: call(op, a, b), st.sampled_from(["and", "or"]), conditions, conditions
    )
    return st.one_of(
        st.builds(lambda op, a: call(op, a), st.sampled_from(UNARY), inner),
        st.builds(lambda op, a, b: call(op, a, b), st.sampled_from(BINARY), inner, inner),
        st.builds(lambda op, a, b: call(op, a, b), st.sampled_from(BINARY), inner, inner),
        st.builds(
            lambda a, e: call("pow", call("abs", Name("x") + a), e), inner, _EXPONENTS
        ),
        st.builds(
            lambda a, e: call("pow", call("abs", a + Name("x")), e), inner, inner.filter(_is_not_0)
        ),
        st.builds(
            lambda op, c, a, b: call(op, c, a, b * Name("p")),
            st.sampled_from(["where", "patch"]), st.one_of(conditions, both), inner, inner,
        ),
        st.builds(lambda a: polynomial(a, (1, Fraction(-1, 3), Fraction(2, 7))), leaves),
        st.builds(lambda a: a * a + a, inner),
    )  # fmt: skip


expressions = st.recursive(leaves, _named, max_leaves=14)
large_expressions = st.recursive(leaves, _named, max_leaves=60)
# as blocks hand them to a printer: their locals have become names
printed_expressions = st.recursive(leaves, _grow, max_leaves=14)
large_printed_expressions = st.recursive(leaves, _grow, max_leaves=60)
