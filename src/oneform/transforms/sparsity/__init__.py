"""Which results depend on which inputs, for any values of the inputs: the pattern of a Jacobian as a program of its own."""

from oneform.transforms.sparsity.blocks import Blocks, blocks
from oneform.transforms.sparsity.dependence import dependence

__all__ = ["Blocks", "blocks", "dependence"]
