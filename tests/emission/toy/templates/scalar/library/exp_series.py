import math


def _exp_series(argument, rates):
    sums, total = [0.0] * len(rates), 0.0
    for k in range(27):
        term = 0.0 if k else 1.0
        for j, rate in enumerate(rates):
            sums[j] = term = term + rate * sums[j]
        total += term * argument**k / math.factorial(len(rates) - 1 + k)
    return total
