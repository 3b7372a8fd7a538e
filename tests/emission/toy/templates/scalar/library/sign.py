"""Of a number."""


def _sign(value):
    return value if value != value else (value > 0) - (value < 0)
