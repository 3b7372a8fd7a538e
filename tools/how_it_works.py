"""Writes docs/how-it-works.md: the way of one loss, with the values that travel along it.

Run: python -m tools.how_it_works
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import mpmath

from derive.api import compile as compiled
from derive.calculus.evaluate import evaluate
from derive.definitions.catalogue import load
from derive.definitions.notation import formula
from derive.numerics.nodes import Call, Local, Name, Node, Number
from derive.stages import Stages

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-it-works.md"
SUBJECT = "charbonnier"
SMALL = 1e-9

TEXT = """# How it works

The way of one loss from its definition to a checked file, with the values as they are:
{title}. `python -m tools.how_it_works` wrote this page by walking that way, and a test
walks it again. Each stage is a room of the package and hands on one frozen value; none is changed
afterwards. In code the whole way is [derive/stages.py](../derive/stages.py).

## 1. Definition: `Loss`

[derive/definitions/{name}.py](../derive/definitions/{name}.py) says it as the paper does:
variables with their signs, a named part, one formula.

```text
{definition}
```

## 2. What follows: `Derivation`

Derivatives by own rules on open pieces (SymPy's would give Dirac deltas at kinks), put into a form
for readers and compared with the raw one at random points at high precision:

```text
{derivatives}
```

The weight at x = 0 is a limit, and so is every value at a special point of a parameter; each is
found from a series, then confirmed by evaluating the raw formula ever closer, from both sides. The
normalizer, if there is one, is confirmed by quadrature:

```text
{density}
```

## 3. Not losing digits: `StableForm`

Typed as it stands, the formula subtracts 1 from something close to 1. At x = {small:g}:

| | loss({small:g}) |
| --- | --- |
| as typed, in float64 | {typed!r} |
| at 60 digits | {right} |
| as emitted | {emitted!r} |

Forms are proposed by rules and measured at many points, in float64 and with every step rounded to
float32, against the raw formula at high precision. The first one that reaches its goal is taken.
Why it is the same function: {proof}.

```text
{form}
```

| quantity | as typed, worst ULP | chosen, worst ULP | goal |
| --- | --- | --- | --- |
{measured}

## 4. A program without a language: `Module`

Functions of assignments and results, from a closed list of operations; what several results need is
named once, by the paper's letters where they are known:

```text
{program}
```

## 5. Text: one target after the other

A table of syntax says how each operation is written; a template says where things stand. NumPy's
file, of which this is the loss:

```python
{numpy}
```

PyTorch's:

```python
{torch}
```

## 6. Files, and the judge

All files are compiled, imported alone and asked for one value; then the whole folder is swapped in
at once. `derive verify` comes from the other side: it knows the definition and the emitted files,
and never imports anything of stages 3 to 5. It encloses the exact value in ball arithmetic and
counts by how many units in the last place (ULP) each function misses it.
"""


def page() -> str:
    """The whole page as text."""
    way = Stages(load(SUBJECT), SUBJECT)
    loss, derivation, stable = way.loss, way.derivation, way.stable
    point = {loss.residual: mpmath.mpf(SMALL), **dict.fromkeys(loss.parameters, mpmath.mpf(1))}
    with mpmath.workdps(60):
        right = mpmath.nstr(evaluate(loss.expression, point), 17)
    form = stable.regimes[-1].quantities["loss"]
    function = way.module.functions[0]
    return TEXT.format(
        name=loss.name,
        title=loss.title,
        definition="\n".join(
            [
                f"loss = {formula(loss.loss)}",
                *(f"{v} = {formula(v.definition)}" for v in loss.where),
            ]
        ),
        derivatives="\n".join(
            f"{name} = {formula(value)}"
            for name, value in derivation.pretty.items()
            if name != "loss"
        ),
        density="\n".join(
            [
                f"weight at {loss.residual} = 0: {formula(derivation.weight_at_zero)}",
                f"log Z = {formula(derivation.density.log_partition)}",
            ]
        ),
        small=SMALL,
        typed=(1 + SMALL**2) ** 0.5 - 1,
        right=right,
        emitted=float(compiled(SUBJECT, "numpy").loss(SMALL)),
        proof=stable.proof,
        form=f"typed:  {formula(loss.loss)}\nchosen: {shown(form)}",
        measured="\n".join(
            f"| `{e.quantity}` | {e.direct:.1g} | {e.worst:.1g} | {e.goal:.2g} |"
            for e in stable.errors
        ),
        program="\n".join(
            [
                f"function {function.name}",
                *(f"  {a.name} = {shown(a.value)}" for a in function.block.assignments),
                *(f"  return {shown(result)}" for result in function.block.results),
            ]
        ),
        numpy=_function(way.text("numpy")),
        torch=_function(way.text("torch")),
    )


def shown(node: Node) -> str:
    """A node as nested calls; a named one by its name, where it is not the outermost."""
    match node:
        case Name(name=name):
            return name
        case Local(name=name):
            return name.rstrip("_")
        case Number(value=value):
            whole = isinstance(value, Fraction)
            return str(value) if whole or abs(value) < 1e6 else f"{value:.3g}"
        case Call(op=op, args=args):
            return f"{op}({', '.join(map(shown, args))})"
    return str(node)


def _function(text: str) -> str:
    """`loss` of a file, with its decorator."""
    start = text.index("def loss(")
    start = text.rindex("\n\n", 0, start) + 2
    return text[start : text.index("\n\n\n", start)].strip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
