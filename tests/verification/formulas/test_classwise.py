"""Somebody else's formula of a loss over classes: swapped roles, another base, an offset."""

from __future__ import annotations

import pytest

from derive.definitions.find import find
from derive.errors import BadInput
from derive.verification.formulas import classwise
from derive.verification.formulas.run import judged_formula

CASES = (
    ("kl_divergence", "sum(p*log(p/q))", "equal", None),
    ("kl_divergence", "sum(q*log(q/p))", "different", None),
    ("kl_divergence", "sum(p*log(p/q))/log(2)", "up to", "1/log(2)"),
    ("softmax_cross_entropy", "-log(exp(z[t]/T)/sum(exp(z/T)))", "equal", None),
    ("softmax_cross_entropy", "log(sum(exp(z/T))) + z[t]/T", "different", None),
    ("brier_multiclass", "sum(q**2) - 2*q[t] + 1", "equal", None),
    ("entropy", "sum(p*log(p))", "up to", "-1"),
    (  # the ratio of the slopes is 0/0 at the sample
        "multi_margin",
        "sum(piecewise((1, k != t), (0, True))*max(0, f[t] + margin + power - 1)**power)/sum(1)",
        "different",
        None,
    ),
)


@pytest.fixture(autouse=True)
def a_short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classwise, "POINTS", 30)
    monkeypatch.setattr(classwise, "SECONDS", 20.0)  # a loaded machine finds no less


@pytest.mark.parametrize(("loss", "text", "relation", "factor"), CASES)
def test_relations(loss: str, text: str, relation: str, factor: str | None) -> None:
    given = {"text": text, "loss": loss, "quantity": "loss", "latex": False}
    found = judged_formula(given)
    assert found["relation"] == relation
    assert (found["witness"] is not None) == (relation == "different")
    if factor is not None:
        assert found["map"]["factor"] == factor


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"latex": True}, "sum\\(\\)"),
        ({"quantity": "hessian_product"}, "quantity"),
    ],
)
def test_what_is_not_judged_is_said(changes: dict[str, object], words: str) -> None:
    given = {"text": "sum(q)", "loss": "kl_divergence", "quantity": "loss", "latex": False}
    with pytest.raises(BadInput, match=words):
        judged_formula({**given, **changes})


def test_every_loss_over_classes_is_its_own_formula() -> None:
    loss = find("reverse_kl_divergence")
    found = classwise.compare_classwise(loss.expression, loss)
    assert found.relation == "equal"
