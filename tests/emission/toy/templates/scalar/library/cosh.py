import math


def _cosh(value):
    try:
        return math.cosh(value)
    except OverflowError:
        return math.inf
