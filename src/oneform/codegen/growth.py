"""Lists that a loop pushes to once an iteration: room is made before, for many rows at a time, so that the loop itself has nothing in it but stores."""

from __future__ import annotations

from oneform.codegen.emit import Emitter, Lst
from oneform.ir import Instr, Value, free_values
from oneform.layout import layout
from oneform.types import List

PIECE = 4096  # rows for which room is made at a time: a loop that ends by an error has not asked for memory without end
FIRST_ROOM = 32  # rows of a list that has had none


def growing(i: Instr) -> dict[int, Instr]:
    """The carried lists of a `for` that grow by one row in each iteration and are not looked at, each with the push."""
    body = i.regions[0]
    found: dict[int, Instr] = {}
    for k, (p, r) in enumerate(zip(body.params[1:], body.results, strict=True)):
        if not isinstance(p.type, List) or p in body.results or body.results.count(r) != 1:
            continue
        readers = [j for j in body.body if _reads(j, p)]
        push = readers[0] if len(readers) == 1 else None
        if push is not None and push.op.lower == "push" and not push.attrs.get("fields") and push.outs[0] is r and not any(_reads(j, r) for j in body.body):
            found[k] = push
    return found


def _reads(i: Instr, v: Value) -> bool:
    return v in i.args or any(v in free_values(region) for region in i.regions)


def make_room(em: Emitter, s: Lst, count: str) -> Lst:
    """The list with room for this many more rows."""
    em.use("grow")
    end = em.ins(f"add nsw i64 {s.top}, {count}")  # a loop may be asked for less than no iterations
    full, grow, done, before = em.ins(f"icmp sgt i64 {end}, {s.cap}"), em.fresh("grow"), em.fresh("room"), em.label
    em.do(f"br i1 {full}, label %{grow}, label %{done}, !prof !1")
    em.begin(grow)
    double = em.ins(f"call i64 @llvm.umax.i64(i64 {em.ins(f'shl nuw nsw i64 {s.cap}, 1')}, i64 {FIRST_ROOM})")
    more = em.ins(f"call i64 @llvm.umax.i64(i64 {double}, i64 {end})")
    if em.probe is not None:
        em.probe.asked(em, em.ins(f"sub i64 {more}, {s.cap}"), layout(s.type)[1])
    larger = em.ins(f"call ptr @of.grow(ptr %ctx, ptr {s.ptr}, i64 {s.cap}, i64 {more}, i64 {layout(s.type)[1]})")
    em.need(larger)
    after = em.label
    em.jump(done)
    em.begin(done)
    ptr = em.ins(f"phi ptr [{s.ptr}, %{before}], [{larger}, %{after}]")
    return Lst(s.type, ptr, s.top, em.ins(f"phi i64 [{s.cap}, %{before}], [{more}, %{after}]"))
