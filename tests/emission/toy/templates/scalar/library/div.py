import math


def _div(above, below):
    if below:
        return above / below
    return math.nan if above == 0 else math.copysign(math.inf, above) * math.copysign(1, below)
