"""Functions, closures, arguments, containers, captured values, source text."""

from __future__ import annotations

import functools
import math
import types
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import oneform as of
from oneform.errors import CompileError
from oneform.frontend.source import source_of
from tests.frontend.support import agree, lower, run

X = np.linspace(-1.0, 1.0, 30)


class Pair(NamedTuple):
    a: float
    b: float = 2.0

    def total(self):
        return self.a + self.b


@dataclass(frozen=True)
class Body:
    mass: float
    pos: Any
    name: str = "rock"

    @property
    def weight(self):
        return self.mass * 9.81

    def moved(self, d):
        return Body(self.mass, self.pos + d, self.name)

    @staticmethod
    def unit():
        return Body(1.0, 0.0)

    def __add__(self, other):
        return Body(self.mass + other.mass, self.pos)

    def __mul__(self, k):
        return Body(self.mass * k, self.pos)

    __rmul__ = __mul__


SCALE = 3.0
COUNT = 4
TABLE = np.arange(5.0)
WEIGHTS = {"w": np.array([1.0, 2.0]), "b": 0.5}
LAYERS = ((2.0, 1.0), (0.5, -1.0))
MODE = "fast"


def square(x):
    return x * x


def helper_default(x, k=2, *, shift=1.0):
    return x**k + shift


def defaults(x):
    return helper_default(x) + helper_default(x, 3) + helper_default(x, shift=2.0) + helper_default(k=1, x=x)


def closures(x, y):
    def scale(v):
        return v * y

    f = lambda v, k=x: scale(v) + k  # noqa: E731
    y = y + 1.0
    return f(x) + f(2.0, 3.0)


def counter(n):
    total = 0

    def bump(k):
        nonlocal total
        total += k

    for i in range(n):
        bump(i)
        if i > 2:
            bump(1)
    return total


def make_adder(k):
    def add(x):
        return x + k

    return add


def factories(x):
    f, g = make_adder(x), make_adder(2.0 * x)
    return f(1.0) * g(1.0) + make_adder(x)(x)


def apply(f, x, n=1):
    for _ in range(n):
        x = f(x)
    return x


def higher_order(x):
    return apply(square, x, 2) + apply(lambda v: apply(lambda u: u + v, v), x) + apply(math.sin, x) + apply(np.cos, x, n=3)


def lambdas_on_a_line(x):
    f, g, h = (lambda v: v + 1.0), (lambda v: v * 2.0), (lambda v: (lambda u: u - v)(3.0))
    return f(x), g(x), h(x)


def var_args(*args, **kwargs):
    s = 0.0
    for a in args:
        s = s * 2.0 + a
    for k, v in kwargs.items():
        s += v if k != "skip" else 0.0
    return s + len(args)


def star_calls(x, y):
    t = (x, y)
    d = {"p": x, "skip": y}
    return var_args(*t, 1.0, q=y) + var_args(**d) + var_args(*t, *t)


def partials(x):
    f = functools.partial(helper_default, k=3)
    return f(x) + PARTIAL(x)


PARTIAL = functools.partial(helper_default, shift=5.0)


def named_tuples(x):
    p = Pair(x)
    q = Pair(b=x, a=p.b)
    a, b = q
    return p.total() + q[0] * a - b, q, p


def records(x, n):
    r = Body(x, X[:3])
    r = r.moved(1.0)
    s = Body.unit()
    for _ in range(n):
        s = s + r * 0.5
    return r.weight, r.pos, s.mass, (2.0 * r).mass, r.name


def dicts(x):
    d = {"a": x, "b": {"c": x * 2.0}}
    e = {**d, "a": 5.0}
    return d["b"]["c"] + e["a"] + len(d) + sum(d[k] for k in ("a",)) + d.get("z", 1.0), d


def tuples(x):
    t = (x, 2.0) + (3.0,)
    u = t[1:] * 2
    (a, b), c = (x, 1.0), t[-1]
    return t, u, a + b + c, len(u), 3.0 in t, (1, 2) == (1, 2)


def tuple_in_loop(n):
    s = (0.0, 1)
    for i in range(n):
        s = (s[0] + s[1], s[1] * 2)
    return s


