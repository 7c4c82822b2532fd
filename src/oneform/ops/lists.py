"""Lists: rows of numbers, arrays and lists, of a length that changes. Every operation reaches into nested rows by a path (paths.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oneform.ir import Attrs, Block, Builder, Instr, Op, Value, mismatch
from oneform.ops.array import i64_operands, zeros
from oneform.ops.paths import Fields, Types, at_path, changed, inner, list_of, path_types, tangent_fields, tangent_list
from oneform.ops.table import constant, define, open_operands
from oneform.types import F64, I64, Array, List, Scalar, Type, assignable, carries_derivative, element, shape_of

Regions = tuple[Block, ...]

_NO_SAMPLES = {"samples": "lists are no NumPy values; tests/ops/test_lists.py"}


def zero_like(b: Builder, v: Value) -> Value:
    """Zero for the tangent of a value."""
    if isinstance(v.type, List):
        return like(b, v)
    return constant(b, 0, element(v.type)) if isinstance(v.type, Scalar) else zeros(b, element(v.type), shape_of(v.type), open_operands(b, v))


# ---------------------------------------------------------------- type rules


def _item_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    if not attrs["fields"]:
        raise mismatch("an item is reached by at least one step")
    return (path_types(types, attrs["fields"])[0],)


def _put_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    target, _ = path_types((types[0], *types[2:]), attrs["fields"])
    if not isinstance(target, Scalar) or types[1] != target:
        raise mismatch(f"cannot put {types[1]} where {target} is")
    return (types[0],)


def _add_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    target, _ = path_types((types[0], *types[2:]), attrs["fields"])
    if not assignable(types[1], target) and not assignable(target, types[1]):
        raise mismatch(f"cannot add {types[1]} to {target}")
    return (types[0],)


def _swap_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    target, rest = path_types((types[0], *types[2:]), attrs["fields"])
    if rest or isinstance(target, Scalar) or not assignable(types[1], target):
        raise mismatch(f"cannot put {types[1]} where {target} is")
    return types[0], target


def _push_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    fields: Fields = attrs.get("fields", ())
    s = list_of(at_path(types[0], fields))
    indices, row = types[1 : 1 + len(fields)], types[1 + len(fields) :]
    i64_operands(indices, "an index")
    if len(row) != len(s.items) or not all(map(assignable, row, s.items)):
        raise mismatch(f"cannot push {', '.join(map(str, row))} onto {s}")
    return (types[0],)


def _pop_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    fields: Fields = attrs.get("fields", ())
    i64_operands(types[1:], "an index")
    if len(types) - 1 != len(fields):
        raise mismatch(f"the path {list(fields)} takes {len(fields)} indices, not {len(types) - 1}")
    return (types[0], *list_of(at_path(types[0], fields)).items)


def _size_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    target, rest = path_types(types, attrs["fields"])
    axis = attrs["axis"]
    if rest or not (isinstance(target, List) and axis == 0 or isinstance(target, Array) and 0 <= axis < target.rank):
        raise mismatch(f"{target} has no length along {axis}")
    return (Scalar(I64),)


# ---------------------------------------------------------------- the operations

empty_list = define(
    Op(
        "list",
        "An empty list of rows of {items}.",
        lambda types, attrs, regions: (List(tuple(attrs["items"])),),
        lambda *, attrs, regions: ([],),
        lower="list",
        cost=20,
        samples=lambda rng: [],
        missing={"derivative": "it has no operands", **_NO_SAMPLES},
    )
)


def _push_ref(s: Any, *rest: Any, attrs: Attrs, regions: Any) -> tuple[Any]:
    fields: Fields = attrs.get("fields", ())
    row = tuple(rest[len(fields) :])
    return (changed(s, rest[: len(fields)], fields, lambda old: [*old, row]),)


def _push_jvp(b: Builder, instr: Instr, args: Sequence[Value], tangents: Sequence[Value | None], outs: Any) -> Sequence[Value | None]:
    fields: Fields = instr.attrs.get("fields", ())
    s, first = list_of(args[0].type), 1 + len(fields)
    path = tangent_fields(s, fields)
    ds = tangents[0] or zero_like(b, args[0])
    if path is None:
        return [ds]
    row = [dv or zero_like(b, v) for v, dv in zip(args[first:], tangents[first:], strict=True) if carries_derivative(v.type)]
    return [b.emit1(push, ds, *args[1:first], *row, **_at(path))]


def _at(path: Fields) -> dict[str, Any]:
    return {"fields": path} if path else {}


def _push_transpose(t: Any, instr: Instr) -> None:
    """The cotangents of a row are popped."""
    fields: Fields = instr.attrs.get("fields", ())
    path, first = tangent_fields(list_of(instr.args[0].type), fields), 1 + len(fields)
    values = [v for v in instr.args[first:] if carries_derivative(v.type)]
    if path is not None and values:
        cts = t.update(instr.outs[0], pop, instr.args[1:first], [v.type for v in values], **_at(path))
        for v, ct in zip(values, cts, strict=True):
            t.accumulate(v, ct)
    t.pass_on(instr.outs[0], instr.args[0])


push = define(
    Op(
        "push",
        "The list with one more row: push s, values; or onto the list at a path: push s, indices, values.",
        _push_types,
        _push_ref,
        lower="push",
        consumes=(0,),
        cost=3,
        jvp=_push_jvp,
        transpose=_push_transpose,
        samples=lambda rng: [],
        rejects=(((Scalar(F64),), {}, "E101"),),
        missing=_NO_SAMPLES,
    )
)


def _pop_ref(s: Any, *indices: Any, attrs: Attrs, regions: Any) -> tuple[Any, ...]:
    fields: Fields = attrs.get("fields", ())
    return (changed(s, indices, fields, lambda old: old[:-1]), *inner(s, indices, fields)[-1])


def _pop_jvp(b: Builder, instr: Instr, args: Sequence[Value], tangents: Sequence[Value | None], outs: Any) -> Sequence[Value | None]:
    path = tangent_fields(list_of(args[0].type), instr.attrs.get("fields", ()))
    assert tangents[0] is not None
    if path is None:
        return [tangents[0], *[None] * (len(outs) - 1)]
    ds, *row = b.emit(pop, tangents[0], *args[1:], **_at(path))
    given = iter(row)
    return [ds, *(next(given) if carries_derivative(o.type) else None for o in outs[1:])]


def _pop_transpose(t: Any, instr: Instr) -> None:
    """The cotangents of what was popped are pushed."""
    path = tangent_fields(list_of(instr.args[0].type), instr.attrs.get("fields", ()))
    values = [v for v in instr.outs[1:] if carries_derivative(v.type)]
    if path is not None and values:
        cts = [t.cotangent(v) for v in values]
        t.update(instr.outs[0], push, (*instr.args[1:], *cts), (), **_at(path))
    t.pass_on(instr.outs[0], instr.args[0])


pop = define(
    Op(
        "pop",
        "The list without its last row, and that row; or of the list at a path: pop s, indices. There is a row.",
        _pop_types,
        _pop_ref,
        lower="pop",
        consumes=(0,),
        cost=3,
        jvp=_pop_jvp,
        transpose=_pop_transpose,
        samples=lambda rng: [],
        rejects=(((Scalar(F64),), {}, "E101"),),
        missing=_NO_SAMPLES,
    )
)


def _size_ref(s: Any, *indices: Any, attrs: Attrs, regions: Any) -> tuple[Any]:
    target = inner(s, indices, attrs["fields"])
    return (np.int64(len(target) if isinstance(target, list) else target.shape[attrs["axis"]]),)  # pyright: ignore[reportUnknownArgumentType]


size = define(
    Op(
        "size",
        "The number of rows of the list, or the length along {axis} of the array, at the path.",
        _size_types,
        _size_ref,
        lower="size",
        cost=2,
        samples=lambda rng: [],
        rejects=(((List((Scalar(F64),)),), {"fields": (), "axis": 1}, "E101"),),
        missing={"derivative": "integers have none", **_NO_SAMPLES},
    )
)


def _item_ref(s: Any, *indices: Any, attrs: Attrs, regions: Any) -> tuple[Any]:
    return (inner(s, indices, attrs["fields"]),)


def _item_jvp(b: Builder, instr: Instr, args: Sequence[Value], tangents: Sequence[Value | None], outs: Any) -> Sequence[Value | None]:
    path = tangent_fields(list_of(args[0].type), instr.attrs["fields"])
    return [None if path is None or tangents[0] is None else b.emit1(item, tangents[0], *args[1:], fields=path)]


def _item_transpose(t: Any, instr: Instr) -> None:
    path = tangent_fields(list_of(instr.args[0].type), instr.attrs["fields"])
    if path is not None:
        t.update(instr.args[0], add_item, (t.cotangent(instr.outs[0]), *instr.args[1:]), (), fields=path, reassoc=True)


item = define(
    Op(
        "item",
        "What is at a path: item s, indices. The indices are in range.",
        _item_types,
        _item_ref,
        lower="item",
        cost=2,
        jvp=_item_jvp,
        transpose=_item_transpose,
        samples=lambda rng: [],
        rejects=(((List((Scalar(F64),)), Scalar(I64)), {"fields": (1,)}, "E101"), ((List((Scalar(F64),)),), {"fields": ()}, "E101")),
        missing=_NO_SAMPLES,
    )
)


def _write_jvp(op: Op, linear: bool) -> Any:
    def jvp(b: Builder, instr: Instr, args: Sequence[Value], tangents: Sequence[Value | None], outs: Any) -> Sequence[Value | None]:
        path = tangent_fields(list_of(args[0].type), instr.attrs["fields"])
        ds = tangents[0] or zero_like(b, args[0])
        if path is None or (linear and tangents[1] is None):
            return [ds]
        return [b.emit1(op, ds, tangents[1] or zero_like(b, args[1]), *args[2:], **dict(instr.attrs, fields=path))]

    return jvp


def _put_transpose(t: Any, instr: Instr) -> None:
    """The cotangent of the new number is that at the place, which no longer reaches the old list."""
    path = tangent_fields(list_of(instr.args[0].type), instr.attrs["fields"])
    if path is not None:
        out, v = instr.outs[0], instr.args[1]
        t.accumulate(v, t.query(out, item, instr.args[2:], v.type, fields=path))
        t.update(out, put, (t.zero(v), *instr.args[2:]), (), fields=path)
    t.pass_on(instr.outs[0], instr.args[0])


put = define(
    Op(
        "put",
        "The list with one number replaced: put s, v, indices.",
        _put_types,
        lambda s, v, *i, attrs, regions: (changed(s, i, attrs["fields"], lambda _: v),),
        lower="put",
        consumes=(0,),
        cost=2,
        jvp=lambda *a: _write_jvp(put, False)(*a),
        transpose=_put_transpose,
        samples=lambda rng: [],
        rejects=(((List((Scalar(F64),)), Scalar(I64), Scalar(I64)), {"fields": (0,)}, "E101"),),
        missing=_NO_SAMPLES,
    )
)


def _sum(x: Any, y: Any) -> Any:
    """x + y, row by row."""
    if isinstance(x, list):
        return [tuple(map(_sum, a, b)) for a, b in zip(x, y, strict=True)]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return x + y


def _add_ref(s: Any, v: Any, *indices: Any, attrs: Attrs, regions: Any) -> tuple[Any]:
    return (changed(s, indices, attrs["fields"], lambda old: _sum(old, v)),)


def _add_transpose(t: Any, instr: Instr) -> None:
    path = tangent_fields(list_of(instr.args[0].type), instr.attrs["fields"])
    if path is not None:
        out, v = instr.outs[0], instr.args[1]
        t.accumulate(v, t.query(out, item, instr.args[2:], v.type, fields=path) if path else t.copy(out))
    t.pass_on(instr.outs[0], instr.args[0])


add_item = define(
    Op(
        "add_item",
        "The list with v added to what is at the path, element by element: add_item s, v, indices. Without a path, to all of it.",
        _add_types,
        _add_ref,
        lower="add_item",
        consumes=(0,),
        cost=3,
        jvp=lambda *a: _write_jvp(add_item, True)(*a),
        transpose=_add_transpose,
        samples=lambda rng: [],
        rejects=(((List((Scalar(F64),)), Scalar(I64), Scalar(I64)), {"fields": (0,)}, "E101"),),
        missing=_NO_SAMPLES,
    )
)


def _swap_ref(s: Any, v: Any, *indices: Any, attrs: Attrs, regions: Any) -> tuple[Any, Any]:
    return changed(s, indices, attrs["fields"], lambda _: v), inner(s, indices, attrs["fields"])


def _swap_jvp(b: Builder, instr: Instr, args: Sequence[Value], tangents: Sequence[Value | None], outs: Any) -> Sequence[Value | None]:
    path = tangent_fields(list_of(args[0].type), instr.attrs["fields"])
    ds = tangents[0] or zero_like(b, args[0])
    return [ds, None] if path is None else list(b.emit(swap, ds, tangents[1] or zero_like(b, args[1]), *args[2:], fields=path))


def _swap_transpose(t: Any, instr: Instr) -> None:
    """What comes out and what goes in change their roles."""
    path = tangent_fields(list_of(instr.args[0].type), instr.attrs["fields"])
    if path is not None:
        out, old = instr.outs
        (ct,) = t.update(out, swap, (t.cotangent(old), *instr.args[2:]), (instr.args[1].type,), fields=path)
        t.accumulate(instr.args[1], ct)
    t.pass_on(instr.outs[0], instr.args[0])


swap = define(
    Op(
        "swap",
        "The list with another array or list at the path, and what was there: swap s, v, indices.",
        _swap_types,
        _swap_ref,
        lower="swap",
        consumes=(0,),
        cost=10,
        jvp=_swap_jvp,
        transpose=_swap_transpose,
        samples=lambda rng: [],
        rejects=(((List((Scalar(F64),)), Scalar(F64), Scalar(I64)), {"fields": (0,)}, "E101"),),
        missing=_NO_SAMPLES,
    )
)


def _zeroed(rows: Any, items: Types) -> Any:
    """Zeros for rows of these columns."""

    def zero(v: Any, t: Type) -> Any:
        return _zeroed(v, t.items) if isinstance(t, List) else np.zeros_like(v)[()]

    return [tuple(zero(v, t) for v, t in zip(row, items, strict=True) if carries_derivative(t)) for row in rows]


def _like_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    if len(types) != 1 or list_of(types[0]).items != tuple(attrs["items"]):
        raise mismatch(f"zeros like {', '.join(map(str, types))}")
    return (tangent_list(list_of(types[0])),)


like_op = define(
    Op(
        "like",
        "Zeros in the structure of a list of {items}: as many rows, of the columns that have a derivative.",
        _like_types,
        lambda s, *, attrs, regions: (_zeroed(s, attrs["items"]),),
        lower="like",
        cost=50,
        samples=lambda rng: [],
        rejects=(((Scalar(F64),), {"items": ()}, "E101"),),
        missing={"derivative": "it is zero whatever the list holds", **_NO_SAMPLES},
    )
)


def like(b: Builder, s: Value) -> Value:
    return b.emit1(like_op, s, items=list_of(s.type).items)


# ---------------------------------------------------------------- lists of equal rows


def flat(t: List) -> bool:
    """Whether the rows of a list need no memory of their own."""
    return not any(isinstance(i, List) or any(not isinstance(d, int) for d in shape_of(i)) for i in t.items)


def _repeat_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    i64_operands(types[:1], "the number of rows")
    out = List(tuple(attrs["items"]))
    if not types or not flat(out) or len(types) - 1 != len(out.items) or not all(map(assignable, types[1:], out.items)):
        raise mismatch(f"rows of {', '.join(map(str, types[1:]))} are no {out}")
    return (out,)


def _repeat_jvp(b: Builder, instr: Instr, args: Sequence[Value], tangents: Sequence[Value | None], outs: Any) -> Sequence[Value | None]:
    row = [dv or zero_like(b, v) for v, dv in zip(args[1:], tangents[1:], strict=True) if carries_derivative(v.type)]
    return [b.emit1(repeat, args[0], *row, items=tangent_list(List(tuple(instr.attrs["items"]))).items)]


def _repeat_transpose(t: Any, instr: Instr) -> None:
    """Each value receives the sum over all rows."""
    kept = [v for v in instr.args[1:] if carries_derivative(v.type)]
    for f, v in enumerate(kept):
        t.accumulate(v, t.column_sum(instr.outs[0], f, v.type))


repeat = define(
    Op(
        "repeat",
        "A list of n equal rows of {items}: repeat n, values. No row if n is negative.",
        _repeat_types,
        lambda n, *v, attrs, regions: ([tuple(v)] * int(n),),
        lower="repeat",
        cost=50,
        jvp=_repeat_jvp,
        transpose=_repeat_transpose,
        samples=lambda rng: [],
        rejects=(((Scalar(F64),), {"items": ()}, "E101"),),
        missing=_NO_SAMPLES,
    )
)


def zero_rows(b: Builder, t: List, n: Value) -> Value:
    """n rows of zeros of a flat list."""
    row = [constant(b, 0, i.dtype) if isinstance(i, Scalar) else zeros(b, element(i), shape_of(i), ()) for i in t.items]
    return b.emit1(repeat, n, *row, items=t.items)
