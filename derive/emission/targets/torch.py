"""PyTorch: tensors of any floating dtype; parameters are tensors in every formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from derive.emission.inplace import Calls, beyond
from derive.emission.printer import NoSpelling, Printer
from derive.emission.render import block, exports, function, library_of
from derive.emission.syntax import ATOM, BOTH, EITHER, PYTHON, Called, Infix, Pattern, Syntax
from derive.emission.target import Target
from derive.emission.text import fitted
from derive.numerics.nodes import Call, Name, Node
from derive.program.branchless import branchless
from derive.program.calls import DIFFERENCE, SLOPE
from derive.program.expanded import expanded, substituted
from derive.program.module import Block, Function, Module, Parameter
from derive.program.plain import plain_loss
from derive.program.sweep import sweep

_FUNCTIONS = [
    "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "erf", "erfc", "digamma", "where",
]  # fmt: skip

SYNTAX = Syntax(
    operations={
        **PYTHON,
        "and": Infix("&", BOTH),
        "or": Infix("|", EITHER),
        **{name: Called(f"torch.{name}") for name in _FUNCTIONS},
        "abs": Called("abs"),
        "patch": Called("torch.where"),
        "loggamma": Called("torch.lgamma"),
        "clamp": Called("torch.clamp"),
        "is_nan": Called("torch.isnan"),
        "finite": Pattern("torch.nan_to_num({0}, nan=math.nan)", ATOM),
        "least": Called("_least"),
        "exp_series": Called("_exp_series", listed=1),
        "copy": Pattern("{0}.clone()", ATOM),
        "trigamma": Called("_trigamma"),
        "gamma": Pattern("torch.exp(torch.lgamma({0}))", ATOM),
        "min": Pattern("torch.clamp({0}, max={1})", ATOM),
        "max": Pattern("torch.clamp({0}, min={1})", ATOM),
        "horner": Called("_horner", listed=1),
        "sign": Called("_sign"),
        "product_error": Called("_product_error"),
        "count": Pattern("{0}.shape[-1]", ATOM),
        "put": Pattern("torch.scatter({0}, -1, {1}, {2})", ATOM),
        **{
            n: Called(f"_{n}")
            for n in (
                "total",
                "largest",
                "beside",
                "level",
                "entry",
                "share",
                "rest",
                "others",
                "centred",
                "apart",
                "put_into",
                "over",
                "hit",
            )
        },
    },
    infinity="math.inf",
    not_a_number="math.nan",
    as_it_is="  # fmt: skip",
    escapes={"\\": "\\\\", '"""': '\\"\\"\\"'},
)

# What Python computes with the parameters of a block, which are numbers there.
NUMBERS = Syntax(
    operations={
        **PYTHON,
        "abs": Called("abs"),
        "min": Called("min"),
        "max": Called("max"),
        **{n: Called(f"math.{n}") for n in ("sqrt", "exp", "expm1", "log", "log1p")},
        "loggamma": Called("math.lgamma"),
        "gamma": Called("math.gamma"),
        "sign": Pattern("math.copysign(1.0, {0})", ATOM),
    },
    infinity="math.inf",
    not_a_number="math.nan",
)


# What the lines of a block stand among: in a function of their own, or where memory is gone over.
_TAKEN = frozenset(["ctx", "found", "math", "most", "torch", DIFFERENCE, SLOPE])
_AROUND = frozenset(
    [
        "by", "float", "mean", "one", "other", "size", "slope", "split", "sums", "target", "total",
        "x", "zip",
    ]
)  # fmt: skip


def context(module: Module, printer: Printer) -> Mapping[str, Any]:
    """What the template of a loss file needs beside what every target prints."""
    return _pointwise(module, printer) if module.roles else _residual(module, printer)


def _pointwise(module: Module, printer: Printer) -> Mapping[str, Any]:
    """Of a loss of a prediction and a target: torch.nn's arguments in its order."""
    optional = [f"{p.name}: Any = {printer.real(p.default)}" for p in module.parameters]
    others = [p.name for p in module.predictions[1:]]
    inputs = ["input", *others, "target"]
    named = _tuple([p.name for p in module.parameters])
    return {
        "formulas": _formulas(module, printer, None),
        "signature": ", ".join([*(f"{n}: Tensor" for n in module.inputs), *optional]),
        "helpers": _helpers(module, printer),
        "exports": exports([_class_name(module), *(f.name for f in module.functions)]),
        "class_name": _class_name(module),
        "given_to": [
            "self",
            "weight: Tensor | None = None",
            "size_average: bool | None = None",
            "reduce: bool | None = None",
            'reduction: str = "mean"',
            *optional,
            "*",
            "validate: bool = False",
        ],
        "forward": [
            "self",
            "input: Tensor",
            "target: Tensor",
            *(f"{n}: Tensor" for n in others),
            "weight: Tensor | None = None",
        ],
        "inputs": inputs,
        "domains": [
            f'("{n}", "{r.rule}", lambda p: {_test(r, printer)})'
            for n, r in zip(inputs, module.roles, strict=True)
        ],
        "from_zero": [place for place, r in enumerate(module.roles) if r.from_zero],
        "rules": _rules(module, printer),
        "named": named,
        "defaults": _tuple([printer.real(p.default) for p in module.parameters]),
        "own": ", ".join(f"self.{p.name}" for p in module.parameters),
        "shown": _tuple([f'"{n}"' for n in [*(p.name for p in module.parameters), "reduction"]]),
        "quoted": [f'"{n}"' for n in module.variables],
        "slopes": _some_slopes(module),
    }