def record_in_loop(n):
    p = Pair(0.0, 1.0)
    for i in range(n):
        p = Pair(p.b, p.a + p.b) if i % 2 == 0 else Pair(p.a + 1.0, p.b)
    return p


def structure(x, bias=None, mode="slow"):
    y = x * 2.0
    if bias is not None:
        y = y + bias
    if mode == "fast":
        y = y * 10.0
    return y + (1.0 if isinstance(x, float) else 0.0)


def captured(x):
    return x * SCALE + COUNT + TABLE[2] + WEIGHTS["w"][1] * WEIGHTS["b"] + np.pi + len(MODE)


def layers(x):
    for w, b in LAYERS:
        x = np.tanh(w * x + b)
    return x


def static_recursion(t, x):
    if isinstance(t, tuple):
        return static_recursion(t[0], x) + static_recursion(t[1], x)
    return t * x


def nested_functions_in_loops(x, n):
    s = 0.0
    for i in range(n):

        def f(v):
            return v * i

        s += f(x)
    return s


def helper_with_loop(x, n):
    def grow(v, k):
        for _ in range(k):
            v = v * 1.5
            if v > 100.0:
                return v
        return -v

    return grow(x, n) + grow(x, 2)


def helper_with_while(x):
    def root(a):
        r = a
        while abs(r * r - a) > 1e-10:
            r = 0.5 * (r + a / r)
        return r

    return root(x) + root(x + 1.0)


def imports(x):
    import math as m
    from math import sqrt

    return m.exp(x) + sqrt(x)


def annotated(x: float) -> float:
    y: float = x * 2.0
    z: int
    z = 3
    return y * z


def nothing_returned(x):
    x[0] = 1.0


def returns_structure(x):
    return {"a": x, "n": None, "s": "text", "l": [x, (x, 1)]}


