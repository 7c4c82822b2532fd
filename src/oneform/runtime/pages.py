"""Memory that one call frees is there for the next: glibc is told not to return it to the system at once."""

from __future__ import annotations

import ctypes
import functools
import os

# <malloc.h>. By default every block from 128 KiB on comes fresh from the kernel, and the first touch of each page costs more than the
# arithmetic on it: measured, the gradient of a recurrence over 10⁶ elements takes 15.9 ms so and 6.2 ms with memory kept (docs/design/004).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT, _LARGEST = 256 << 20, 32 << 20


@functools.cache
def keep_pages() -> None:
    """Once per process, unless ONEFORM_KEEP_PAGES=0 or the user tunes malloc by its own variables; elsewhere than glibc nothing happens."""
    if os.environ.get("ONEFORM_KEEP_PAGES") == "0" or any(name.startswith("MALLOC_") for name in os.environ):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST)
        mallopt(_TRIM_THRESHOLD, _KEPT)
