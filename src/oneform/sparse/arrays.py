"""Patterns as SciPy's matrices, and as the kernels take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from oneform.runtime.engine import Options

UNCHECKED = Options(boundscheck=False)
ROOM = 17  # arrays shorter than this would have code of their own


def padded(x: Any, value: int) -> Any:
    """At least ROOM numbers."""
    return x if len(x) >= ROOM else np.concatenate([x, np.full(ROOM - len(x), value, x.dtype)])


def index_type(largest: int) -> type:
    return np.int32 if largest < 2**31 else np.int64


def empty_matrix(shape: tuple[int, int], dtype: Any) -> Any:
    """SciPy's sparse matrices take longer to import than all of Oneform: only whoever asks for one waits for that."""
    from scipy import sparse

    return sparse.csr_matrix(shape, dtype=dtype)


def matrix(indices: Any, indptr: Any, width: int) -> Any:
    """A pattern whose columns are in order and differ. Jacobians share its indices, which nobody may change. All its values are one True in memory."""
    index = index_type(max(len(indices), width))
    pattern = empty_matrix((len(indptr) - 1, width), bool)
    pattern.data, pattern.indices, pattern.indptr = np.broadcast_to(np.True_, len(indices)), indices.astype(index, copy=False), indptr.astype(index, copy=False)
    pattern.indices.flags.writeable = pattern.indptr.flags.writeable = False
    pattern.has_canonical_format = True
    return pattern


def rows_of(pattern: Any) -> tuple[Any, Any]:
    """indptr and indices, as the kernels take them."""
    return padded(pattern.indptr, int(pattern.indptr[-1])), padded(pattern.indices, 0)
