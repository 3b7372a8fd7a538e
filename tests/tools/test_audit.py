"""The audit of the field: its table can be read, and its page says what was found."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from derive.definitions.find import find
from tools.audit.__main__ import Subject, rows, subjects
from tools.audit.page import page

ROW: dict[str, Any] = {
    "package": "some", "version": "1.2", "subject": "some.losses:huber", "loss": "huber",
    "quantity": "loss", "at": {"delta": 1.345}, "call": "huber(x, 1.345)", "relation": "different",
    "convention": "2 times ours", "detail": "", "worst_ulp": {"float64": 1.25, "float32": 3e8},
    "witness": {"x": 1e200, "delta": 1.345, "expected": "1.3e+200", "got": "inf"},
    "findings": [{"what": "infinite", "expected": "1.3e+200", "got": "inf"}],
}  # fmt: skip


def test_the_table_has_enough_of_many_packages() -> None:
    found = subjects()
    assert len(found) >= 40
    assert len({one.package for one in found}) >= 15
    assert len({(one.id, one.call) for one in found}) == len(found)


@pytest.mark.parametrize("one", subjects(), ids=lambda one: one.id)
def test_every_entry_is_complete(one: Subject) -> None:
    assert one.loss == find(one.loss).name
    assert one.subject.count(":") == 1
    if one.call:
        names = {n.id for n in ast.walk(ast.parse(one.call)) if isinstance(n, ast.Name)}
        assert set(one.at or {}) <= names


def test_the_page_tells_the_witness() -> None:
    text = page([ROW])
    assert "1 functions of 1 packages: equal 0, up to 0, different 1, unknown 0." in text
    assert "infinite: at x = 1e+200, inf for 1.3e+200" in text
    assert "float64 1.2 ULP, float32 3e+08 ULP" in text


def test_what_is_not_installed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    missing = Subject("no-such-package", "no_such_package.losses:huber", "huber")
    assert list(rows([missing], None)) == []
    assert "not installed" in capsys.readouterr().out
