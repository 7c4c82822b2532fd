"""Structured operations, one file each: type rule and meaning. Transforms recurse into their regions by `structure`."""

from oneform.ops.control.branch import if_
from oneform.ops.control.build import build
from oneform.ops.control.loop import for_
from oneform.ops.control.recursion import recur, recursive
from oneform.ops.control.while_ import while_

__all__ = ["build", "for_", "if_", "recur", "recursive", "while_"]
