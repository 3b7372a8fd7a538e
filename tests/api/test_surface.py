"""`import derive`: what it offers, what that says and shows, and what it refuses."""

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy

import derive
from derive.errors import BadInput

FILE = """name = "ridge"
loss = "c*x**2/2"
[variables]
x = "real"
c = "positive"
"""


def ridge(name="ridge"):
    x, c = sympy.Symbol("x", real=True), sympy.Symbol("c", positive=True)
    return derive.Loss(name, variables=(x, c), loss=c * x**2 / 2)


def test_importing_is_quick_and_brings_nothing_heavy():
    code = (
        "import sys, derive\n"
        "print(sorted({'sympy', 'numpy', 'torch', 'jinja2'} & set(sys.modules)))\n"
        "from derive import derive as verb, Loss\n"
        "print(callable(verb), 'sympy' in sys.modules)\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert out.splitlines() == ["[]", "True True"]


def test_what_is_offered_is_there_and_documented_with_an_example():
    assert set(derive.__all__) <= set(dir(derive))
    assert derive.__version__.count(".") == 2
    for name in derive.__all__:
        offered = getattr(derive, name)
        assert offered.__doc__, name
    for name in ("load", "derive", "emit", "compile", "latex", "plot", "verify", "Report"):
        assert ">>> " in getattr(derive, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        derive.lode  # noqa: B018


@pytest.mark.parametrize("name", ["load", "derive", "emit", "compile", "latex", "plot", "verify"])
def test_the_examples_are_true(name):
    examples = doctest.DocTestFinder(recurse=False).find(getattr(derive, name), name, globs={})
    assert sum(len(e.examples) for e in examples)
    run = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for example in examples:
        assert run.run(example).failed == 0


def test_the_examples_of_the_module_and_of_reports_are_true():
    from derive import judged

    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for module in (derive, judged):
        assert doctest.testmod(module, optionflags=flags).failed == 0


def test_a_loss_of_my_own_goes_the_same_way(tmp_path):
    (tmp_path / "ridge.toml").write_text(FILE)
    mine, read = ridge(), derive.load(tmp_path / "ridge.toml")
    assert repr(mine) == repr(read) == "<Loss ridge(x, c)>"
    assert mine.digest == read.digest
    texts = derive.emit(tmp_path / "ridge.toml", "numpy"), derive.emit(mine, "numpy")
    for text, source in zip(texts, ("ridge.toml", "ridge.py"), strict=True):
        assert f"by: derive regenerate {source} --target numpy" in text
    assert texts[0].partition("import")[2] == texts[1].partition("import")[2]
    module = derive.compile(mine, "numpy")
    assert module.loss(2.0, c=2.0) == 4.0
    assert module.__name__ == "derive_numpy_ridge"


@pytest.mark.slow
def test_my_own_loss_is_emitted_and_judged():
    assert derive.verify(ridge(), samples=20)


def test_what_is_emitted_is_what_regenerate_writes():
    there = Path(derive.__file__).parents[1] / "generated"
    for target in ("numpy", "torch"):
        assert derive.emit("huber", target) == (there / f"for_{target}/huber.py").read_text()


def test_settings_and_bundles():
    text = derive.emit("huber", "numpy", settings={"delta": 2})
    assert "--set delta=2" in text
    special = derive.compile("huber", "numpy", settings={"delta": 2})
    assert special.loss(3.0) == 4.0
    whole = derive.compile("huber", "numpy", bundle=True)
    assert whole.cdf(0.0) == 0.5


def test_notebooks_show_formulas_as_the_terminal_does():
    gennorm = Path(__file__).parents[1] / "cases" / "gennorm.toml"
    written = derive.derive(str(gennorm))._repr_latex_()
    assert r"&= -\frac{b}{a} \left(\frac{\left|x\right|}{a}\right)^{b} \\" in written


def test_formulas_show_in_notebooks():
    x = sympy.Symbol("x", real=True)
    assert derive.Loss("plain", variables=(x,), loss=x**2)._repr_latex_() == (
        r"$\displaystyle \begin{aligned} \rho(x) &= x^{2} \end{aligned}$"
    )
    found = derive.derive("cauchy")
    shown = found._repr_latex_()
    for part in (r"\frac{\partial \rho}{\partial c}", r"\partial x\,\partial c", "w &=", r"\ln Z"):
        assert part in shown
    assert repr(found).startswith("<Derivation of cauchy: loss, d_x, d_scale, ")


def test_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    picture = derive.plot("quadratic", settings={"scale": 2}, ends=(-3, 3), size=(5, 3))
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert picture.save(tmp_path / "one.svg").read_text().lstrip().startswith("<?xml")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: derive.load("hubber"), "did you mean huber"),
        (lambda: derive.load(3), "not int"),
        (lambda: derive.emit("huber", "fortran"), "'fortran': no such target; choose from numpy"),
        (lambda: derive.emit("huber", "numpy", settings={"alpha": 1}), "no parameter 'alpha'"),
        (lambda: derive.emit("huber", "numpy", settings={"delta": -1}), "outside of"),
        (lambda: derive.emit(ridge("np"), "numpy"), "'np'"),
        (lambda: derive.latex("quadratic", form="word"), "choose from fragment"),
        (lambda: derive.latex("quadratic", quantity="d_y"), "no quantity 'd_y'"),
        (lambda: derive.plot("quadratic", kind="pie"), "choose from panels"),
        (lambda: derive.plot("quadratic", settings={"alpha": 1}), "no parameter 'alpha'"),
        (lambda: derive.verify("huber", loss="huber"), "by what|judged by"),
        (lambda: derive.verify(formula="x", latex="x", loss="huber"), "one text"),
        (lambda: derive.verify(formula="x"), "loss="),
        (lambda: derive.verify(implementation=abs), "wants loss="),
        (lambda: derive.verify(implementation=3, loss="huber"), "not 3"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(call, said):
    with pytest.raises(BadInput, match=said) as raised:
        call()
    assert isinstance(raised.value, ValueError)
    assert "\n" not in str(raised.value)


def test_a_function_of_a_notebook_is_judged():
    half = 0.5

    def mine(residual, delta):
        inside = np.abs(residual) <= delta
        beyond = delta * np.abs(residual) - half * delta**2
        with np.errstate(over="ignore"):
            return np.where(inside, half * np.square(residual), beyond)

    report = derive.verify(implementation=mine, loss="huber", settings={"delta": 1.5})
    assert report, str(report)
    assert "yours:mine" in str(report)
    assert "from yours import" not in str(report)


def test_a_report_lists_counts_and_shows(tmp_path):
    claims = tmp_path / "claims.toml"
    claims.write_text(
        '[[claim]]\nid = "right"\nsource = "me"\nloss = "huber"\nsays = "d_x <= delta"\n'
        '[[claim]]\nid = "wrong"\nsource = "me"\nloss = "huber"\nsays = "loss <= delta"\n'
    )
    report = derive.verify(claims)
    assert [row.verdict for row in report] == ["proved", "refuted"]
    assert report.verdict == "refuted"
    assert not report
    assert len(report) == 2
    assert repr(report) == "<Report refuted: 2 checks, refuted 1, proved 1>"
    shown = report._repr_html_()
    assert shown.index("wrong") < shown.index("right")
    assert report.rows[1].witness


def test_what_has_no_notation_is_shown_by_its_repr():
    loss = derive.load("softmax_cross_entropy")
    assert loss._repr_latex_() is None
    assert repr(loss) == "<Loss softmax_cross_entropy(z, t, T)>"
    found = derive.derive(loss)
    assert repr(found).startswith("<Derivation of softmax_cross_entropy: loss, d_z, ")
