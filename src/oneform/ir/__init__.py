"""What a program is. Knows no operation by name."""

from oneform.ir.core import (
    DEAR,
    Attrs,
    Block,
    Builder,
    Function,
    Instr,
    Op,
    Run,
    Value,
    array_of,
    mismatch,
    open_dims,
    scalar_of,
)
from oneform.ir.walk import (
    Subst,
    clone_block,
    clone_instr,
    free_values,
    inline,
    instructions,
    reads,
    substitute,
)

__all__ = [
    "DEAR", "Attrs", "Block", "Builder", "Function", "Instr", "Op", "Run", "Subst", "Value", "array_of", "clone_block",
    "clone_instr", "free_values", "inline", "instructions", "mismatch", "open_dims", "reads", "scalar_of", "substitute",
]
