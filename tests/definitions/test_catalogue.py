"""The catalogue: complete, quick to list, each definition right by the numbers of its paper."""

import pickle
import subprocess
import sys

import pytest
from sympy import Abs, Rational, S, log, oo, sqrt, symbols

from derive.definitions import catalogue
from derive.definitions.accepted import accept
from derive.definitions.loss import Let, Loss, let
from derive.definitions.symbols import alpha, scale, x


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_a_loss_says_who_it_is(name: str) -> None:
    loss = catalogue.load(name)
    assert (loss.name, loss.title) == (name, catalogue.TITLES[name])
    assert loss.source
    assert loss.kind != "residual" or loss.residual == x


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_a_loss_passes_the_check_that_strangers_pass(name: str) -> None:
    loss = catalogue.load(name)
    assert accept(loss, name) is loss


@pytest.mark.parametrize(
    ("name", "point", "value"),
    [  # at scale 2 (delta, beta 2 as well), so that c and c**2 cannot be confused
        ("quadratic", 6, Rational(9, 2)),
        ("absolute", -6, 3),
        ("huber", 1, Rational(1, 2)),
        ("huber", -6, 10),
        ("smooth_l1", 1, Rational(1, 4)),
        ("smooth_l1", 6, 5),
        ("charbonnier", 6, sqrt(10) - 1),
        ("cauchy", 6, log(Rational(11, 2))),
        ("geman_mcclure", 6, Rational(18, 13)),
    ],
)
def test_values(name: str, point: int, value: object) -> None:
    loss = catalogue.load(name)
    got = loss.expression.subs({loss.parameters[0]: 2, x: point})
    assert got.equals(value)


def test_barron_at_an_ordinary_alpha_is_the_papers_formula() -> None:
    c, a = symbols("c a", positive=True)
    loss = catalogue.load("barron")
    papers = Abs(a - 2) / a * (((x / c) ** 2 / Abs(a - 2) + 1) ** (a / 2) - 1)
    assert loss.expression.subs({alpha: a, scale: c}) == papers
    assert loss.special[alpha] == (0, 2, oo, -oo)
    assert loss.default(alpha) == 1.0


def test_members_state_their_alpha() -> None:
    stated = {
        loss.name: loss.member_of[1]["alpha"]
        for loss in catalogue.catalogue()
        if loss.member_of is not None
    }
    assert stated == {
        "quadratic": 2,
        "charbonnier": 1,
        "cauchy": 0,
        "geman_mcclure": -2,
        "welsch": -oo,
    }


def test_listing_imports_no_sympy() -> None:
    code = (
        "import sys; from derive.definitions.catalogue import TITLES; "
        "print(len(TITLES), 'sympy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(catalogue.NAMES)), "False"]


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        catalogue.load("os")


def test_a_let_keeps_its_name_its_meaning_and_its_sign() -> None:
    s = let("s", (x / scale) ** 2)
    assert s.name == "s"
    assert s.is_nonnegative
    assert s == let("s", (x / scale) ** 2)
    assert s != let("s", x**2)
    copy = pickle.loads(pickle.dumps(s))
    assert isinstance(copy, Let)
    assert copy == s
    assert copy.definition == s.definition


def test_lets_are_written_out_the_last_first() -> None:
    s = let("s", x**2)
    r = let("r", s + 1)
    loss = Loss("t", "t", "t", (x,), r**2 - s, where=(s, r))
    assert loss.expression == (x**2 + 1) ** 2 - x**2


def test_the_digest_follows_the_mathematics_not_the_prose() -> None:
    first = Loss("t", "one", "a", (x,), x**2)
    assert first.digest == Loss("t", "two", "b", (x,), x**2, description="c").digest
    assert first.digest != Loss("t", "one", "a", (x,), x**2 / 2).digest
    assert first.digest != Loss("u", "one", "a", (x,), x**2).digest


def test_domains_are_read_off_the_symbols() -> None:
    loss = catalogue.load("barron")
    assert loss.domain(alpha).contains(oo) is S.true
    assert loss.domain(x).contains(oo) is S.false
    assert loss.domain(scale).contains(0) is S.false
