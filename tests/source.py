"""Functions made from text, in real files: the compiler reads a function's source, so it must have one."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

_FOLDER = Path(tempfile.mkdtemp(prefix="oneform-source-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def define(text: str, names: dict[str, Any], folder: Path | None = None) -> dict[str, Any]:
    """Execute `text` as a file of its own with `names` as globals; returns the globals."""
    path = (folder or _FOLDER) / f"generated_{hashlib.sha256(text.encode()).hexdigest()[:12]}.py"
    if not path.exists():
        path.write_text(text, encoding="utf-8")
    space = {"__name__": path.stem, "__file__": str(path), **names}
    exec(compile(text, str(path), "exec"), space)
    return space
