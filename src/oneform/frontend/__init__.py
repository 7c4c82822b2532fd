"""Python to IR: the function's syntax tree is evaluated abstractly, structure now, numbers later."""

from oneform.frontend.batching import mapped
from oneform.frontend.capture import Capture, Dependency, leaf_of
from oneform.frontend.derived import derived
from oneform.frontend.fence import language_page
from oneform.frontend.lower import trace
from oneform.frontend.lowered import Lowered

__all__ = ["Capture", "Dependency", "Lowered", "derived", "language_page", "leaf_of", "mapped", "trace"]
