"""Losses from files: TOML as data, Python as code, and how they are found."""

from pathlib import Path

import pytest
from forms import derived, stable_form
from sympy import Abs, FiniteSet, Interval, Rational, Union, log, oo

from derive.definitions.find import find, find_all
from derive.definitions.loss import Loss
from derive.definitions.lossfile import MAX_BYTES, parse
from derive.emission.render import render
from derive.emission.targets import TARGETS
from derive.errors import BadInput
from derive.program.lowering import lower_module
from derive.views.latex import fragment
from derive.views.terminal import shown

FAIR = """name = "fair"
title = "Fair loss"
source = "Fair, 1974"
loss = "c**2*(abs(x)/c - log(1 + abs(x)/c))"
[variables]
x = "real"
c = "positive"
[defaults]
c = 2.5
[special]
c = ["oo"]
"""

PYTHON = """from sympy import log
from derive.definitions.loss import Loss, let
from derive.definitions.symbols import scale, x
s = let("s", (x / scale) ** 2)
mine = Loss("mine", "Mine", "me", (x, scale), log(1 + s), where=(s,))
again = mine
"""


def changed(old: str, new: str) -> str:
    assert FAIR.count(old) == 1
    return FAIR.replace(old, new)


def test_the_fair_loss() -> None:
    loss = parse(FAIR, "fair.toml")
    x, c = loss.variables
    assert (loss.name, loss.title, loss.source) == ("fair", "Fair loss", "Fair, 1974")
    assert loss.loss == c**2 * (Abs(x) / c - log(1 + Abs(x) / c))
    assert x.is_real
    assert c.is_positive
    assert loss.default(c) == 2.5
    assert loss.special[c] == (oo,)
    assert loss.domain(c) == Interval.open(0, oo)


def test_prose_is_optional() -> None:
    text = FAIR.replace('title = "Fair loss"\nsource = "Fair, 1974"\n', "")
    text = text.replace('"c**2*(abs(x)/c - log(1 + abs(x)/c))"', '"x**2/c"')
    loss = parse(text.replace('"fair"', '"my_fair"'), "f")
    assert (loss.title, loss.source, loss.description) == ("My fair", "", "")
    d = derived(loss)
    module = lower_module(d, stable_form(loss), "fair.toml")
    files = [render(module, target) for target in TARGETS.values()]
    for text in (*files, shown(d), fragment(d)):
        assert "Source" not in text
        assert "My fair" in text


def test_a_loss_without_a_formula_says_so() -> None:
    with pytest.raises(BadInput, match="empty: the formula is missing"):
        Loss("empty")


def test_the_residual_is_called_x_whatever_the_file_calls_it() -> None:
    renamed = FAIR.replace("abs(x)", "abs(r)").replace('x = "real"', 'r = "real"')
    assert parse(renamed, "f").digest == parse(FAIR, "f").digest


def test_named_parts_are_kept_in_order() -> None:
    text = changed('"c**2*(abs(x)/c - log(1 + abs(x)/c))"', '"c**2*(r - log(1 + r))"')
    loss = parse(text + '[where]\nr = "abs(x)/c"\n', "f")
    assert [named.name for named in loss.where] == ["r"]
    assert loss.where[0].is_nonnegative
    assert loss.expression == parse(FAIR, "f").expression


@pytest.mark.parametrize(
    ("kind", "domain", "sign"),
    [
        ('"[0.5, 3]"', Interval(Rational(1, 2), 3), "is_positive"),
        ("[0.5, 3]", Interval(Rational(1, 2), 3), "is_positive"),
        ('"(0, oo)"', Interval.open(0, oo), "is_positive"),
        ('"[0, oo)"', Interval(0, oo), "is_nonnegative"),
        ('"[1/3, oo]"', Union(Interval(Rational(1, 3), oo), FiniteSet(oo)), "is_extended_positive"),
        ('"nonnegative"', Interval(0, oo), "is_nonnegative"),
        ('"real"', Interval(-oo, oo), "is_real"),
        ('"(-2, 3)"', Interval.open(-2, 3), "is_real"),
        ('"extended_real"', Union(Interval(-oo, oo), FiniteSet(-oo, oo)), "is_extended_real"),
    ],
)
def test_kinds_of_variables(kind: str, domain: object, sign: str) -> None:
    text = changed('"c**2*(abs(x)/c - log(1 + abs(x)/c))"', '"x**2*tanh(c)"')
    text = text.replace('c = "positive"', f"c = {kind}").replace('[special]\nc = ["oo"]\n', "")
    loss = parse(text, "f")
    assert loss.domain(loss.variables[1]) == domain
    assert getattr(loss.variables[1], sign)


def test_prose_is_data_whatever_it_holds() -> None:
    hostile = (
        "100% & $5 #1 _x ^2 ~ \\",
        "ends with a backslash \\",
        '"""; import os; os.system("touch PWNED"); """',
        "{{ cycler.__init__.__globals__.os.popen('touch PWNED').read() }}",
        "naïve, Jürgens",
    )
    for said in hostile:
        assert parse(f"description = '''{said}'''\n" + FAIR, "f").description == said


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('"fair"', '"numpy"', "would shadow the module 'numpy'"),
        ('"fair"', '"a b"', "is not a name"),
        ('"fair"', '"a\\u0000b"', "U+0000"),
        ('"fair"', f'"{"a" * 300}"', "300 characters; at most 64"),
        ('"fair"', '"../fair"', "is not a name"),
        ('"fair"', "5", "name: expected text"),
        ('"Fair loss"', '"a\\u001bb"', "U+001B, not printable"),
        ('"Fair loss"', "5", "title: expected text"),
        ('"Fair loss"', '" "', "title: is empty"),
        ('name = "fair"\n', "", "the key 'name' is missing"),
        ("title", "titel", "unknown key 'titel'; did you mean 'title'?"),
        ("abs(x)/c - log", "abs(y)/c - log", "loss, column 11: unknown name 'y' (declared: x, c)"),
        ("log(1 + ", "log(", "at x = 0, c = 2.5"),
        ("log(1 + abs(x)", "log(1 + x", "is complex at x ="),
        ('x = "real"', 'x = "positive"', "must be real"),
        ('x = "real"', 'r = "real"\nx = "real"', "x is the residual's name"),
        ('x = "real"', 'x = "real"\nx = "real"', "not TOML: Cannot overwrite a value"),
        ('c = "positive"', 'c = "complex"', "expected real, positive"),
        ('c = "positive"', 'c = "[3, 2]"', "first end must lie below"),
        ('c = "positive"', 'c = "[3, 4]"', "the default 2.5 is outside of [3, 4]"),
        ('c = "positive"', "c = [1, 2, 3]", "an interval has two ends"),
        ('c = "positive"', "c = 5", "expected real, positive"),
        ("c = 2.5", "c = -1", "the default -1 is outside of (0, oo)"),
        ("c = 2.5", "c = nan", "nan is no value"),
        ("c = 2.5", "c = inf", "the default inf is outside of (0, oo)"),
        ("c = 2.5", 'c = "1"', "expected a number"),
        ("c = 2.5", "c = true", "expected a number"),
        ("c = 2.5", "x = 1", "'x' is no parameter"),
        ("c = 2.5", "c = 1" + "0" * 400, "too large"),
        ("c = 2.5", "c = 1" + "0" * 5000, "not TOML"),
        ("c = 2.5", "c = " + "[" * 5000, "not TOML: nested too deeply"),
        ('["oo"]', '["-oo"]', "-oo is outside of (0, oo)"),
        ('["oo"]', '"oo"', "expected a list"),
        ('["oo"]', '["c"]', "unknown name 'c'"),
        ('["oo"]', '["oo", "oo"]', "named twice"),
        ("[defaults]", "[default]", "unknown key 'default'"),
        ("[defaults]", "[defaults", "not TOML"),
    ],
)
def test_refused(old: str, new: str, rule: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(changed(old, new), "fair.toml")
    assert rule in str(caught.value)
    assert str(caught.value).startswith("fair.toml")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "name",
    [
        "np", "torch", "math", "loss", "d_x", "d2_x", "weight", "density", "log_density",
        "log_partition", "value_and_grad", "abs", "gamma", "piecewise", "pi", "E", "oo", "None",
        "lambda", "match", "__class__", "_c", "c__d", "sum", "x y", "\\\\input{/etc/passwd}",
        "\\\\immediate\\\\write18{touch PWNED}", "x\\nimport os", "2c", "", "\\u0430",
        '__import__(\\"os\\")', "c" * 65,
    ],
)  # fmt: skip
def test_names_that_no_variable_may_carry(name: str) -> None:
    text = changed('c = "positive"', f'"{name}" = "positive"')
    with pytest.raises(BadInput, match="variables: variable"):
        parse(text, "f")


