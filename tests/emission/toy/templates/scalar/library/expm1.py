import math


def _expm1(value):
    try:
        return math.expm1(value)
    except OverflowError:
        return math.inf
