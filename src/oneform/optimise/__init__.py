"""IR to IR, same meaning: the pipeline and its passes."""

from oneform.optimise.chunks import split
from oneform.optimise.pipeline import PASSES, optimise, prepare, run

__all__ = ["PASSES", "optimise", "prepare", "run", "split"]
