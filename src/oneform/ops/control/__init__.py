"""Structured operations, one file each: type rule and meaning. Transforms recurse into their regions by `structure`."""

from oneform.ops.control.again import CUSTOM, custom_again, unfolded
from oneform.ops.control.branch import if_
from oneform.ops.control.build import build, lengths_of
from oneform.ops.control.custom_jvp import custom_jvp
from oneform.ops.control.custom_vjp import custom_vjp
from oneform.ops.control.loop import for_
from oneform.ops.control.parts import parts, paste
from oneform.ops.control.recursion import recur, recursive
from oneform.ops.control.while_ import while_

__all__ = [
    "CUSTOM", "build", "custom_again", "custom_jvp", "custom_vjp", "for_", "if_", "lengths_of", "parts", "paste", "recur", "recursive", "unfolded", "while_",
]
