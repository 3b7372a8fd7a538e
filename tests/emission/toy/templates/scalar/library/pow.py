import math


def _pow(base, exponent):
    try:
        return base**exponent
    except (OverflowError, ZeroDivisionError):
        return math.inf
