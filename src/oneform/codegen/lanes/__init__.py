"""Loops whose rounds are the lanes of vectors: sums that must be added up in order, and all that stands around them.

    for r: y = 0; for c: y += A[r, c] x[c]; use(y)

LLVM vectorises a loop across its own rounds, and a sum in order is not such a loop. The rounds of a loop around it are. What must be done in their
order, or has no form in vectors, is done behind that, one round after the other (docs/design/012-lanes.md)."""

from oneform.codegen.lanes.find import find_abreast
from oneform.codegen.lanes.groups import emit_abreast, fits
from oneform.codegen.lanes.plan import Abreast

__all__ = ["Abreast", "emit_abreast", "find_abreast", "fits"]
