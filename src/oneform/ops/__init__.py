"""Which operations exist: the one table, and the builder functions that transforms use."""

from oneform.ops import arithmetic, array, logic, transcendental, whole
from oneform.ops.array import zero_of, zeros
from oneform.ops.control import build, for_, if_, recur, recursive, while_
from oneform.ops.table import OPS, Term, apply, constant, dim, dims, integer, literal, open_operands

__all__ = [
    "OPS",
    "Term",
    "apply",
    "array",
    "build",
    "constant",
    "dim",
    "dims",
    "arithmetic",
    "logic",
    "transcendental",
    "whole",
    "for_",
    "if_",
    "integer",
    "literal",
    "open_operands",
    "recur",
    "recursive",
    "while_",
    "zero_of",
    "zeros",
]
