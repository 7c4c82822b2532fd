"""What the written functions ask of the compiler itself: arrangements that depend on the number of axes. frontend/composed.py does it."""

from __future__ import annotations

from typing import Any, NoReturn


def _compiled() -> NoReturn:
    raise NotImplementedError("only compiled code calls this")


def mapped(f: Any, *xs: Any) -> Any:
    """f of the numbers in the operands, which are broadcast, in double precision; the result in the operands' own, ints as f64."""
    _compiled()


def lanes(f: Any, *xs: Any) -> Any:
    """f along the first axes of the operands: of.vmap(f)(*xs)."""
    _compiled()


def rows(a: Any, axis: Any) -> Any:
    """A matrix with one row for each place in the other axes: what lies along `axis` (one, a tuple, or None for all)."""
    _compiled()


def reduced(y: Any, a: Any, axis: Any, keepdims: Any) -> Any:
    """One number for each row of rows(a, axis), in the shape of a reduction of a; a number where nothing is left."""
    _compiled()


def along(y: Any, a: Any, axis: Any) -> Any:
    """The rows of a matrix put back where those of rows(a, axis) come from; they may have another length."""
    _compiled()


def floating(a: Any) -> Any:
    """The operand as floats or complex numbers: ints and bools become f64."""
    _compiled()


def accumulated(a: Any, dtype: Any) -> Any:
    """The operand in the dtype that sums of it have: ints and bools become i64, unless `dtype` says otherwise."""
    _compiled()


def unsupported(what: str, repair: str) -> NoReturn:
    """Refuse the program: E003, at the user's line."""
    _compiled()


def constant(x: Any) -> Any:
    """x, without its derivative."""
    _compiled()


constant.__oneform_op__ = "stop_gradient"  # type: ignore[attr-defined]
