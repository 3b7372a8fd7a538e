"""Distillation: the divergence of a teacher's softmax from a student's, both from scores."""

from sympy import Symbol, exp, log

from derive.definitions.classes import Total
from derive.definitions.loss import Along, Loss

b, a = Along("b", "real"), Along("a", "real")
T = Symbol("T", positive=True)
p, q = (exp(x / T) / Total(exp(x / T)) for x in (a, b))

kl_divergence_logits = Loss(
    name="kl_divergence_logits",
    title="Kullback-Leibler divergence of two softmaxes",
    source="Hinton, Vinyals and Dean, arXiv:1503.02531, without the factor T^2",
    variables=(b, a, T),
    predictions=(b,),
    target=a,
    loss=Total(p * (log(p) - log(q))),
    description="b: scores of the student, a: of the teacher, T: the temperature of both.",
)
