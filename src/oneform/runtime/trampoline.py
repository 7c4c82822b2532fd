"""LLVM text of the entries through which Python calls a kernel: read the objects, call, box the results.

Three functions surround the kernel:

    of.py.enter(self, args, nargs, kwnames)        the vectorcall of the object that users hold: jumps to its first link
    of.py.try(link, args, nargs, kwnames)          one specialisation; what does not fit goes to the next link, at last to Python
    of.py.call(link, leaves)                       checks and unpacks leaves, runs the kernel, boxes; MISMATCH if a leaf does not fit

A link is a table in memory, one per callable and specialisation (see LINK); every address that another process would
place elsewhere is read from it, so that the object code can be kept on disk.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oneform.runtime import abi
from oneform.runtime.containers import Held, Pool, build, constants, pool_size, take_apart, widest
from oneform.runtime.reader import reader
from oneform.runtime.text import LINK, SELF_LINK, Names, Text
from oneform.runtime.vectors import SUPPORT
from oneform.tree import Leaf, Tree, unflatten
from oneform.types import ANY, DTYPES, Array, Dim, DType, Scalar, Type, element, real_dtype, shape_of

LLVM = {"bool": "i8", "i32": "i32", "i64": "i64", "f32": "float", "f64": "double"}  # a complex number is passed as its two parts

_DECLARATIONS = {
    "PyObject_Vectorcall": "ptr (ptr, ptr, i64, ptr)", "PyObject_CallFunction": "ptr (ptr, ptr, ...)", "PyObject_CallNoArgs": "ptr (ptr)",
    "PyObject_CallOneArg": "ptr (ptr, ptr)",
    "PyDict_New": "ptr ()", "PyDict_SetItem": "i32 (ptr, ptr, ptr)", "PyObject_GetAttr": "ptr (ptr, ptr)",
    "PyFloat_FromDouble": "ptr (double)", "PyComplex_FromDoubles": "ptr (double, double)", "PyLong_FromLongLong": "ptr (i64)", "PyBool_FromLong": "ptr (i64)",
    "PyLong_AsLongLongAndOverflow": "i64 (ptr, ptr)", "PyTuple_New": "ptr (i64)", "PyList_New": "ptr (i64)", "PyDict_GetItemWithError": "ptr (ptr, ptr)",
    "PyEval_RestoreThread": "void (ptr)", "PyErr_Occurred": "ptr ()", "Py_IncRef": "void (ptr)", "Py_DecRef": "void (ptr)", "free": "void (ptr)",
    "PyObject_GenericGetDict": "ptr (ptr, ptr)", "PyDict_Size": "i64 (ptr)", "PyUnicode_Compare": "i32 (ptr, ptr)", "PyLong_AsDouble": "double (ptr)",
    "PyErr_Clear": "void ()", "realloc": "ptr (ptr, i64)", "calloc": "ptr (i64, i64)",
}


@dataclass(frozen=True)
class Shape:
    """What a trampoline depends on."""

    args: tuple[Tree, ...]
    kwargs: tuple[tuple[str, Tree], ...]
    leaves: tuple[Leaf, ...]  # as the program declares its parameters, captures last
    captures: tuple[str, ...]  # how each capture is found: cell, dict or call
    result: Tree
    results: tuple[Type, ...]
    writes: tuple[int, ...]
    rebuilt: Tree | None = None  # the structure of the result, where Python must build it: `result` is then a tuple of the leaves
    updates: tuple[Any, ...] = ()  # what becomes of objects that were given: the leaves for it come behind those of the result
    by_python: bool = False  # the arguments are taken apart by Python only
    apart: tuple[int, ...] = ()  # arrays that must not share memory with others, though they are not written to
    seeds: tuple[int, ...] = ()  # but with these they may
    watched: tuple[tuple[int, Any], ...] = ()  # the same of objects: updates that are not made, and in how many tuples the arguments are
    numbers: tuple[int, ...] = ()  # leaves that must not be arrays without axes, since the program would change them in place

    @property
    def arguments(self) -> tuple[Tree, ...]:
        """The structures of all arguments, those given by keyword last, where entries take them apart."""
        if self.by_python:
            return ()
        return (*self.args, *(t for _, t in self.kwargs))

    def rebuild(self, leaves: Sequence[Any]) -> Any:
        """The result around its leaves, where that is for Python to do."""
        assert self.rebuilt is not None
        return unflatten(self.rebuilt, iter(leaves))

    def constants(self) -> list[Any]:
        """The objects that entries refer to, in the order in which they are named: see containers.py."""
        of_arguments = [c for t in self.arguments for c in constants(t)]
        return [*(sys.intern(k) for k, _ in self.kwargs), *of_arguments, *constants(self.result)]

    def first_constant(self, result: bool = False) -> int:
        """Offset in the link of the first constant (of those that the result needs)."""
        before = len(self.kwargs) + sum(len(constants(t)) for t in self.arguments) if result else 0
        return LINK["captures"] + 16 * len(self.captures) + 8 * before


def kernel_signature(leaves: Sequence[Leaf]) -> tuple[str, ...]:
    """LLVM types of the kernel's parameters between context and results."""
    out: list[str] = []
    for leaf in leaves:
        t = leaf.type
        out += _registers(t.dtype) if isinstance(t, Scalar) else ["ptr", *["i64"] * sum(not isinstance(n, int) for n in shape_of(t))]
    return tuple(out)


