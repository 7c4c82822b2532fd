"""What all tests share: compiled code of a test run stays out of the user's cache, and the verifier is on after each pass."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

# Before oneform is imported. The workers of xdist inherit it: what one of them has compiled, the others find.
if "ONEFORM_CACHE_DIR" not in os.environ:
    os.environ["ONEFORM_CACHE_DIR"] = tempfile.mkdtemp(prefix="oneform-tests-")
    atexit.register(shutil.rmtree, os.environ["ONEFORM_CACHE_DIR"], ignore_errors=True)
os.environ.setdefault("ONEFORM_VERIFY", "1")

