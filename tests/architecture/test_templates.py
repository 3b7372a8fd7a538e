"""A template and the context it gets name the same things, so that neither keeps dead weight."""

from __future__ import annotations

import re

import pytest
from forms import derivation, of_catalogue
from jinja2 import meta

from derive.emission.render import context, environment, templates_folder
from derive.emission.targets import TARGETS
from derive.program.lowering import lower_module


def _source(template):
    source, _, _ = environment().loader.get_source(environment(), template)
    return source


def _variables(template):
    return meta.find_undeclared_variables(environment().parse(_source(template)))


@pytest.fixture(scope="module", params=sorted(TARGETS))
def target(request):
    return TARGETS[request.param]


@pytest.fixture(scope="module")
def given(target):
    form = of_catalogue("cauchy")
    return context(lower_module(derivation(form.loss), form, "cauchy"), target)


def test_a_template_uses_only_the_context_it_gets(target, given):
    assert _variables(f"{target.name}/{target.template}") <= set(given)


def test_all_of_the_context_is_used_by_some_target():
    form = of_catalogue("cauchy")
    module = lower_module(derivation(form.loss), form, "cauchy")
    common = set.intersection(*(set(context(module, t)) for t in TARGETS.values()))
    used = set().union(*(_variables(f"{t.name}/{t.template}") for t in TARGETS.values()))
    assert common <= used


def test_a_name_that_nobody_gives_is_an_error():
    form = of_catalogue("cauchy")
    found = dict(context(lower_module(derivation(form.loss), form, "cauchy"), TARGETS["numpy"]))
    del found["functions"]
    template = environment().get_template("numpy/loss.py.j2")
    with pytest.raises(Exception, match="'functions' is undefined"):
        template.render(**found)


@pytest.mark.parametrize("name", ["numpy/loss.py.j2"])
def test_templates_hold_no_arithmetic(name):
    """Loops and simple questions: no nested conditions, no filters that compute."""
    inside = re.findall(r"{%-?\s*(?:if|elif|for|set)[^%]*%}", _source(name))
    assert not [tag for tag in inside if re.search(r"[*/]|\bif\b.*\band\b", tag)]
    assert (templates_folder() / name).stat().st_size < 8000