def _some_slopes(module: Module) -> list[dict[str, Any]]:
    """The derivatives of each function, "" for one that the file does not have."""
    rows = []
    for f in module.functions:
        if f.name == "loss" or f.by:
            found = [module.derivative(*f.by, v) for v in module.variables]
            names = [g.name if isinstance(g, Function) else "" for g in found]
            if any(names):
                rows.append({"name": f.name, "by": names})
    return rows


def _single(name: str, found: Block, module: Module, printer: Printer, slope: Node | None) -> str:
    """A derivative as one statement, if it is one expression, or fits on a line without locals of
    one operation; else "". slope: what stands as a call of d_x in it."""
    (whole,) = expanded(found)
    called = whole
    if found.assignments and slope is not None:
        arguments = (Name(f"d_{module.residual}"), *map(Name, module.variables))
        called = _with(whole, slope, Call("quantity", arguments))
    locals_of = (a.value.args for a in found.assignments if isinstance(a.value, Call))
    simple = not any(isinstance(a, Call) for arguments in locals_of for a in arguments)
    if name == "loss" or len(found.assignments) > 1 or not (simple or called != whole):
        return ""
    value = printer.expression(called)
    items = [f"lambda {', '.join(module.variables)}: {value}", f'"{name}"']
    text = fitted(items, f"{name} = _op(", ")")
    return text if text.count("\n") < (1 if found.assignments else 3) else ""


def _with(current: Node, part: Node, other: Node) -> Node:
    """The expression, with another one for a part of it."""
    if current == part:
        return other
    if isinstance(current, Call):
        return Call(current.op, tuple(_with(a, part, other) for a in current.args))
    return current


def _formulas(
    module: Module, printer: Printer, plain: Block | None, guarded: bool = True
) -> list[dict[str, Any]]:
    """Each function as lines and, where it is one short expression, as a statement."""
    slope, rows = None, []
    for f in module.functions:
        if f.name == "value_and_grad":
            continue
        found = _written(f, module, plain, guarded)
        rows.append(
            {
                "name": f.name,
                "meaning": function(f, printer)["meaning"],
                "lines": block(found, printer, 1),
                "single": _single(f.name, found, module, printer, slope),
            }
        )
        if plain and f.name == f"d_{module.residual}":
            (slope,) = expanded(found)
    return rows


def _helpers(module: Module, printer: Printer) -> list[dict[str, Any]]:
    """Without what is cheaper for some parameters: which those are is not asked on a device."""
    return [
        {
            **function(replace(h, branches=()), printer),
            "signature": [f"{p}: Any" for p in h.parameters],
        }
        for h in module.helpers
    ]


def _residual(module: Module, printer: Printer) -> Mapping[str, Any]:
    x = module.residual
    firsts = [f"d_{v}" for v in module.variables]
    plain, program = plain_loss(module), _block(module)
    signature = ", ".join(
        [f"{x}: Tensor", *(f"{p.name}: Any = {printer.real(p.default)}" for p in module.parameters)]
    )
    closed = plain is None
    masked = not closed and not module.operations.isdisjoint({"abs", "min", "max", "clamp"})
    if masked:  # nothing has to pass NaN on
        plainly = {**printer.syntax.operations, "sign": Called("torch.sign")}
        printer = replace(printer, syntax=replace(printer.syntax, operations=plainly))
    swapped = len(module.parameters) == 1
    first = module.parameters[0] if swapped else None
    return {
        "formulas": _formulas(module, printer, plain, guarded=not masked),
        "signature": signature,
        "typed": signature.split(", "),
        "tensors": ", ".join(f"{v}: Tensor" for v in module.variables),
        "helpers": _helpers(module, printer),
        "exports": exports([_class_name(module), *(f.name for f in module.functions)]),
        "class_name": _class_name(module),
        "wrapped": f"return _evaluate(_formula, {', '.join(module.variables)})",
        "given": [
            "self",
            *(f"{p.name}: Any = {printer.real(p.default)}" for p in module.parameters),
            f'reduction: {"Any" if swapped else "str"} = "mean"',
            "*",
            "validate: bool = False",
        ],
        "rules": [row.rstrip(",") for row in _rules(module, printer)],
        "free": ", ".join(p.name for p in module.parameters),
        "shown": _tuple([f'"{n}"' for n in [*(p.name for p in module.parameters), "reduction"]]),
        "swapped": (
            {"name": first.name, "default": printer.real(first.default)} if first else None
        ),
        "library": library_of(module.operations - ({"sign"} if masked else set()), TARGET),
        "closed": closed,
        "masked": masked,
        "slopes": _slopes(module),
        "diverging": _diverging(module),
        "infinite": _tuple([f'"{f.name}"' for f in module.functions if _is_infinite(f, module)]),
        "firsts": _tuple(firsts),
        "sums": _tuple(["loss", *firsts[1:]]),
        "block": program,
    }


