"""Of a number."""


def _horner(z, coefficients):
    total = 0.0
    for c in reversed(coefficients):
        total = total * z + c
    return total