CASES: list[tuple[Any, ...]] = [
    (defaults, 1.5), (closures, 1.5, 2.5), (counter, 6), (factories, 1.5), (higher_order, 0.7), (lambdas_on_a_line, 1.5), (star_calls, 1.5, 2.5), (partials, 1.5), (named_tuples, 1.5), (records, 2.0, 3),
    (dicts, 1.5), (tuples, 1.5), (tuple_in_loop, 4), (record_in_loop, 5), (structure, 1.5), (structure, 1.5, 2.0), (structure, 1.5, 2.0, "fast"), (structure, X), (captured, 1.5), (layers, 0.5), (layers, X),
    (static_recursion, (1.0, (2.0, 3.0)), 0.5), (nested_functions_in_loops, 1.5, 4), (helper_with_loop, 2.0, 3), (helper_with_loop, 50.0, 9), (helper_with_while, 2.0), (imports, 2.0), (annotated, 2.0),
    (nothing_returned, X), (returns_structure, 1.5), (named_tuples, 2.5), (lambda p: p.a * p.b, Pair(2.0, 3.0)), (lambda d: d["x"] + sum(d["y"]), {"x": 1.0, "y": [1.0, 2.0]}), (lambda b: b.weight + b.pos[0], Body(2.0, X)),
    (lambda x, *, k: x * k + 0.0, 2.0), (lambda: 3.0 + COUNT,),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_functions(case: tuple[Any, ...]) -> None:
    agree(*case, **({"k": 3.0} if case[0].__code__.co_kwonlyargcount else {}))


def test_globals_are_read_at_each_call() -> None:
    def f(x):
        return x * SCALE + SCALE

    lowered, _ = lower(f, 1.0)
    assert [c.name for c in lowered.captures] == ["SCALE"]
    (capture,) = lowered.captures
    assert capture.get() == SCALE and capture.leaf.weak
    globals()["SCALE"] = 5.0
    try:
        assert capture.get() == 5.0
    finally:
        globals()["SCALE"] = 3.0


def test_global_arrays_are_written() -> None:
    def f(x):
        TABLE[1] += x
        return TABLE[1] * 2.0

    lowered, _ = lower(f, 1.0)
    assert lowered.writes == (1,)
    assert [c.name for c in lowered.captures] == ["TABLE"]


def test_closures_over_python_values() -> None:
    k, table = 2.5, np.arange(40.0)
    g = square

    def f(x):
        return g(x) * k + table[3]

    agree(f, 1.5)
    lowered, _ = lower(f, 1.5)
    assert {c.name for c in lowered.captures} == {"k", "table"}
    held = [d.name for d in lowered.dependencies if d.holds()]
    assert "g" in held
    g = math.sin
    assert "g" not in [d.name for d in lowered.dependencies if d.holds()]


def test_methods_and_callables() -> None:
    class Model:
        def __init__(self, w):
            self.w = w

        def step(self, x):
            return x * self.w

        def __call__(self, x):
            return self.step(x) + 1.0

    m = Model(3.0)
    agree(lambda x: m.step(x) + m(x) + m.w, 2.0)
    agree(m.step, 2.0)
    lowered, _ = lower(m.step, 2.0)
    assert len(lowered.captures) == 1
    m.w = 4.0
    assert run(m.step, 2.0) == 8.0


def test_lambdas_are_found_by_position() -> None:
    fs = [lambda x: x + 1.0, lambda x: x + 2.0, lambda y: y + 3.0]; gs = (lambda x: x * (lambda z: z + x)(1.0), lambda x: (x, x))  # noqa: E702
    for f in (*fs, *gs):
        agree(f, 2.0)
    inner = (lambda k: lambda x: x * k)(3.0)
    agree(inner, 2.0)


def test_no_source() -> None:
    namespace: dict[str, Any] = {}
    exec("def f(x):\n    return x", namespace)
    with pytest.raises(CompileError) as e:
        lower(namespace["f"], 1.0)
    assert e.value.code == "E004"
    assert "put the function into a file" in str(e.value)


def test_changed_source(tmp_path: Any) -> None:
    path = tmp_path / "changed.py"
    path.write_text("def f(x):\n    return x\n")
    code = compile(path.read_text(), str(path), "exec")
    namespace: dict[str, Any] = {}
    exec(code, namespace)
    path.write_text("\n\n\ndef g(x):\n    return x\n")
    with pytest.raises(CompileError) as e:
        source_of(namespace["f"])
    assert e.value.code == "E004"


def test_columns_count_characters() -> None:
    def f(x):
        return "é" + x  # é

    with pytest.raises(CompileError) as e:
        lower(f, 1.0)
    loc = e.value.loc
    assert loc is not None
    assert loc.text[loc.column : loc.end_column] == '"é" + x'


def test_stop_gradient_is_recognised_by_its_attribute() -> None:
    def stop(x):
        raise AssertionError

    stop.__oneform_op__ = "stop_gradient"  # type: ignore[attr-defined]

    def f(x):
        return stop(x) * x

    lowered, _ = lower(f, 2.0)
    assert "stop_gradient" in [i.op.name for i in lowered.function.block.body]


class Compiled:
    """What api objects look like to the frontend."""

    def __init__(self, f: types.FunctionType):
        self.f = f

    def __oneform_function__(self, args: Any, kwargs: Any) -> Any:
        from oneform.frontend import trace

        return trace(self.f, args, kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.f(*args, **kwargs)


def test_compiled_functions_are_inlined() -> None:
    @Compiled
    def inner(a, s):
        a[0] = s
        b = np.zeros(len(a) + 1)
        for i in range(len(a)):
            b[i + 1] = b[i] + a[i] * SCALE
        return b[1:] * a, {"total": b[-1]}

    def f(x, y):
        u, d = inner(x, 2.0)
        v, e = inner(y, s=3.0)
        return u.sum() + v.sum() + d["total"] * e["total"] + x[0] + SCALE, u + x

    agree(f, X, np.linspace(0.0, 1.0, 20))
    agree(f, X, X[:3].copy())
    lowered, _ = lower(f, X, X * 2.0)
    assert len(lowered.captures) == 1


def test_functions_made_inside_a_loop_settle() -> None:
    """Lowering the body again makes each function anew; it is the same one all the same, and so is its derivative."""

    def walk(step, slope, x):
        while True:
            x = x - step(x) - 0.1 * slope(x)
            if x <= 1.0:
                break
        return x

    def mirrored(step, slope, x):
        return walk(lambda y: -step(y), lambda y: -slope(y), x)

    def inner(x):
        def square(y):
            return -0.1 * x * y * y

        return mirrored(square, of.grad(square), x)

    def f(x):
        return walk(inner, lambda y: 0.5 * y, x)

    agree(f, 3.0)
