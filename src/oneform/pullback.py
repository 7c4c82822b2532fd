"""Products with a Jacobian: jvp, vjp with its pullback, hvp. Tangents and cotangents are checked against what they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oneform.derivatives import Grad, Jvp, Vjp
from oneform.errors import DerivativeError
from oneform.origins import Derived
from oneform.staging import Compiled, options_of, origin_of
from oneform.tree import Tree, copied, nodes_in, spread, unflatten


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Forward mode: f(*primals), and the derivative of that in the direction `tangents`.

    `primals` and `tangents` are tuples of the same structure; leaves without derivative have the tangent None (or 0, which is ignored). Tangents of
    results without derivative come back as None. Raises DerivativeError E202 if structure, shape or dtype of the tangents do not fit.
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        detail = "of.jvp takes primals and tangents as tuples, one entry per argument of the function"
        raise DerivativeError("E202", detail, repair="Write of.jvp(f, (x,), (dx,)).")
    points = tuple(primals)
    function = Compiled(Derived(origin_of(f), Jvp()), options_of(f), "jvp")
    return function(points, matched(tuple(tangents), points, "tangents", "primals"))


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """Reverse mode: f(*primals), and the pullback, which maps a cotangent of the result to a tuple of cotangents of the primals.

    The cotangent has the structure of the result (None or anything for leaves without derivative); cotangents of primals without derivative are
    None. The pullback keeps a copy of the primals and runs the function again. It raises DerivativeError E202 if structure, shape or dtype do not fit.
    """
    origin, options = origin_of(f), options_of(f)
    points = copied(primals)
    out = Compiled(origin, options, "jit")(*copied(points))
    family = next(iter(nodes_in(out)), None)
    if family is not None:  # the rows of their table are in the order in which the program made them, those of the cotangents are not
        detail = f"the function returns {family} objects, which refer to each other: of.vjp cannot say which cotangent is of which"
        raise DerivativeError("E202", detail, repair="Return their numbers in an array, or take of.grad of what you want of them.")
    function = Compiled(Derived(origin, Vjp()), options, "vjp")
    expected = structure(out)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        return function(points, matched(cotangent, expected, "cotangent", "result"))

    return out, pullback


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The Hessian of `f`, which returns one float, times the direction `tangents`: forward over reverse, at a few times the cost of f.

    The result has the structure of the argument; for several arguments it is a tuple of these (None for those without derivative). Raises as `jvp` and `grad`.
    """
    points = tuple(primals)
    active = [n for n, p in enumerate(points) if _has_derivative(p)]
    if not active:
        raise DerivativeError("E202", "none of the primals has a derivative", repair="Pass floats (2.0, not 2).")
    rule = Grad(tuple(active))
    gradient = Compiled(Derived(origin_of(f), rule), options_of(f), "grad")
    _, moved = jvp(gradient, points, tangents)
    if len(points) == 1:
        return moved[0]
    parts = iter(moved)
    return tuple(next(parts) if n in active else None for n in range(len(points)))


def _has_derivative(x: Any) -> bool:
    leaves: list[Any] = []
    spread(x, leaves)
    return any(is_active(leaf) for leaf in leaves)


def is_active(leaf: Any) -> bool:
    """Whether a leaf of an argument or result has a derivative."""
    return isinstance(leaf, (float, complex)) or (not isinstance(leaf, (bool, int)) and np.asarray(leaf).dtype.kind in "fc")


def structure(x: Any) -> Any:
    """The same containers with leaves that hold no memory: what remains to compare shapes and dtypes with."""
    leaves: list[Any] = []
    tree = spread(x, leaves)
    return unflatten(tree, iter([np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]))


def matched(given: Any, model: Any, what: str, of: str) -> Any:
    """The tangents of `model`: its structure, with None where it has no derivative, floats for floats, arrays of its shape and dtype."""
    leaves: list[Any] = []
    tree = spread(model, leaves)
    found: list[Any] = []
    _collect(given, tree, found, what, of, {})
    out: list[Any] = []
    for n, (t, x) in enumerate(zip(found, leaves, strict=True)):
        out.append(_tangent(t, x, f"leaf {n} of the {what}", of) if is_active(x) else None)
    return unflatten(tree, iter(out))


def _collect(given: Any, tree: Tree, found: list[Any], what: str, of: str, met: dict[int, Any]) -> None:
    """The tangents' leaves by the model's structure: None may stand for a leaf, or for a container without derivatives."""
    if tree.kind == "again":
        if given is not None and given is not met[tree.meta]:
            detail = f"the {what} have two different objects where the {of} have one object twice"
            raise DerivativeError("E202", detail, repair="Put one object in both places, as of.grad does.")
        return
    if tree.kind == "shared":
        met[tree.meta] = given
        _collect(given, tree.children[0], found, what, of, met)
        return
    if tree.kind == "leaf" or given is None:
        found += [given] * tree.leaves
        return
    probe = spread(given, [])
    probe = probe.children[0] if probe.kind == "shared" else probe
    names = tree.meta[1] if tree.kind == "record" else tree.meta
    if probe.kind != tree.kind or len(probe.children) != len(tree.children) or (probe.meta[1] if probe.kind == "record" else probe.meta) != names:
        raise DerivativeError("E202", f"the {what} are {_shape(probe)} where the {of} are {_shape(tree)}")
    for item, child in zip(children(given, tree), tree.children, strict=True):
        _collect(item, child, found, what, of, met)


def children(x: Any, tree: Tree) -> list[Any]:
    """The members of a container with this structure, in the order of `spread`."""
    if not tree.children:
        return []
    if tree.kind == "record":
        return [getattr(x, n) for n in tree.meta[1]]
    return list(x.values()) if tree.kind == "dict" else list(x)


def _shape(tree: Tree) -> str:
    return "a number or array" if tree.kind == "leaf" else "None" if tree.kind == "none" else f"a {tree.kind} of {len(tree.children)}"


def _tangent(t: Any, x: Any, what: str, of: str) -> Any:
    """One tangent in the type of its primal: shapes must be equal, a Python number may stand for any float, a complex one for complex ones."""
    if t is None:
        raise DerivativeError("E202", f"{what} is None, but the {of} have a float there")
    if not isinstance(t, (bool, int, float, complex, np.generic, np.ndarray)):
        t = np.asarray(t)
    shape, wanted = np.asarray(t).shape, np.shape(x)
    if shape != wanted:
        raise DerivativeError("E202", f"{what} has shape {shape} where the {of} have shape {wanted}")
    kind = np.asarray(t).dtype
    dtype = np.asarray(x).dtype.newbyteorder("=")
    python = isinstance(t, (bool, int, float) if dtype.kind == "f" else (bool, int, float, complex))  # float64 and complex128 are such, too
    if not python and kind.newbyteorder("=") != dtype:
        raise DerivativeError("E202", f"{what} is {kind} where the {of} are {dtype}")
    if isinstance(x, np.ndarray) and x.ndim:
        return np.ascontiguousarray(t, dtype)
    number: Any = t
    return type(x)(number) if type(x) in (float, complex) else dtype.type(number)
