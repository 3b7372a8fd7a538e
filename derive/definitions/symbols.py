"""The letters that the catalogue shares, each with the domain that proofs and checks rely on."""

from sympy import Symbol

x = Symbol("x", real=True)
alpha = Symbol("alpha", extended_real=True)
scale = Symbol("scale", positive=True)
delta = Symbol("delta", positive=True)
beta = Symbol("beta", positive=True)
