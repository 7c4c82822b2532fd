"""The distributions of scipy.stats: methods of the library's objects, by the functions in frontend/written/distributions.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oneform.frontend.attributes import attribute
from oneform.frontend.boxes import new_box
from oneform.frontend.composed import map_numbers
from oneform.frontend.creation import as_operand
from oneform.frontend.lift import lift_member
from oneform.frontend.numbers import Operand, to_dtype
from oneform.frontend.passing import see
from oneform.frontend.registry import Call, handles_late
from oneform.frontend.values import Abstract, Method, Py, Seq, number
from oneform.frontend.written import distributions, signals
from oneform.types import F64

WRAPPERS: dict[str, Any] = {
    "pdf": distributions.shifted_pdf, "logpdf": distributions.shifted_logpdf, "ppf": distributions.shifted_inverse, "isf": distributions.shifted_inverse,
    **dict.fromkeys(("cdf", "sf", "logcdf", "logsf"), distributions.shifted_cdf),
}  # fmt: skip


def _method(kind: str, discrete: bool) -> Callable[[Call], Abstract]:
    """distribution.kind(x, *shapes, loc=0, scale=1); discrete ones have no scale."""

    def handler(c: Call) -> Abstract:
        t = c.t
        owner = c.args.pop(0)
        name = str(getattr(owner.obj, "name", "?")) if isinstance(owner, Py) else "?"
        f = getattr(distributions, f"{name}_{kind}", None)
        if f is None:
            known = sorted(n.removeprefix(f"{name}_") for n in vars(distributions) if n.startswith(f"{name}_"))
            repair = f"Of {name} the compiler knows {', '.join(known)}." if known else "docs/ops.md lists the distributions that are known."
            t.refuse("E003", f"scipy.stats.{name}.{kind} is not known to the compiler", c.node, repair)
        shapes = f.__code__.co_varnames[1 : f.__code__.co_argcount]
        first = "q" if kind in ("ppf", "isf") else "k" if discrete else "x"
        x, *given = c.bind(first, *shapes, "loc?", *(() if discrete else ("scale?",)))
        own, place = given[: len(shapes)], given[len(shapes) :]
        rest = [number(float(k)) if v is None else v for k, v in enumerate(place)]  # loc=0, scale=1
        operands: list[Operand] = [as_operand(t, v or Py(None), c.node) for v in (x, *rest, *own)]
        wrapper = distributions.moved if discrete else WRAPPERS[kind]
        return map_numbers(t, Method(Py(wrapper), (Py(f),)), [to_dtype(t, v, F64) for v in operands], c)

    return handler


for _kind in WRAPPERS:
    handles_late(f"scipy.stats.rv_continuous.{_kind}")(_method(_kind, discrete=False))
for _kind in ("pmf", "logpmf", "cdf", "sf"):
    handles_late(f"scipy.stats.rv_discrete.{_kind}")(_method(_kind, discrete=True))


for _kind in ("__call__", "freeze"):

    @handles_late(f"scipy.stats._distn_infrastructure.rv_generic.{_kind}")
    def frozen(c: Call) -> Abstract:
        """A distribution with its parameters."""
        kwds = Seq("dict", tuple(c.kwargs.values()), tuple(c.kwargs))
        return Seq("record", (c.args[0], Seq("tuple", tuple(c.args[1:])), new_box(c.t, "dict", kwds)), (distributions.Frozen, distributions.Frozen._fields))


def _of_frozen(kind: str) -> Callable[[Call], Abstract]:
    """A method of a distribution that was given its parameters outside the program."""

    def handler(c: Call) -> Abstract:
        t = c.t
        owner = c.args[0]
        if not isinstance(owner, Py):
            t.refuse("E003", f"{c.name} is known to the compiler as a method only", c.node)
        own: list[Any] = [lift_member(t, owner.obj, k, getattr(owner.obj, k), k) for k in ("args", "kwds")]
        args, kwds = (see(t, x) for x in own)
        method = attribute(t, Py(owner.obj.dist), kind, c.node)
        return t.call(t, method, [*c.args[1:], *args.items], {**dict(zip(kwds.meta, kwds.items, strict=True)), **c.kwargs}, c.node)

    return handler


for _kind in (*WRAPPERS, "pmf", "logpmf"):
    for _cls in ("rv_frozen", "rv_continuous_frozen", "rv_discrete_frozen"):
        handles_late(f"scipy.stats._distn_infrastructure.{_cls}.{_kind}")(_of_frozen(_kind))


def _of_vectors(f: Any) -> Callable[[Call], Abstract]:
    def handler(c: Call) -> Abstract:
        return c.t.call(c.t, Py(f), c.args[1:], c.kwargs, c.node)

    return handler


handles_late("scipy.stats._multivariate.multivariate_normal_gen.logpdf")(_of_vectors(signals.multivariate_normal_logpdf))
handles_late("scipy.stats._multivariate.multivariate_normal_gen.pdf")(_of_vectors(signals.multivariate_normal_pdf))
