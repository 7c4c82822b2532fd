"""What all tests share: compiled code of a test run stays out of the user's cache, each program's tests stay in one process, the verifier is on."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

# Before oneform is imported, and inherited by the workers of xdist: one cache for the run.
os.environ.setdefault("ONEFORM_CACHE_DIR", tempfile.mkdtemp(prefix="oneform-tests-"))
os.environ.setdefault("ONEFORM_VERIFY", "1")



@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "dist", "no") == "load":  # `-n` alone: keep the tests of one program together, they share compiled code
        config.option.dist = "loadgroup"


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
