import math


def _sinh(value):
    try:
        return math.sinh(value)
    except OverflowError:
        return math.copysign(math.inf, value)
