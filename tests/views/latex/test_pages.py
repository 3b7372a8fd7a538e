"""Whole pages: what they hold, that strangers' text stays text, that TeX takes them."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import sympy
from jinja2 import meta
from sympy import Abs, Symbol, log, oo

from derive.calculus import Derivation, derive
from derive.calculus.classwise import ClasswiseDerivation, derive_classwise
from derive.definitions.catalogue import CLASSWISE, TITLES, catalogue, load
from derive.definitions.catalogue import ELEMENTWISE as NAMES
from derive.definitions.loss import Loss
from derive.errors import BadInput
from derive.views.latex import Wanted, document, escape, fragment
from derive.views.latex.entry import Display, Entry, Table
from derive.views.latex.mathml import mathml
from derive.views.latex.pages import environment
from derive.views.latex.prose import typeset
from derive.views.latex.request import Request, written
from derive.views.latex.voice import Voice

PDFLATEX = shutil.which("pdflatex")
BEAMER = shutil.which("kpsewhich") and (
    subprocess.run(["kpsewhich", "beamer.cls"], capture_output=True, text=True).stdout.strip()
    or None
)
needs_tex = pytest.mark.skipif(PDFLATEX is None, reason="pdflatex is not installed")

HOSTILE = (
    "100% & $5 #1 _x ^2 ~ \\",
    "ends with a backslash \\",
    "\\immediate\\write18{touch PWNED} \\input{/etc/passwd} ^^5cinput{x} \\csname end\\endcsname",
    "} \\end{document} {",
    "{{ 7*7 }} << 7*7 >> <% for a in b %> <# gone #>",
    "$$ $ \\( \\] \" ' '' `` -- --- ?` !` ,, << >> [x] *",
    "a\nb\tc\r\n\n\nd \x00 \x1b[31m \x7f",
    "Müller, Gauß, Čech, Łódź, Erdős, naïve café; α ≤ β → ∞, x² − 1 … “quoted” – 漢字 🙂 \u202e",
    "w" * 400,
    "",
)
CONTROLS = set(
    re.findall(
        r"\\(?:[A-Za-z]+|.)",
        r"""
        \\ \[ \, \! \{ \} \$ \& \# \% \_ \` \' \^ \~ \= \. \"
        \u \r \H \v \c \i \j \ss \ae \AE \oe \OE \o \O \l \L \S \copyright \dots
        \textbackslash \textasciicircum \textasciitilde \textasciigrave \textless \textgreater
        \textbar \textquoteleft \textquotedblleft \textquotedblright \allowbreak \surd
        \subsection \section \par \noindent \smallskip \textbf \nobreak \centering \raggedright
        \tabcolsep
        \begingroup \endgroup \sloppy \allowdisplaybreaks
        \addtolength \jot \begin \end \hline \renewcommand \arraystretch \texttt \text
        \frac \sqrt \left \right \big \operatorname \mathrm \mathcal \ln \exp \max \min \int
        \sin \cos \cosh \tanh \arctan
        \partial \infty \to \le \ge \ne \pm \times \cdot \in \quad \qquad \vartheta
        \documentclass \usepackage \setlength \parindent \parskip \title \author \date \maketitle
        \input
        """,
    )
) | {rf"\{letter}" for letter in escape.GREEK_LETTERS}


def stranger(text: str, name: str = "stranger", **changes: object) -> Loss:
    x, lam = Symbol("x", real=True), Symbol("lam_2", positive=True)
    plain = Loss(name, text, text, (x, lam), Abs(x) ** 2 / lam, description=text)
    return replace(plain, **changes)


def controls(tex: str) -> set[str]:
    return set(re.findall(r"\\(?:[A-Za-z]+|.)", tex.replace("\n", " "))) - {"\\\\", "\\ "}


def test_a_fragment_tells_everything(derivations: Mapping[str, Derivation]) -> None:
    tex = fragment(derivations["barron"], Wanted(columns=1))
    assert tex.startswith("% Written by derive: the formulas of barron, for \\input.")
    for piece in (
        r"\rho(x; \alpha, c) &= \frac{b}{\alpha}", r"s = \frac{x^{2}}{c^{2}}",
        r"\psi = \frac{\partial \rho}{\partial x} &=", r"\frac{\partial \rho}{\partial \alpha} &=",
        r"\frac{\partial \rho}{\partial c} &=", r"\frac{\partial^{2} \rho}{\partial x^{2}} &=",
        r"w(0) = \frac{1}{c^{2}}", r"\alpha &\to 0", r"\alpha &\to 2", r"\alpha &\to +\infty",
        r"\alpha &\to -\infty", r"&\to +\infty \text{ like } \frac{s}{4} \left(\ln",
        r"\alpha \ge 0", r"\sqrt{2 \pi} c", r"$-b/\alpha$ for $\alpha < 0$",
    ):  # fmt: skip
        assert piece in tex


def test_fragments_say_why_there_is_no_density(derivations: Mapping[str, Derivation]) -> None:
    tex = fragment(derivations["geman_mcclure"])
    assert "There is none. As $\\left|x\\right| \\to \\infty$, the loss is bounded" in tex
    assert "it tends to $2$." in tex
    assert "The integral over $[-X, X]$ grows like $2 X e^{-2}$." in tex
    assert r"Equal to \texttt{barron} (General adaptive robust loss) at $\alpha = -2$" in tex


def test_the_special_cases_are_those_that_the_catalogue_claims(
    derivations: Mapping[str, Derivation],
) -> None:
    (table,) = re.findall(
        r"\\begin{tabular}.*?\\end{tabular}", fragment(derivations["barron"]), re.S
    )
    rows = [line.split(" & ") for line in table.splitlines() if " & " in line][1:]
    assert [row[0] for row in rows] == ["$2$", "$1$", "$0$", "$-2$", r"$-\infty$"]
    members = [m for m in catalogue() if m.member_of]
    assert {row[1] for row in rows} == {escape.text(m.title) for m in members}
    assert {row[1]: row[2] for row in rows}[TITLES["cauchy"]] == r"$\ln(1 + s/2)$ \\"


def test_a_loss_of_the_same_name_gets_no_table(derivations: Mapping[str, Derivation]) -> None:
    other = replace(derivations["barron"], loss=replace(derivations["barron"].loss, loss=log(2)))
    assert "tabular" not in fragment(other)


@pytest.mark.parametrize("text", HOSTILE)
def test_strangers_text_reaches_no_control_sequence(text: str) -> None:
    written = escape.text(text)
    assert written.isascii()
    assert controls(written) <= CONTROLS - {r"\input", r"\begin", r"\end"}
    assert not re.search(r"(?<!\\)[%#&_~]", written)
    plain = re.sub(r"\\[{}]", "", written)
    assert plain.count("{") == plain.count("}")


def test_known_letters_are_kept_and_unknown_ones_named() -> None:
    assert escape.text("Gauß, Čech é α ²") == r"Gau\ss{}, \v{C}ech \'{e} $\alpha$ $^{2}$"
    assert escape.text("漢") == "{[}U+6F22{]}"


def test_pages_hold_only_the_fixed_control_sequences(
    derivations: Mapping[str, Derivation],
) -> None:
    tex = document([*derivations.values(), *(derive(stranger(text)) for text in HOSTILE[:3])])
    assert controls(tex) <= CONTROLS
    assert tex.isascii()
    assert tex.count(r"\input") == 0


def test_two_variables_never_share_a_letter() -> None:
    x, scale, c, one, other, long = (
        Symbol(n, positive=True) for n in ("x", "scale", "c", "x1", "x_1", "a" * 60)
    )
    loss = Loss("many", "Many", "", (x, scale, c, one, other, long), x**2 * scale * c * one)
    tex = fragment(derive(replace(loss, loss=loss.loss + other + long - other - long)))
    assert r"Variables: $x > 0$, $\mathrm{scale} > 0$, $c > 0$, $\mathrm{x1} > 0$, " in tex
    assert r"$x_{1} > 0$ (\texttt{x\_1}), $\vartheta_{1} > 0$ (\texttt{aaaa\allowbreak{}" in tex


def test_the_templates_use_exactly_the_fields_they_get() -> None:
    loader = environment().loader
    assert loader is not None
    source, _, _ = loader.get_source(environment(), "entry.tex.j2")
    assert meta.find_undeclared_variables(environment().parse(source)) == {"heading", "entry"}
    for kind, word in ((Entry, "entry"), (Display, "display"), (Table, "table")):
        used = set(re.findall(rf"\b{word}\.(\w+)", source))
        given = {f.name for f in fields(kind)} - ({"name"} if kind is Entry else set())
        assert used == given


def test_the_bytes_do_not_depend_on_the_hash_seed(derivations: Mapping[str, Derivation]) -> None:
    """Nor do those of derivations: see tests/calculus/test_determinism.py."""
    program = (
        "import pickle, sys; from derive.views.latex import document;"
        "sys.stdout.write(document(pickle.load(sys.stdin.buffer)))"
    )
    two = [derivations["barron"], derivations["huber"]]
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, input=pickle.dumps(two),
        env={**os.environ, "PYTHONHASHSEED": "4711", "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert told.stdout.decode() == document(two)


# A real TeX engine


def compiled(tex: str, folder: Path) -> str:
    """The log of a run that has to succeed."""
    (folder / "page.tex").write_text(tex)
    assert PDFLATEX is not None
    told = subprocess.run(
        [PDFLATEX, "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode", "page.tex"],
        cwd=folder, capture_output=True, timeout=60,
    )  # fmt: skip
    output = told.stdout.decode("latin-1")
    assert told.returncode == 0, output[-2000:]
    return (folder / "page.log").read_text("latin-1")


def too_wide(report: str) -> list[str]:
    return [w for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt", report) if float(w) > 5]


@needs_tex
def test_the_document_compiles_without_errors_or_overfull_lines(
    derivations: Mapping[str, Derivation], tmp_path: Path
) -> None:
    report = compiled(document(list(derivations.values())), tmp_path)
    assert not too_wide(report)
    assert "LaTeX Warning" not in report


@needs_tex
@pytest.mark.parametrize("size", ["10pt", "12pt"])
def test_fragments_fit_into_a_plain_article(
    size: str, derivations: Mapping[str, Derivation], tmp_path: Path
) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.tex").write_text(fragment(derivations[name]))
    inputs = "\n".join(rf"\input{{{name}}}" for name in NAMES)
    report = compiled(
        rf"\documentclass[{size}]{{article}}\usepackage{{amsmath}}"
        rf"\begin{{document}}{inputs}\end{{document}}",
        tmp_path,
    )
    assert not too_wide(report)


def test_letters_of_choice_numbers_and_labels(derivations: Mapping[str, Derivation]) -> None:
    wanted = Wanted(("d_x", "d2_x_df"), {"scale": "sigma", "df": "kappa_1"}, numbered=True)
    tex = fragment(derivations["student_t"], wanted)
    assert r"\begin{align}" in tex and r"\subsection" not in tex
    assert tex.count(r"\label{eq:student_t:d_x}") == tex.count(r"\label{eq:student_t:s}") == 1
    assert (
        r"\sigma^{2}" in tex and r"\kappa_{1}" in tex and "c" not in re.findall(r"\b[a-z]\b", tex)
    )
    usual = fragment(derivations["student_t"])
    assert r"\nu" in usual and r"\frac{\partial^{2} \rho}{\partial x \, \partial \nu}" in usual


def test_what_no_loss_has_is_refused(derivations: Mapping[str, Derivation]) -> None:
    losses = [derivations["huber"].loss]
    for asked, told in (
        (Request(quantities=("d_y",)), "no quantity 'd_y'"),
        (Request(symbols={"y": "nu"}), "no variable 'y'"),
        (Request(symbols={"delta": r"\input{x}"}), "is no letter for formulas"),
    ):
        with pytest.raises(BadInput, match=told):
            asked.check(losses)


def test_prose_with_spaces_in_brackets_is_typeset(derivations: Mapping[str, Derivation]) -> None:
    voice = Voice(derivations["huber"])
    told = typeset("its slope is x/(delta + |x|), (there x = 1) too", voice.loss, voice.printer)
    slope = r"$x/\left(\delta + \left|x\right|\right)$"
    assert told == rf"its slope is {slope}, (there $x$ $=$ 1) too"


def test_prose_is_typeset(derivations: Mapping[str, Derivation]) -> None:
    voice = Voice(derivations["huber"])
    told = typeset(
        "Quadratic up to |x| = delta, then 1/x^3 and -2; a - b, 5%.", voice.loss, voice.printer
    )
    assert told == (
        r"Quadratic up to $\left|x\right| = \delta$, then $1/x^{3}$ and $-2$; a - b, 5\%."
    )


def test_markdown_mathml_and_bibtex(derivations: Mapping[str, Derivation]) -> None:
    several = [derivations[name] for name in ("student_t", "huber", "geman_mcclure")]
    losses = [d.loss for d in several]
    entries = [Request("markdown").entry(d) for d in several]
    text = written(Request("markdown"), entries, losses)
    assert text.startswith("## Student's t loss\n")
    assert text.count("$$") % 2 == 0 and r"\textbf" not in text and r"\noindent" not in text
    page = written(Request("mathml"), entries, losses)
    ElementTree.fromstring("<body>" + page.partition("<body>")[2].replace("</html>", ""))
    assert "<msup><mi>x</mi><mrow><mn>2</mn></mrow></msup>" in page and "\\" not in page
    bib = written(Request("bibtex"), (), losses)
    assert bib.count("@misc{") == 3
    assert "author = {Geman and McClure}" in bib and "year = {1964}" in bib
    with pytest.raises(BadInput, match="no notation"):
        mathml(r"\input{x}")


@needs_tex
def test_fragments_fit_into_a_column(derivations: Mapping[str, Derivation], tmp_path: Path) -> None:
    for number, wanted in enumerate((Wanted(), Wanted(numbered=True))):
        text = "\n".join(fragment(derivations[name], wanted) for name in NAMES)
        folder = tmp_path / str(number)
        folder.mkdir()
        report = compiled(
            r"\documentclass[10pt]{article}\usepackage{amsmath}\setlength{\textwidth}{3.4in}"
            rf"\begin{{document}}{text}\end{{document}}",
            folder,
        )
        assert not too_wide(report)


@pytest.fixture(scope="session")
def over_classes() -> list[ClasswiseDerivation]:
    return [derive_classwise(load(name)) for name in CLASSWISE]


@needs_tex
@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("numbered", [False, True])
def test_losses_over_classes_fit(
    columns: int, numbered: bool, over_classes: list[ClasswiseDerivation], tmp_path: Path
) -> None:
    wanted = Wanted(columns=columns, numbered=numbered)
    text = "\n".join(fragment(d, wanted) for d in over_classes)
    line = r"\setlength{\textwidth}{3.4in}" if columns == 2 else ""
    report = compiled(
        rf"\documentclass[10pt]{{article}}\usepackage{{amsmath}}{line}"
        rf"\begin{{document}}{text}\end{{document}}",
        tmp_path,
    )
    assert not too_wide(report)
    assert "multiply defined" not in report


def test_losses_over_classes_are_asked_the_same(over_classes: list[ClasswiseDerivation]) -> None:
    focal = next(d for d in over_classes if d.loss.name == "focal_multiclass")
    wanted = Wanted(("loss", "d_gamma"), {"gamma": "beta"}, numbered=True)
    tex = fragment(focal, wanted)
    assert r"\label{eq:focal_multiclass:d_gamma}" in tex and r"\beta" in tex
    assert r"\gamma" not in tex and r"\subsection" not in tex and "nabla" not in tex
    whole = fragment(focal)
    assert r"$\gamma \ge 0$" in whole and r"one of $K$ classes" in whole
    assert ">=" not in whole and r"d\_z" not in whole


def test_a_document_of_two_columns_has_two(
    derivations: Mapping[str, Derivation], tmp_path: Path
) -> None:
    barron = derivations["barron"]
    narrow = document([barron, derivations["huber"]], wanted=Wanted(columns=2))
    assert "twocolumn" in narrow and "twocolumn" not in document([barron])
    if PDFLATEX:
        assert not too_wide(compiled(narrow, tmp_path))


@needs_tex
@pytest.mark.skipif(BEAMER is None, reason="beamer is not installed")
def test_fragments_work_on_slides(derivations: Mapping[str, Derivation], tmp_path: Path) -> None:
    frames = "\n".join(
        rf"\begin{{frame}}[allowframebreaks]{{Loss}}{fragment(derivations[name])}\end{{frame}}"
        for name in ("huber", "cauchy")
    )
    compiled(rf"\documentclass{{beamer}}\begin{{document}}{frames}\end{{document}}", tmp_path)


@needs_tex
def test_hostile_text_and_long_formulas_compile(
    derivations: Mapping[str, Derivation], tmp_path: Path
) -> None:
    parts = [derive(stranger(text, f"stranger_{n}")) for n, text in enumerate(HOSTILE)]
    report = compiled(document([*parts, monster(derivations["barron"])]), tmp_path)
    assert not too_wide(report)
    assert [path.name for path in tmp_path.iterdir() if "PWNED" in path.name] == []


def monster(derivation: Derivation) -> Derivation:
    """Formulas that fit no line: a sum, a product, nested functions, a case distinction."""
    x, alpha, scale = derivation.loss.variables
    long_sum = sum(
        (x**k / (alpha + k) * log(1 + scale**k) for k in range(1, 13)), start=sympy.Integer(0)
    )
    product = sympy.Mul(*(sympy.sin(x + k * alpha) ** k for k in range(1, 15)))
    nested = sympy.exp(-long_sum) / (1 + long_sum) ** (alpha + long_sum)
    cases = sympy.Piecewise((long_sum, Abs(x) <= scale), (product, x < long_sum), (nested, True))
    pretty = {**derivation.pretty, "d_x": long_sum, "d_alpha": product, "d_scale": nested,
              "d2_x": cases}  # fmt: skip
    first = replace(derivation.limits[0], value=long_sum * product)
    diverging = replace(derivation.limits[1], value=oo, growth=nested)
    density = replace(derivation.density, log_partition=log(long_sum) + nested)
    loss = replace(derivation.loss, title="A monster", name="monster")
    return replace(derivation, pretty=pretty, limits=(first, diverging), density=density, loss=loss)
