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
from oneform.ir.interpret import interpret
from oneform.ir.retype import retyped
from oneform.ir.text import parse, show, show_attr, show_type
from oneform.ir.verify import verify
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
    "clone_instr", "free_values", "inline", "instructions", "interpret", "mismatch", "open_dims", "parse", "reads", "retyped", "scalar_of",
    "show", "show_attr", "show_type", "substitute", "verify",
]
