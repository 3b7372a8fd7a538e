"""A loss over classes as a program without a target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from derive.calculus.classwise import ClasswiseDerivation
from derive.definitions.loss import Along, Loss
from derive.numerics.classwise import ClasswiseForm
from derive.numerics.nodes import Call, Name, Node, children, walk
from derive.program.blocks import Naming, make_block
from derive.program.lowering import RESERVED, helpers_of, parameter
from derive.program.module import Assignment, Block, Documentation, Helper, Parameter
from derive.program.nan import guarded_rows
from derive.program.wording import classes_line, definition_lines, meaning, roles_line

_MOST = 8  # operations in one statement, about
_ARRAYS = ("axis", "hit", "value", "slope")


@dataclass(frozen=True)
class ClasswiseFunction:
    """A function of a file. many: one number a class comes out, for each of its results; moves:
    it takes the vector of a product; block: what holds, None for what only probabilities have;
    probabilities: what holds where the target gives each class a probability, None where it
    cannot."""

    name: str
    meaning: str
    many: tuple[bool, ...]
    moves: bool
    block: Block | None
    probabilities: Block | None


@dataclass(frozen=True)
class ClasswiseModule:
    """Everything that is printed in the file of a loss over classes.

    prediction, target: (name, "real", "probability" or "index"); no target for an entropy.
    direction: the name of the vector in the product with the Hessian.
    """

    name: str
    digest: str
    subject: str
    prediction: tuple[str, str]
    target: tuple[str, str] | None
    direction: str
    parameters: tuple[Parameter, ...]
    documentation: Documentation
    functions: tuple[ClasswiseFunction, ...]
    helpers: tuple[Helper, ...]
    operations: frozenset[str]

    @property
    def arrays(self) -> tuple[str, ...]:
        """What has the axis of the classes, or names one of them."""
        return (self.prediction[0], *([self.target[0]] if self.target else []))


def classwise_module(
    derivation: ClasswiseDerivation, form: ClasswiseForm, subject: str
) -> ClasswiseModule:
    """ClasswiseForm -> ClasswiseModule."""
    loss, z = derivation.loss, derivation.loss.residual
    pair = ("loss", f"d_{z.name}")
    soft = {} if form.probabilities is None else form.probabilities.quantities
    names = dict.fromkeys((*form.quantities, *soft))
    functions = [_function(derivation, form, name, (name,)) for name in names]
    functions.append(_function(derivation, form, "value_and_grad", pair))
    blocks = [b for f in functions for b in (f.block, f.probabilities) if b is not None]
    roots = [n for b in blocks for n in b.expressions]
    helpers = helpers_of(roots)
    roots += [n for h in helpers for n in h.expressions]
    return ClasswiseModule(
        loss.name,
        loss.digest,
        subject,
        (z.name, z.sort),
        None if loss.target is None else (loss.target.name, loss.target.sort),
        derivation.v.name,
        tuple(parameter(loss, p) for p in loss.parameters),
        _documentation(derivation),
        tuple(functions),
        helpers,
        frozenset(n.op for r in roots for n in walk(r) if isinstance(n, Call)),
    )


def _function(
    derivation: ClasswiseDerivation, form: ClasswiseForm, name: str, parts: Sequence[str]
) -> ClasswiseFunction:
    loss = derivation.loss
    soft = form.probabilities
    other = None
    if soft is not None and all(p in soft.quantities for p in parts):
        other = _block(soft, derivation, parts)
    many = tuple(_has_axis(p, loss) for p in parts)
    return ClasswiseFunction(
        name,
        _meaning(loss, name, derivation.v.name),
        many,
        name == "hessian_product",
        _block(form, derivation, parts) if parts[0] in form.quantities else None,
        other,
    )


def _has_axis(name: str, loss: Loss) -> bool:
    """Whether a derivative is one number a class, though it may be 0 everywhere."""
    vectors = [v.name for v in loss.variables if isinstance(v, Along)]
    return name == "hessian_product" or name.removeprefix("d_") in vectors


def _block(form: ClasswiseForm, derivation: ClasswiseDerivation, parts: Sequence[str]) -> Block:
    names = {v.name for v in (*derivation.loss.variables, derivation.v)}
    reserved = frozenset(RESERVED | names | set(_ARRAYS))
    naming = Naming(reserved, derivation.loss.residual.name, most=_MOST)
    by = frozenset(p.name for p in derivation.loss.parameters)
    vectors = [v.name for v in form.loss.variables if isinstance(v, Along) and v.sort != "index"]
    results = [guarded_rows(form.quantities[p], vectors) for p in parts]
    return _in_place(make_block(results, naming), by)


def _in_place(block: Block, by: Set[str]) -> Block:
    """What is put into a quotient that is read nowhere else needs no copy of it, nor does a
    difference over a parameter."""
    read = Counter(name for r in block.expressions for name in _read(r))
    fresh = {
        a.name
        for a in block.assignments
        if isinstance(a.value, Call) and a.value.op == "div" and read[a.name] == 1
    }
    return Block(
        tuple(Assignment(a.name, _reused(a.value, fresh, by)) for a in block.assignments),
        tuple(_reused(r, fresh, by) for r in block.results),
    )


def _read(e: Node) -> Iterator[str]:
    """Every name, as often as it is read."""
    if isinstance(e, Name):
        yield e.name
    for part in children(e):
        yield from _read(part)


def _reused(e: Node, fresh: Set[str], by: Set[str]) -> Node:
    if not isinstance(e, Call):
        return e
    args = tuple(_reused(a, fresh, by) for a in e.args)
    match e.op, args:
        case "put", (Name(name), *_) if name in fresh:
            return Call("put_into", args)
        case "div", (Call("sub" | "put" | "put_into"), Name(name)) if name in by:
            return Call("over", args)
    return Call(e.op, args)


def _meaning(loss: Loss, name: str, v: str) -> str:
    z = loss.residual.name
    if name == "loss":
        return f"{loss.title.rstrip('.')}, one number for each row of classes."
    if name == "hessian_product":
        return f"The product of the Hessian in {z} with {v}."
    if name == f"d_{z}":
        return f"The gradient in {z}, one number a class."
    by = () if name == "value_and_grad" else (name.removeprefix("d_"),)
    return meaning(loss, name, by)


def _documentation(derivation: ClasswiseDerivation) -> Documentation:
    loss = derivation.loss
    notes = list(derivation.facts)
    if derivation.probabilities is not None:
        notes.append(
            f"{loss.target} may give each class a probability instead: the loss is the mean over "
            "classes drawn from them"
        )
    if any(isinstance(v, Along) and v.sort == "probability" for v in loss.variables) or (
        derivation.probabilities is not None
    ):
        notes.append("Probabilities are taken as they are, whatever they sum to; 0 log 0 = 0")
    return Documentation(
        loss.title.rstrip("."),
        (*definition_lines(loss), classes_line(loss)),
        roles_line(loss),
        loss.description,
        tuple(f"{n}." for n in notes),
        loss.source.rstrip("."),
    )