def _registers(d: DType) -> list[str]:
    """The LLVM types in which a number is passed."""
    return [LLVM[real_dtype(d).name]] * (2 if d.kind == "c" else 1)


def out_slots(results: Sequence[Type]) -> list[int]:
    """The first 8-byte slot of each result, and the total at the end."""
    starts = [0]
    for t in results:
        starts.append(starts[-1] + (1 + t.rank if isinstance(t, Array) else max(1, element(t).bits // 64)))
    return starts


def emit(shape: Shape, kernel: str = "of.kernel") -> str:
    """The entries around `kernel`, as LLVM text to be appended to the module that defines it."""
    held = Held(shape.leaves, reader)
    parts = [_call(shape, kernel), _flat_entry(shape), _try(shape, held), _ENTER, *held.readers]
    if held.readers:
        parts.append(SUPPORT)
    if held.readers or any(isinstance(t, Array) for t in shape.results):
        parts.append(_BOX_ARRAY)
    body = "\n".join(parts)
    return declarations(body) + body + '\n!91000 = !{!"branch_weights", i32 2000, i32 1}\n'


def declarations(text: str) -> str:
    """The C functions that the text calls."""
    used = [(name, *signature.split(" ", 1)) for name, signature in _DECLARATIONS.items() if f"@{name}(" in text]
    return "".join(f"declare {result} @{name}{args}\n" for name, result, args in used)


# ---------------------------------------------------------------- of.py.call


def _call(shape: Shape, kernel: str) -> str:
    t = Text()
    values, extents = _unpack(t, shape.leaves, shape.writes, shape.apart)
    _check_overlap(t, (*shape.writes, *shape.apart), {k: e for k, e in extents.items() if k not in shape.seeds})
    slots = out_slots(shape.results)
    t.do(f"call void @llvm.memset.p0.i64(ptr align 16 %ctx, i8 0, i64 {abi.ZEROED}, i1 false)")
    params = "".join(f", {v}" for v in values)
    code = t.let(f"call i32 @{kernel}(ptr %ctx{params}, ptr %out)")
    saved = t.load("ptr", "%ctx", 40)
    t.do(f"br i1 {t.let(f'icmp eq ptr {saved}, null')}, label %held, label %restore, !prof !91000")
    t.label("restore")
    t.do(f"call void @PyEval_RestoreThread(ptr {saved})")
    t.do("br label %held")
    t.label("held")
    t.check(t.let(f"icmp eq i32 {code}, 0"), "error")
    _box(t, shape, slots)
    t.label("error")
    t.do(f"br i1 {t.let(f'icmp slt i32 {code}, 0')}, label %set, label %raise")
    t.label("raise")
    details = ", ".join(f"i64 {t.load('i64', '%ctx', 8 + 8 * k)}" for k in range(4))
    raiser = t.load("ptr", "%link", LINK["raiser"])
    t.do(f"ret ptr {t.let(f'call ptr (ptr, ptr, ...) @PyObject_CallFunction(ptr {raiser}, ptr @of.py.format, i32 {code}, {details})')}")
    t.label("set")
    t.do("ret ptr null")
    t.label("mismatch")
    t.do("ret ptr inttoptr (i64 1 to ptr)")
    head = [
        '@of.py.format = private constant [6 x i8] c"iLLLL\\00"',
        "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)",
        "define internal ptr @of.py.call(ptr %link, ptr %leaves) {", "entry:", f"  %ctx = alloca [{abi.CONTEXT} x i8], align 16",
        f"  %out = alloca [{max(1, slots[-1])} x i64], align 16", f"  %objects = alloca [{pool_size(shape.result)} x ptr], align 16",
        f"  %items = alloca [{widest(shape.result)} x ptr], align 16",
        "  %overflow = alloca i32",
        f"  %apip = getelementptr i8, ptr %link, i64 {LINK['api']}", "  %api = load ptr, ptr %apip",
    ]
    return "\n".join([*head, *t.lines, "}"])


def _unpack(t: Text, leaves: Sequence[Leaf], writes: Sequence[int], apart: Sequence[int]) -> tuple[list[str], dict[int, tuple[str, str]]]:
    """Kernel arguments from leaves; for arrays also first and last address."""
    values: list[str] = []
    extents: dict[int, tuple[str, str]] = {}
    lengths: dict[Dim, str] = {}  # of symbols met so far: one symbol is one length
    for k, declared in enumerate(leaves):
        leaf = t.load("ptr", "%leaves", 8 * k)
        dtype = element(declared.type).name
        if isinstance(declared.type, Scalar):
            values += [f"{kind} {x}" for kind, x in zip(_registers(declared.type.dtype), _unpack_number(t, leaf, dtype, declared.weak), strict=True)]
            continue
        dims = _check_array(t, leaf, dtype, shape_of(declared.type), k in writes, lengths)
        data = t.load("ptr", leaf, abi.ARRAY_DATA)
        values.append(f"ptr {data}")
        values += [f"i64 {d}" for d in dims if d.startswith("%")]
        if writes or apart:
            size = str(element(declared.type).bits // 8)
            for d in dims:
                size = t.let(f"mul i64 {size}, {d}")
            extents[k] = (data, t.let(f"getelementptr i8, ptr {data}, i64 {size}"))
    return values, extents


def _unpack_number(t: Text, leaf: str, dtype: str, weak: bool) -> list[str]:
    """The value of a Python number (weak) or NumPy scalar; of a complex one, its parts."""
    d = DTYPES[dtype]
    if not weak or d.kind == "c":
        t.check_type(leaf, "complex" if weak else f"s.{dtype}", "mismatch")
        start = abi.COMPLEX_VALUE if weak else abi.SCALAR_VALUE
        return [t.load(kind, leaf, start + k * real_dtype(d).bits // 8) for k, kind in enumerate(_registers(d))]
    t.check_type(leaf, {"f64": "float", "i64": "int", "bool": "bool"}[dtype], "mismatch")
    if dtype == "f64":
        return [t.load("double", leaf, abi.FLOAT_VALUE)]
    if dtype == "bool":
        return [t.let(f"zext i1 {t.let(f'icmp eq ptr {leaf}, ' + t.api('True'))} to i8")]
    value = t.let(f"call i64 @PyLong_AsLongLongAndOverflow(ptr {leaf}, ptr %overflow)")
    t.check(t.let(f"icmp eq i32 {t.load('i32', '%overflow')}, 0"), "mismatch")
    return [value]


def _check_array(t: Text, leaf: str, dtype: str, shape: Sequence[Dim], written: bool, known: dict[Dim, str]) -> list[str]:
    """Exact ndarray, element type, rank, flags, lengths that are static or met before. Returns all lengths."""
    t.check_type(leaf, "ndarray", "mismatch")
    descr = t.let(f"icmp eq ptr {t.load('ptr', leaf, abi.ARRAY_DESCR)}, {t.api(f'd.{dtype}')}")
    rank = t.let(f"icmp eq i32 {t.load('i32', leaf, abi.ARRAY_NDIM)}, {len(shape)}")
    wanted = abi.CONTIGUOUS | abi.ALIGNED | (abi.WRITEABLE if written else 0)
    masked = t.let(f"and i32 {t.load('i32', leaf, abi.ARRAY_FLAGS)}, {wanted}")
    flags = t.let(f"icmp eq i32 {masked}, {wanted}")
    t.check(t.let(f"and i1 {t.let(f'and i1 {descr}, {rank}')}, {flags}"), "mismatch")
    lengths = t.load("ptr", leaf, abi.ARRAY_DIMS)
    dims: list[str] = []
    for axis, n in enumerate(shape):
        length = t.load("i64", lengths, 8 * axis)
        wanted_length = n if isinstance(n, int) else known.get(n)
        if wanted_length is not None:
            t.check(t.let(f"icmp eq i64 {length}, {wanted_length}"), "mismatch")
        elif n != ANY:
            known[n] = length
        dims.append(str(n) if isinstance(n, int) else length)
    return dims


def _check_overlap(t: Text, writes: Sequence[int], extents: dict[int, tuple[str, str]]) -> None:
    """A written array that overlaps another goes to the slow path, which refuses it by name."""
    for w in writes:
        for k, (start, end) in extents.items():
            if k == w or (k in writes and k < w):
                continue
            before = t.let(f"icmp ule ptr {end}, {extents[w][0]}")
            after = t.let(f"icmp ule ptr {extents[w][1]}, {start}")
            t.check(t.let(f"or i1 {before}, {after}"), "mismatch")


# ---------------------------------------------------------------- boxing


def _box(t: Text, shape: Shape, slots: list[int]) -> None:
    """Results as Python objects, then the containers around them. On failure whatever exists is released."""
    pool = Pool(t, len(shape.results), shape.result)
    for k, r in enumerate(shape.results):
        slot = t.at("%out", 8 * slots[k])
        if isinstance(r, Array):
            data = t.load("ptr", slot)
            t.do(f"store ptr null, ptr {slot}")
            obj = t.let(f"call ptr @of.py.box(ptr %api, ptr {t.api(f'd.{r.dtype}')}, i32 {r.rank}, ptr {t.at(slot, 8)}, ptr {data})")
        else:
            assert isinstance(r, Scalar)
            obj = _box_number(t, slot, r.dtype.name)
        pool.put(k, obj)
        t.check(t.let(f"icmp ne ptr {obj}, null"), "failed")
    t.do(f"ret ptr {pool.take(build(t, shape.result, pool, Names(shape.first_constant(result=True))))}")
    t.label("failed")
    pool.drop()
    for k, r in enumerate(shape.results):
        if isinstance(r, Array):
            t.do(f"call void @free(ptr {t.load('ptr', '%out', 8 * slots[k])})")
    t.do("ret ptr null")


def _box_number(t: Text, slot: str, dtype: str) -> str:
    if dtype == "f64":
        return t.let(f"call ptr @PyFloat_FromDouble(double {t.load('double', slot)})")
    if dtype == "c128":
        return t.let(f"call ptr @PyComplex_FromDoubles(double {t.load('double', slot)}, double {t.load('double', slot, 8)})")
    if dtype == "i64":
        return t.let(f"call ptr @PyLong_FromLongLong(i64 {t.load('i64', slot)})")
    if dtype == "bool":
        return t.let(f"call ptr @PyBool_FromLong(i64 {t.let('zext i8 ' + t.load('i8', slot) + ' to i64')})")
    return t.let(f"call ptr {t.api('PyArray_Scalar')}(ptr {slot}, ptr {t.api(f'd.{dtype}')}, ptr null)")


# A new array over the kernel's memory. NumPy frees what it owns by free(), which is how the kernel allocated it.
_BOX_ARRAY = f"""
define internal ptr @of.py.box(ptr %api, ptr %descr, i32 %rank, ptr %dims, ptr %data) noinline {{
entry:
  %pn = getelementptr i8, ptr %api, i64 {abi.slot("PyArray_NewFromDescr")}
  %new = load ptr, ptr %pn
  %pt = getelementptr i8, ptr %api, i64 {abi.slot("ndarray")}
  %type = load ptr, ptr %pt
  call void @Py_IncRef(ptr %descr)
  %array = call ptr %new(ptr %type, ptr %descr, i32 %rank, ptr %dims, ptr null, ptr %data, i32 {abi.CONTIGUOUS | abi.ALIGNED | abi.WRITEABLE}, ptr null)
  %bad = icmp eq ptr %array, null
  br i1 %bad, label %failed, label %made
made:
  %none = icmp eq ptr %data, null
  br i1 %none, label %done, label %own
own:
  %pf = getelementptr i8, ptr %array, i64 {abi.ARRAY_FLAGS}
  %flags = load i32, ptr %pf
  %owned = or i32 %flags, {abi.OWNDATA}
  store i32 %owned, ptr %pf
  %ph = getelementptr i8, ptr %api, i64 {abi.slot("handler")}
  %handler = load ptr, ptr %ph
  %unknown = icmp eq ptr %handler, null
  br i1 %unknown, label %done, label %handle
handle:
  call void @Py_IncRef(ptr %handler)
  %pm = getelementptr i8, ptr %array, i64 {abi.ARRAY_HANDLER}
  store ptr %handler, ptr %pm
  br label %done
done:
  ret ptr %array
failed:
  call void @free(ptr %data)
  ret ptr null
}}
"""

# ---------------------------------------------------------------- entries

_ENTER = f"""
define ptr @of.py.enter(ptr %self, ptr %args, i64 %nargs, ptr %kwnames) {{
entry:
  %pl = getelementptr i8, ptr %self, i64 {SELF_LINK}
  %link = load ptr, ptr %pl
  %try = load ptr, ptr %link
  %r = tail call ptr %try(ptr %link, ptr %args, i64 %nargs, ptr %kwnames)
  ret ptr %r
}}
define internal void @of.py.drop(ptr %object) {{
entry:
  %none = icmp eq ptr %object, null
  br i1 %none, label %done, label %release
release:
  call void @Py_DecRef(ptr %object)
  br label %done
done:
  ret void
}}
"""


def _flat_entry(shape: Shape) -> str:
    """The vectorcall of a specialisation's own callable, which takes leaves and captures as arguments, already converted."""
    t = Text()
    count = t.let("and i64 %nargs, 9223372036854775807")
    t.check(t.let(f"icmp eq i64 {count}, {len(shape.leaves)}"), "mismatch")
    result = t.let("call ptr @of.py.call(ptr %link, ptr %args)")
    t.check(t.let(f"icmp ne ptr {result}, inttoptr (i64 1 to ptr)"), "mismatch")
    t.do(f"ret ptr {result}")
    t.label("mismatch")
    slow = t.load("ptr", "%link", LINK["slow"])
    t.do(f"ret ptr {t.let(f'call ptr @PyObject_Vectorcall(ptr {slow}, ptr %args, i64 %nargs, ptr %kwnames)')}")
    head = [
        "define ptr @of.py.flat(ptr %self, ptr %args, i64 %nargs, ptr %kwnames) {", "entry:",
        f"  %pl = getelementptr i8, ptr %self, i64 {SELF_LINK}", "  %link = load ptr, ptr %pl",
    ]
    return "\n".join([*head, *t.lines, "}"])


def _try(shape: Shape, held: Held) -> str:
    t = Text()
    count = t.let("and i64 %nargs, 9223372036854775807")
    t.check(t.let(f"icmp eq i64 {count}, {len(shape.args)}"), "next")
    constants_at = Names(shape.first_constant())
    _check_names(t, len(shape.kwargs), constants_at)
    leaves = "%args"
    if shape.captures or any(a.kind != "leaf" for a in shape.arguments):
        leaves = "%leaves"
        _gather(t, shape, held, constants_at)
    result = t.let(f"call ptr @of.py.call(ptr %link, ptr {leaves})")
    held.release(t)
    t.check(t.let(f"icmp ne ptr {result}, inttoptr (i64 1 to ptr)"), "next")
    if shape.rebuilt is not None:
        t.check(t.let(f"icmp ne ptr {result}, null"), "error")
        whole = t.let(f"call ptr @PyObject_CallOneArg(ptr {t.load('ptr', '%link', LINK['finish'])}, ptr {result})")
        t.do(f"call void @Py_DecRef(ptr {result})")
        t.do(f"ret ptr {whole}")
        t.label("error")
        t.do("ret ptr null")
    else:
        t.do(f"ret ptr {result}")
    held.unwind(t)
    _to_next(t)
    head = [
        "define ptr @of.py.try(ptr %link, ptr %args, i64 %nargs, ptr %kwnames) {", "entry:",
        f"  %leaves = alloca [{max(1, len(shape.leaves))} x ptr], align 16",
        f"  %held = alloca [{max(1, held.count)} x ptr], align 16", f"  %columns = alloca [{max(1, len(shape.leaves))} x ptr], align 16",
        f"  %apip = getelementptr i8, ptr %link, i64 {LINK['api']}", "  %api = load ptr, ptr %apip",
    ]
    return "\n".join([*head, *t.lines, "}"])


def _check_names(t: Text, count: int, names: Names) -> None:
    """Arguments by keyword: as many, and these. Names in calls are interned, so that comparing pointers suffices; others go to Python."""
    if count == 0:
        t.check(t.let("icmp eq ptr %kwnames, null"), "next")
        return
    t.check(t.let("icmp ne ptr %kwnames, null"), "next")
    t.check(t.let(f"icmp eq i64 {t.load('i64', '%kwnames', abi.OB_SIZE)}, {count}"), "next")
    for k in range(count):
        t.check(t.let(f"icmp eq ptr {t.load('ptr', '%kwnames', abi.TUPLE_ITEMS + 8 * k)}, {names.load(t)}"), "next")


def _to_next(t: Text) -> None:
    t.label("next")
    following = t.load("ptr", "%link", LINK["next"])
    t.do(f"br i1 {t.let(f'icmp eq ptr {following}, null')}, label %slow, label %again")
    t.label("again")
    code = t.load("ptr", following, LINK["try"])
    t.do(f"ret ptr {t.let(f'tail call ptr {code}(ptr {following}, ptr %args, i64 %nargs, ptr %kwnames)')}")
    t.label("slow")
    slow = t.load("ptr", "%link", LINK["slow"])
    t.do(f"ret ptr {t.let(f'call ptr @PyObject_Vectorcall(ptr {slow}, ptr %args, i64 %nargs, ptr %kwnames)')}")


def _gather(t: Text, shape: Shape, held: Held, names: Names) -> None:
    """All leaves side by side: those of the arguments, those inside containers, then the captures."""
    found: list[str] = []
    for k, tree in enumerate(shape.arguments):
        take_apart(t, tree, t.load("ptr", "%args", 8 * k), held, names, found)
    for k, kind in enumerate(shape.captures):
        obj = _capture(t, kind, LINK["captures"] + 16 * k, held)
        if kind == "call" or isinstance(shape.leaves[len(found)].type, Array):
            held.keep(t, obj, kind == "call")
        found.append(obj)
    for k, obj in enumerate(found):
        t.do(f"store ptr {obj}, ptr {t.at('%leaves', 8 * k)}")


def _capture(t: Text, kind: str, offset: int, held: Held) -> str:
    """A captured object as it is now: the content of a closure cell, an entry of a namespace, or what a Python function finds."""
    where = t.load("ptr", "%link", offset)
    if kind == "cell":
        obj = t.load("ptr", where, abi.CELL_VALUE)
    elif kind == "dict":
        obj = t.let(f"call ptr @PyDict_GetItemWithError(ptr {where}, ptr {t.load('ptr', '%link', offset + 8)})")
    else:
        obj = t.let(f"call ptr @PyObject_CallNoArgs(ptr {where})")
    t.check(t.let(f"icmp ne ptr {obj}, null"), held.fail())
    return obj
