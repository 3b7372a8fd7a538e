"""The normalizer of Barron's loss, log Z(alpha): how its stored numbers were made and proved."""

from tools.partition.form import Centre, PartitionForm, Piece, evaluate, load

__all__ = ["Centre", "PartitionForm", "Piece", "evaluate", "load"]