def _diverging(module: Module) -> str:
    """(place in the signature, point) where a derivative in a parameter is infinite."""
    places = [
        _tuple([str(module.variables.index(name)), repr(point)])
        for name, points in module.diverging.items()
        for point in points
    ]
    return _tuple(places) if places else ""


def _is_infinite(function: Function, module: Module) -> bool:
    """Whether a function may be infinite where a derivative in a parameter is."""
    return not module.diverging.keys().isdisjoint(function.by)


def _tuple(items: Sequence[str]) -> str:
    return f"({', '.join(items)}{',' * (len(items) == 1)})"


def _rules(module: Module, printer: Printer) -> list[str]:
    """(name, rule, test) of each parameter; one alone with a comma, to be a tuple."""
    rows = [f'("{p.name}", "{p.rule}", lambda p: {_test(p, printer)})' for p in module.parameters]
    return [f"{rows[0]},"] if len(rows) == 1 else rows


def _written(function: Function, module: Module, plain: Block | None, guarded: bool) -> Block:
    """A function without branches; the loss in the form whose steps may be differentiated."""
    return plain if function.name == "loss" and plain else branchless(function, module, guarded)


def _test(parameter: Parameter, printer: Printer) -> str:
    """The condition on a parameter, in the letter p."""
    return printer.expression(substituted(parameter.condition, {parameter.name: Name("p")}))


def _class_name(module: Module) -> str:
    return "".join(part.capitalize() for part in module.name.split("_")) + "Loss"


def _slopes(module: Module) -> list[dict[str, Any]]:
    """The functions of which all derivatives are in the file, too, and these."""
    rows = []
    for f in module.functions:
        if f.name == "loss" or f.by:
            found = [module.derivative(*f.by, v) for v in module.variables]
            names = [g.name for g in found if isinstance(g, Function)]
            if len(names) == len(found):
                rows.append({"name": f.name, "by": names})
    return rows


def _block(module: Module) -> Mapping[str, Any] | None:
    """The block program as lines, None where there is none, or where a parameter has a name that
    it needs for itself."""
    found, names = sweep(module), [p.name for p in module.parameters]
    if found is None:
        return None
    taken = {*_TAKEN, *found.buffers, *(s.place for s in found.steps)}
    if not taken.isdisjoint(names):
        return None
    special = tuple(c for c in module.special if not beyond(c))
    apart = bool(special or found.infinite or found.bounds or found.risky or found.cancels)
    apart = apart or not _AROUND.isdisjoint(names) or bool(module.diverging)
    try:
        calls = Calls(found, special, Printer(NUMBERS), "torch", 4 if apart else 12)
        hides = not apart and any(s.op in ("sign", "where") for s in found.steps)
        lines = calls.lines(names) if apart else calls.few(names, hides)
    except NoSpelling:
        return None
    tensors = [f"{n}: Tensor" for n in (DIFFERENCE, SLOPE)]
    whole = ["ctx: Any", "x: Tensor", "target: Tensor", "mean: bool"]
    once = "ctx.share, ctx.parameters, {0} = 1 / x.numel() if mean else 1.0, ({0},), float({0})"
    once = once.format(*names) if len(names) == 1 else ""
    return {
        "once": once if len(once) <= 92 else "",
        "floats": (", ".join(names), ", ".join(f"float({n})" for n in names)),
        "lines": lines,
        "difference": DIFFERENCE,
        "slope": SLOPE,
        "numbers": ", ".join(names) + "," * (len(names) == 1),
        "arguments": [
            *([*tensors, "ctx: Any"] if apart else whole),
            *(f"{n}: {'float' if apart else 'Any'}" for n in names),
        ],
        "summed": ", ".join(["loss", *(f"d_{n}" for n in names)]),
        "apart": apart,
        "risky": found.risky,
        "cancels": found.cancels,
        "grows": any(s.op == "growth" for s in found.steps),
    }


TARGET = Target(
    name="torch",
    title="PyTorch",
    folder="for_torch",
    suffix=".py",
    syntax=SYNTAX,
    template="loss.py.j2",
    pointwise="pointwise.py.j2",
    density="density.py.j2",
    classes="classes.py.j2",
    runtime=(
        "_costs.py",
        "_special.py",
        "_quadrature.py",
        "_density.py",
        "_distribution.py",
        "_adaptive.py",
    ),
    package="package.py.j2",
    library="torch",
    dtype="float32",
    judged={
        "dtypes": ("float64", "float32", "float16", "bfloat16"),
        "computed": {"float16": "float32", "bfloat16": "float32"},
        "tensors": True,
    },
    more=context,
)