def test_named_parts_cannot_grow_without_bound() -> None:
    parts = ['a0 = "1 + x**2"'] + [f'a{i} = "a{i - 1} + a{i - 1}**2"' for i in range(1, 40)]
    with pytest.raises(BadInput, match="written out, the formula has more than"):
        parse(FAIR + "[where]\n" + "\n".join(parts), "f")


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "fair.toml"
    file.write_bytes(b"\xef\xbb\xbf" + FAIR.encode())
    assert find(str(file)).digest == parse(FAIR, "f").digest
    file.write_bytes(FAIR.encode() + b"# \xe9")
    with pytest.raises(BadInput, match=f"not UTF-8 at byte {len(FAIR) + 2};"):
        find(str(file))
    file.write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(BadInput, match="bigger than 256 KiB"):
        find(str(file))
    file.unlink()
    with pytest.raises(BadInput, match="does not exist"):
        find(str(file))
    with pytest.raises(BadInput, match="is not a regular file"):
        file.mkdir()
        find(str(file))


def test_a_python_file_holds_one_loss(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(PYTHON)
    loss = find(str(file))
    assert loss.name == "mine"
    assert [named.name for named in loss.where] == ["s"]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        ("a = 1\n", "must hold exactly one Loss; it holds none"),
        (PYTHON + "b = Loss('b', 'B', 'me', (x,), x**2)\n", "it holds 'mine', 'b'"),
        ("a = 1\nb = (\n", "mine.py, line 2: SyntaxError"),
        ("a = 1\n\na.b\n", "mine.py, line 3: AttributeError"),
        ("import json\njson.loads('{')\n", "mine.py, line 2: JSONDecodeError"),
        ("raise SystemExit(0)\n", "mine.py, line 1: SystemExit"),
        ("raise ValueError('a\\nb')\n", "mine.py, line 1: ValueError: a b"),
        (PYTHON.replace('"mine"', '"numpy"'), "would shadow the module"),
        (PYTHON.replace("log(1 + s)", "log(s)"), "approaches no finite value"),
        (PYTHON.replace("where=(s,)", "where=()"), "unknown name 's'"),
    ],
)
def test_a_python_file_that_will_not_do(tmp_path: Path, code: str, rule: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(code)
    with pytest.raises(BadInput) as caught:
        find(str(file))
    assert rule in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("subject", "rule"),
    [
        ("hubber", "did you mean huber?"),
        ("Huber", "did you mean huber?"),
        ("zzz", "see derive list"),
        ("", "no loss of that name"),
        ("a\x00.toml", "neither a loss of the catalogue nor a file"),
        ("x" * 10**6, "neither a loss"),
        ("missing.py", "cannot be read (No such file or directory)"),
        ("x" * 400 + ".py", "cannot be read (File name too long)"),
        ("loss.yaml", "a file ends in .toml or .py"),
        ("\udc80.toml", "does not exist"),
    ],
    ids=range(10),
)
def test_an_unknown_subject(subject: str, rule: str) -> None:
    with pytest.raises(BadInput) as caught:
        find(subject)
    assert rule in str(caught.value)


def test_names_that_collide_on_some_file_systems(tmp_path: Path) -> None:
    file = tmp_path / "fair.toml"
    file.write_text(changed('"fair"', '"Huber"'))
    with pytest.raises(BadInput, match="'Huber' and 'huber' .huber. differ in case only"):
        find_all(["huber", str(file)])
    other = tmp_path / "other.toml"
    other.write_text(file.read_text())
    with pytest.raises(BadInput, match=r"other.toml: 'Huber' is already .*fair.toml"):
        find_all([str(file), str(other)])
    assert [loss.name for loss in find_all(["huber", "huber", "cauchy"])] == ["huber", "cauchy"]


def test_letters_for_formulas():
    text = 'name = "own"\nloss = "w*abs(x)"\n[variables]\nx = "real"\nw = "positive"\n[symbols]\n'
    assert dict(parse(text + 'w = "nu_1"', "own.toml").symbols) == {"w": "nu_1"}
    for line in (r'w = "\\input{x}"', 'v = "nu"', "w = 3"):
        with pytest.raises(BadInput):
            parse(text + line, "own.toml")
