"""What number two numbers make: NumPy's promotion (NEP 50), in which Python's own numbers adapt to the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oneform.frontend.values import Arr, Known, Num
from oneform.types import BOOL, BY_NUMPY, C128, F64, I64, DType

Operand = Num | Arr
_EXEMPLARS: dict[str, Known] = {"b": False, "i": 0, "f": 0.0, "c": 0j}
_RANKS = "bifc"


def dtype_of(x: Operand) -> DType:
    return x.dtype if isinstance(x, Num) else x.cell.dtype


def is_weak(x: Operand) -> bool:
    return isinstance(x, Num) and x.weak


def promoted(operands: Sequence[Operand]) -> tuple[DType, bool]:
    """The common dtype by NEP 50, and whether it is that of a Python number."""
    strong = [dtype_of(x).numpy for x in operands if not is_weak(x)]
    weak = [_EXEMPLARS[dtype_of(x).kind] for x in operands if is_weak(x)]
    if strong:
        return BY_NUMPY[np.result_type(*strong, *weak)], False
    kind = max((dtype_of(x).kind for x in operands), key=_RANKS.index)
    return {"b": BOOL, "i": I64, "f": F64, "c": C128}[kind], True
