"""Which operations exist: the one table, and the builder functions that transforms use."""

from oneform.ops import arithmetic, array, complexes, lists, logic, transcendental, whole
from oneform.ops.accumulated import accumulated
from oneform.ops.array import zero_of, zeros
from oneform.ops.control import CUSTOM, build, custom_again, custom_jvp, custom_vjp, for_, if_, lengths_of, parts, paste, recur, recursive, unfolded, while_
from oneform.ops.table import OPS, Term, apply, constant, dim, dims, integer, literal, open_operands

__all__ = [
    "CUSTOM",
    "OPS",
    "Term",
    "accumulated",
    "apply",
    "array",
    "lists",
    "build",
    "complexes",
    "constant",
    "custom_again",
    "custom_jvp",
    "custom_vjp",
    "dim",
    "dims",
    "arithmetic",
    "logic",
    "transcendental",
    "whole",
    "for_",
    "if_",
    "integer",
    "lengths_of",
    "literal",
    "open_operands",
    "parts",
    "paste",
    "recur",
    "recursive",
    "unfolded",
    "while_",
    "zero_of",
    "zeros",
]
