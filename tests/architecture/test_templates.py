"""A template and the context it gets name the same things, so that neither keeps dead weight."""

from __future__ import annotations

import pytest
from jinja2 import meta, nodes

from derive.calculus import derive
from derive.definitions.catalogue import load
from derive.emission.render import Prose, context, environment
from derive.emission.targets import TARGETS
from derive.numerics.stabilise import stabilise
from derive.program.density import density_forms
from derive.program.lowering import lower_module


def _parsed(template):
    """The syntax trees of a template and of everything that it includes."""
    source, _, _ = environment().loader.get_source(environment(), template)
    tree = environment().parse(source)
    included = meta.find_referenced_templates(tree)
    return [tree, *(t for name in included for t in _parsed(name))]


def _variables(template):
    return set().union(*(meta.find_undeclared_variables(t) for t in _parsed(template)))


def _fields(template):
    """The fields of the items of each list that a template loops over."""
    fields = {}
    for loop in (loop for tree in _parsed(template) for loop in tree.find_all(nodes.For)):
        gets = [g for g in loop.find_all(nodes.Getattr) if g.node.name == loop.target.name]
        if gets:
            fields.setdefault(loop.iter.name, set()).update(get.attr for get in gets)
    return fields


def _context(name, target):
    derivation = derive(load(name))
    form = stabilise(derivation)
    module = lower_module(form, density_forms(derivation, form))
    return context(module, form, target, Prose(name, (), {}))


@pytest.fixture(scope="module", params=sorted(TARGETS))
def target(request):
    return TARGETS[request.param]


@pytest.fixture(scope="module")
def given(target):
    return _context("cauchy", target)


def test_a_template_uses_exactly_the_context_it_gets(target, given):
    assert _variables(target.template) == set(given)


def test_and_exactly_the_fields_of_what_it_lists(target, given):
    for name, fields in _fields(target.template).items():
        for row in given[name]:
            assert set(row) == fields, name


def test_a_name_that_nobody_gives_is_an_error(given):
    given = dict(given)
    del given["imports"]
    template = environment().get_template("numpy/loss.py.j2")
    with pytest.raises(Exception, match="'imports' is undefined"):
        template.render(**given)
