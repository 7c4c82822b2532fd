"""The generated pages are fresh; every error code is explained, and the examples raise what they stand under."""

from __future__ import annotations

import importlib.util
import linecache
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.errors import CODES, OneformError

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("gen_docs", ROOT / "tools" / "gen_docs.py")
assert _spec is not None and _spec.loader is not None
gen_docs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(gen_docs)

ERRORS = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
SECTIONS = {code: text for code, text in zip(*[iter(re.split(r"^## (E\d{3}).*$", ERRORS, flags=re.MULTILINE)[1:])] * 2, strict=True)}
EXAMPLES = {code: m.group(1) for code, text in SECTIONS.items() if (m := re.search(r"```python\n(.*?)```", text, re.DOTALL))}


@pytest.mark.parametrize("path", gen_docs.pages(), ids=lambda p: p.name)
def test_the_page_is_fresh(path: Path):
    assert path.read_text(encoding="utf-8") == gen_docs.pages()[path], "run python tools/gen_docs.py"


@pytest.mark.parametrize("code", CODES)
def test_the_code_is_explained(code: str):
    assert len(SECTIONS[code].split()) > 30
    assert "*Repair.*" in SECTIONS[code]


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_example_raises_its_error(code: str):
    """The block runs as a file of its own, so that its functions have source."""
    text, name = EXAMPLES[code], f"<docs/errors.md {code}>"
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    scope: dict[str, Any] = {"np": np, "of": of, "__name__": "example"}
    with pytest.raises(OneformError) as e:
        exec(compile(text, name, "exec"), scope)
    assert e.value.code == code
