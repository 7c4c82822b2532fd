"""Which of Python's classes the classes written here stand for."""

from __future__ import annotations

from oneform.frontend.written.queues import QUEUES
from oneform.frontend.written.sets import Set

STANDS_FOR: dict[type, type] = {Set: set, **QUEUES}


def known_as(cls: type) -> type:
    """The class as the user knows it."""
    return STANDS_FOR.get(cls, cls)
