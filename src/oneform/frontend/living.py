"""Who may still read a variable."""

from __future__ import annotations

import ast
from typing import Any

from oneform.frontend.liveness import Names
from oneform.frontend.state import Var
from oneform.frontend.tracer import Tracer


def after(t: Tracer, s: ast.stmt) -> Names | None:
    """Names live behind a statement; None (all of them) behind one that is not in the source."""
    return t.here.live.after.get(id(s))


def needed(t: Tracer, key: Any, live: Names | None) -> bool:
    """Whether anybody may read a variable on a path where the names `live` of the current frame are (None: all of them)."""
    if not isinstance(key, Var):
        return True
    frame = t.frame  # None: behind the program's own function, where it is recursive
    if frame is not None and key.frame == frame.path:
        return live is None or key.name in live or key.name in frame.live.always
    if key.frame in t.closed_over:
        return True
    around = next((f for f in t.stack if f.path == key.frame), None)
    if around is None or around.waiting is None:
        return around is not None
    return key.name in around.waiting.live_head or key.name in around.waiting.live_after or key.name in around.live.always
