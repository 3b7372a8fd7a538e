"""The normalizer of Barron's loss, log Z(alpha): stored numbers and how they were proved."""

from derive.calculus.partition.form import Centre, PartitionForm, Piece, evaluate, load

__all__ = ["Centre", "PartitionForm", "Piece", "evaluate", "load"]
