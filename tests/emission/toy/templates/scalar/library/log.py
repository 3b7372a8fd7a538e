import math


def _log(value):
    return math.log(value) if value > 0 else -math.inf if value == 0 else math.nan
