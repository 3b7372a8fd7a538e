"""From stable forms to nodes: sums over classes, and what must not be 0 times infinity."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import sympy
from sympy import Add, Dummy, Expr, Mul, exp, log

from derive.definitions.classes import Entry, Hit, Largest, Other, Share, Total, varies
from derive.definitions.loss import Along, Loss
from derive.numerics import atoms as scalar
from derive.numerics.classwise.atoms import (
    SURPRISE,
    Apart,
    Balance,
    Beside,
    Centred,
    ChanceDivergence,
    Divergence,
    Gap,
    Level,
    Log1mExp,
    LogRatio,
    LogTotal,
    Miss,
    OfSurprise,
    Surprise,
    Uneven,
)
from derive.numerics.helpers import divergences, log_ratio
from derive.numerics.lower import lower
from derive.numerics.nodes import Call, Local, Name, Node, Number, call, where

_WORDS = (
    Total, Largest, Entry, Hit, Share, Surprise, Uneven, LogTotal, Balance, Miss, Centred, Apart,
    LogRatio, Divergence, Log1mExp, Gap, ChanceDivergence, Beside, Level,
    OfSurprise,
)  # fmt: skip


def lowered(e: Expr, loss: Loss, parts: Mapping[Expr, Node | None] = MappingProxyType({})) -> Node:
    """The expression as nodes; vectors are arrays along the last axis. parts: forms of functions of
    one surprise."""
    alone = not e.replace(Entry, lambda *_: Dummy()).has(Centred)
    return _Lowering(loss, e.has(Centred), e.has(Balance), alone, parts).node(_put_together(e))


def _put_together(e: Expr) -> Expr:
    """largest(f) + c as largest(f + c): differences first."""
    for part in e.atoms(Largest) if e.is_Add else ():
        rest = e - part
        if not rest.has(Largest) and rest.has(Entry) and not varies(rest):
            return Largest(part.args[0] + rest)
    return e


class _Lowering:
    """by_gaps: what is written is linear in entries less their mean, which are 0 where one class
    has all probability: its poles there count for nothing. balanced: it has a Balance. alone: of
    entries less their mean only the target's is wanted."""

    def __init__(
        self,
        loss: Loss,
        by_gaps: bool,
        balanced: bool,
        alone: bool,
        parts: Mapping[Expr, Node | None],
    ) -> None:
        self.parts = parts
        self.by_gaps, self.balanced, self.alone = by_gaps, balanced, alone
        self.z = loss.residual
        self.target = loss.target
        self.chances = [
            v for v in loss.variables if isinstance(v, Along) and v.sort == "probability"
        ]

    def node(self, e: Expr) -> Node:
        """Words of classes by their own builders, what stands between them as any formula."""
        letters: dict[Expr, Dummy] = {}
        flat = self._flat(e, letters)
        found = lower(flat)
        return _replaced(found, {letter.name: self._word(part) for part, letter in letters.items()})

    def _flat(self, e: Expr, letters: dict[Expr, Dummy]) -> Expr:
        chance = isinstance(e, exp) and isinstance(-e.args[0], Surprise)
        # in a balance the roundings of expm1 are those of what it is held against
        if isinstance(e, scalar.expm1) and not self.balanced:
            chance = isinstance(-e.args[0], Surprise)
        special = isinstance(e, _WORDS) or chance
        special = special or (isinstance(e, Mul) and self._masks(e) != ())
        special = special or (isinstance(e, Add) and _pair(e) is not None)
        if special:
            return letters.setdefault(e, Dummy(f"_w{len(letters)}", real=True))
        return e.func(*(self._flat(a, letters) for a in e.args)) if e.args else e

    def _masks(self, e: Mul) -> tuple[Expr, ...]:
        """The factors that make a product 0 where they are 0, though another may be infinite."""
        found: list[Expr] = []
        for f in e.args:
            if isinstance(f, Hit):
                return (f,)
        infinite = e.has(log, Surprise, Centred, Beside, Level, LogRatio, Log1mExp) or any(
            f.is_Pow and f.exp.could_extract_minus_sign() and f.free_symbols for f in e.args
        )
        if not infinite:
            return ()
        for f in e.args:
            chance = isinstance(f, exp) and f.args[0].has(Surprise)
            chance = chance or (isinstance(f, Balance | Gap | ChanceDivergence) and e.has(Beside))
            if (f in self.chances or chance) and e / f != 1:
                found.append(f)
        for f in e.args:
            logs = [g for g in e.args if isinstance(g, log | Log1mExp)]
            if f.is_Pow and logs and f.base.free_symbols & logs[0].free_symbols:
                found.append(f)
            falls = f.is_Pow and (f.exp.could_extract_minus_sign() or f.exp.as_coeff_Add()[0] < 0)
            if self.by_gaps and falls:
                found += [f.base] if f.base.has(scalar.expm1) else []
        return tuple(found)

    def _word(self, e: Expr) -> Node:
        match e:
            case Mul():
                return self._masked(e)
            case Add():
                return self._paired(e)
            case exp():
                return self._chance((-e.args[0]).args[0])
            case scalar.expm1():
                return -self._other_chances((-e.args[0]).args[0])
            case Total() | Largest() | Share():
                if e == Total(sympy.S.One):
                    return call("count", Name(self.z.name))
                op = {Total: "total", Largest: "largest", Share: "share"}[e.func]
                return call(op, self.node(_put_together(e.args[0])))
            case Other():
                return where(self._hit(), 0, 1)
            case Hit():
                return where(self._hit(), 1, 0)
            case Entry():
                return self._entry(*e.args)
            case Surprise():
                return self._log_rest(e.args[0]) - self._gaps(e.args[0])
            case LogTotal():
                return call("largest", self.node(e.args[0])) + self._log_rest(e.args[0])
            case Miss():
                f, t = e.args
                n = self._entry(Surprise(f), t)
                return call("put", self._chance(f), Name(t.name), call("expm1", -n))
            case Balance():
                return self._balance(*e.args)
            case Uneven():
                gaps, count = self._gaps(e.args[0]), call("count", Name(self.z.name))
                mean = call("total", call("expm1", gaps)) / count
                return call("expm1", gaps - call("log1p", mean)) / count
            case Centred():
                b, f = e.args
                return call("centred", self.node(b), self._chance(f))
            case Beside():
                b, f = e.args
                return call("beside", self.node(b), self._chance(f))
            case Level():
                return Local("level", call("level", self.node(e.args[0])))
            case Apart():
                return self._apart(*e.args)
            case Gap():
                f, g = e.args
                chances = self._chance(f), self._chance(g)
                return divergences.chance_gap(*chances, self._apart(f, g))
            case ChanceDivergence():
                f, g = e.args
                chances = self._chance(f), self._chance(g)
                return divergences.chance_divergence(*chances, self._apart(f, g))
            case LogRatio():
                return self._log_ratio(*e.args)
            case Divergence():
                a, b = e.args
                d = sympy.expand(b - a)
                return divergences.divergence(*(self.node(x) for x in (a, b, d)))
            case OfSurprise():
                form = self.parts[e.args[1]]
                assert form is not None
                return _replaced(form, {SURPRISE.name: self.node(e.args[0])})
            case Log1mExp():
                return divergences.log1mexp(self.node(e.args[0]))
        raise AssertionError(e)

    def _hit(self) -> Node:
        return call("hit", Name(self.z.name), Name(str(self.target)))

    def _entry(self, inside: Expr, t: Expr) -> Node:
        if isinstance(inside, Surprise):
            f = inside.args[0]
            return Local("n", self._log_rest(f) - call("entry", self._gaps(f), Name(t.name)))
        if isinstance(inside, Centred) and self.alone:
            b, f = inside.args
            return self._entry_less_mean(b, f, t)
        return call("entry", self.node(inside), Name(t.name))

    def _entry_less_mean(self, b: Expr, f: Expr, t: Expr) -> Node:
        """The mean of what b's entry is above each other: beside its zero the normalizer's
        rounding counts for nothing."""
        s, vector = self._chance(f), self.node(b)
        above = call("entry", vector, Name(t.name)) - vector
        return call("total", where(call("eq", s, 0), 0, s * above))

    def _gaps(self, f: Expr) -> Node:
        """f less its largest, differences of the logits first."""
        factor = sympy.Mul(*(g for g in Mul.make_args(f) if not varies(g)))
        inside = sympy.Mul(*(g for g in Mul.make_args(f) if varies(g)))
        if not factor.is_positive:
            factor, inside = sympy.S.One, f
        z = self.node(inside)
        gaps = Local("gaps", z - call("largest", z))
        if factor == 1:
            return gaps
        above, below = sympy.fraction(factor)
        scaled: Node = gaps if above == 1 else gaps * self.node(above)
        return Local("u", scaled if below == 1 else scaled / self.node(below))

    def _powers(self, f: Expr) -> Node:
        return Local("e", call("exp", self._gaps(f)))

    def _rest(self, f: Expr) -> Node:
        """The total of exp(f) over its largest term, less 1."""
        return Local("rest", call("rest", self._powers(f)))

    def _log_rest(self, f: Expr) -> Node:
        return call("log1p", self._rest(f))

    def _chance(self, f: Expr) -> Node:
        return Local("s", self._powers(f) / (1 + self._rest(f)))

    def _other_chances(self, f: Expr) -> Node:
        """1 - softmax(f): a power of it has not the rounding of a surprise in its exponent."""
        return Local("o", call("others", self._powers(f)) / (1 + self._rest(f)))

    def _balance(self, a: Expr, f: Expr) -> Node:
        weights = Local("a", self.node(a))
        n, s = self.node(Surprise(f)), self._chance(f)
        return s * call("others", weights) + weights * call("expm1", -n)

    def _apart(self, f: Expr, g: Expr) -> Node:
        return call(
            "apart",
            self.node(Surprise(f)),
            self.node(Surprise(g)),
            self.node(sympy.expand(g - f)),
            self._chance(f),
        )

    def _log_ratio(self, a: Expr, b: Expr) -> Node:
        """Where both are 0, the limit from the right in what the first depends on."""
        found = log_ratio(*(self.node(x) for x in (a, b, sympy.expand(a - b))))
        alone = sympy.cancel(a / b).subs(dict.fromkeys(b.free_symbols - a.free_symbols, 0))
        if alone.is_number and alone.is_finite and alone.is_positive:
            return where(call("eq", self.node(b), 0), float(log(alone)), found)
        return found

    def _masked(self, e: Mul) -> Node:
        mask = self._masks(e)[0]
        if isinstance(mask, Hit):
            inside = self.node(e / mask)
            hit = self._hit()
            return where(hit, 0, inside) if isinstance(mask, Other) else where(hit, inside, 0)
        whole = self._product(e)
        for mask in self._masks(e):
            whole = where(call("eq", self.node(mask), 0), 0, whole)
        return whole

    def _product(self, e: Mul) -> Node:
        letters: dict[Expr, Dummy] = {}
        flat = Mul(*(self._flat(a, letters) for a in e.args))
        return _replaced(lower(flat), {s.name: self._word(part) for part, s in letters.items()})

    def _paired(self, e: Add) -> Node:
        """z - z[t] before anything is added."""
        one, other = _pair(e) or (e, sympy.S.Zero)
        difference = self.node(one) - self.node(-other)
        rest = e - one - other
        return difference if rest == 0 else difference + self.node(rest)


def _pair(e: Add) -> tuple[Expr, Expr] | None:
    """A vector and its own entry at the target, with opposite signs."""
    for one in e.args:
        for other in e.args:
            c, inside = other.as_coeff_Mul()
            if isinstance(inside, Entry) and one == -c * inside.args[0]:
                return one, other
    return None


def _replaced(e: Node, parts: dict[str, Node]) -> Node:
    if isinstance(e, Name):
        return parts.get(e.name, e)
    if isinstance(e, Call):
        args = tuple(_replaced(a, parts) for a in e.args)
        if e.op == "neg" and isinstance(args[0], Call) and args[0].op == "neg":
            return args[0].args[0]
        bounded = e.op in ("min", "max") and isinstance(args[0], Number)
        return Call(e.op, args[::-1] if bounded else args)
    return Local(e.name, _replaced(e.value, parts)) if isinstance(e, Local) else e
