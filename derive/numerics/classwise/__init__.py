"""How losses over classes keep their digits: rules of their own, one path for every loss."""

from derive.numerics.classwise.forms import ClasswiseForm, stabilise_classwise

__all__ = ["ClasswiseForm", "stabilise_classwise"]
