import math


def _exp(value):
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf
