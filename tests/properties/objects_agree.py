"""Whether a generated program with objects does compiled what it does in CPython, to its arguments too, and whether its derivatives agree."""

from __future__ import annotations

from typing import Any

import numpy as np

import oneform as of
from oneform.errors import OneformError
from oneform.gradcheck import DerivativeMismatch
from tests.properties.objects import arguments, program
from tests.source import define

PROGRAM_ERRORS = (ArithmeticError, LookupError, ValueError, TypeError, AttributeError)


class Disagree(AssertionError):
    pass


def fields(x: Any) -> dict[str, Any] | None:
    return vars(x) if hasattr(x, "__dict__") and not isinstance(x, (type, np.generic)) else None


def compare(a: Any, b: Any, where: str, seen: dict[int, Any] | None) -> None:
    """The same value, of the same kind; with `seen`, also the same objects in the same places."""
    if isinstance(a, (bool, np.bool_)) or isinstance(b, (bool, np.bool_)):
        good = isinstance(a, (bool, np.bool_)) and isinstance(b, (bool, np.bool_)) and a == b
    elif isinstance(a, (int, np.integer)):
        good = isinstance(b, (int, float, np.integer)) and a == b  # int on one path and float on the other is float
    elif isinstance(a, float):
        good = isinstance(b, float) and (abs(a - b) <= 1e-9 * (1 + abs(a)) or (np.isnan(a) and np.isnan(b)) or a == b)
    elif a is None or isinstance(a, str):
        good = a == b
    else:
        if type(a) is not type(b):
            raise Disagree(f"{where}: {b!r} instead of {a!r}")
        if seen is not None and not isinstance(a, tuple):
            if id(a) in seen or id(b) in seen:
                if seen.get(id(a)) is not b or seen.get(id(b)) is not a:
                    raise Disagree(f"{where}: not the object that it should be")
                return
            seen[id(a)], seen[id(b)] = b, a
        if isinstance(a, np.ndarray):
            good = a.shape == b.shape and a.dtype == b.dtype and np.allclose(a, b, 1e-9, 1e-9, equal_nan=True)
        elif isinstance(a, (list, tuple)):
            good = len(a) == len(b)
            for k in range(len(a) if good else 0):
                compare(a[k], b[k], f"{where}[{k}]", seen)
        elif isinstance(a, dict):
            good = list(a) == list(b)
            for k in a if good else ():
                compare(a[k], b[k], f"{where}[{k!r}]", seen)
        else:
            x, y = fields(a), fields(b)
            good = x is not None and y is not None and set(x) == set(y)
            for k in x if good and x is not None and y is not None else ():
                compare(x[k], y[k], f"{where}.{k}", seen)  # type: ignore[index]
    if not good:
        raise Disagree(f"{where}: {b!r} instead of {a!r}")


def outcome(f: Any, args: Any) -> tuple[Any, type | None]:
    try:
        return f(*args), None
    except OneformError:
        raise
    except PROGRAM_ERRORS as e:
        return e, type(e)


def members(x: Any, path: tuple[Any, ...] = ()) -> dict[int, Any]:
    """The objects in the arguments."""
    out: dict[int, Any] = {}
    inner = x if isinstance(x, (list, tuple)) else x.values() if isinstance(x, dict) else (fields(x) or {}).values() if not isinstance(x, (float, int, str, np.ndarray)) and x is not None else ()
    if isinstance(x, (list, dict, np.ndarray)) or fields(x) is not None:
        out[id(x)] = x
    for i in inner:
        out |= members(i)
    return out


def check(seed: int, size: int = 8, derivatives: bool = True) -> str:
    """Says what came of it: "agree", "raises", "refused E104: …". Raises Disagree, or the compiler's own error."""
    text = program(seed, size)
    space = define(text, {})
    f = space["program"]
    python, compiled = arguments(text, seed), arguments(text, seed)
    pairs = list(zip(members(python).values(), members(compiled).values(), strict=True))
    with np.errstate(all="ignore"):
        want, error = outcome(f, python)
        try:
            entry = of.jit(f)
            outcome(entry, arguments(text, seed))  # compiles; what is compared goes through the entry that this made
            got, got_error = outcome(entry, compiled)
        except OneformError as e:
            return f"refused {e.code}: {e.detail}"
        if error is not got_error:
            raise Disagree(f"{got!r} instead of {want!r}")
        if error is not None:
            return "raises"
        seen = {id(a): b for a, b in pairs} | {id(b): a for a, b in pairs}
        compare(want, got, "value", None)
        for a, b in pairs:  # every object that the caller had, where it was
            del seen[id(a)], seen[id(b)]
            compare(a, b, f"argument {a!r}", None)
        seen = {}
        compare(python, compiled, "arguments", seen)
        for a, b in pairs:
            if id(a) in seen and seen[id(a)] is not b:
                raise Disagree(f"arguments: {b!r} is not the object that it was")
        if derivatives and isinstance(want, float):
            return _derivatives(f, arguments(text, seed), want)
    return "agree"


def _derivatives(f: Any, args: tuple[Any, ...], value: float) -> str:
    if not np.isfinite(value) or abs(value) > 1e4:
        return "explodes"
    try:
        of.check_grads(f, args, order=1)
    except DerivativeMismatch as e:
        if "kink" in str(e) or "beside the point" in str(e):
            return "agree, at a kink"
        raise
    except OneformError as e:
        return f"derivative refused {e.code}: {e.detail}"
    except PROGRAM_ERRORS:
        return "agree, at an edge"
    return "agree, with derivatives"
