"""For each op in the table, its properties. Adding an op adds its tests; there is no list to extend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oneform.errors import CompileError
from oneform.ir import Block, Builder, Function, Op, interpret, parse, show, verify
from oneform.ops import OPS
from oneform.optimise import optimise, prepare
from oneform.transforms import jvp, vjp
from oneform.types import BY_NUMPY, Array, Dim, Type, differentiable, shape_of, with_shape
from tests.codegen.driver import Compiled

CASES = [
    pytest.param(op, args, attrs, symbolic, id=f"{op.name}-{k}{'-symbolic' if symbolic else ''}")
    for op in OPS.values()
    for k, (args, attrs) in enumerate(op.samples(np.random.default_rng(0)) if op.samples else [])
    for symbolic in ((False, True) if any(np.ndim(a) for a in args) else (False,))
]
every_sample = pytest.mark.parametrize(("op", "args", "attrs", "symbolic"), CASES)


def type_of(value: Any, symbolic: bool, prefix: str = "") -> Type:
    """The type of an argument; if symbolic, equal lengths share a symbol and only lengths of 1 stay numbers."""
    value = np.asarray(value)
    shape: tuple[Dim, ...] = tuple(f"{prefix}n{d}" if symbolic and d != 1 else d for d in value.shape)
    return with_shape(BY_NUMPY[value.dtype], shape)


def program(op: Op, args: Any, attrs: Any, symbolic: bool) -> Function:
    """The function that applies the op to its parameters."""
    b = Builder()
    results = b.emit(op, *(b.param(type_of(a, symbolic)) for a in args), **attrs)
    return verify(b.function(op.name, *results))


def close(actual: Any, expected: Any, tol: float = 1e-12) -> None:
    for a, e in zip(actual, expected, strict=True):
        assert np.asarray(a).dtype == np.asarray(e).dtype
        np.testing.assert_allclose(a, e, rtol=tol, atol=tol)


# ---------------------------------------------------------------- the record


@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
def test_the_record_is_complete(op: Op):
    """Each rule is there, or the record says why it is not, and not both."""
    assert op.doc.endswith(".")
    for rule, there in {
        "samples": bool(op.samples and op.samples(np.random.default_rng(0))),
        "derivative": op.partials is not None or op.jvp is not None or (op.lower is None and op.expand is not None),
    }.items():
        assert there != (rule in op.missing), f"{op.name}: {rule}"
    assert op.lower is not None or op.expand is not None, f"{op.name} can neither be lowered nor expanded"
    assert op.jvp is None or op.transpose is not None or op.expand is not None, f"{op.name} is linear but has no transpose"
    assert set(op.missing) <= {"derivative", "samples", "rejects"}


@pytest.mark.parametrize("op", [o for o in OPS.values() if o.expand is not None or o.partials is not None], ids=lambda o: o.name)
def test_what_is_expanded_comes_to_what_is_lowered(op: Op):
    """Every scalar form can be lowered; an array form can be expanded."""
    assert op.expand is not None
    if op.partials is not None:
        assert isinstance(op.lower, dict)


# ---------------------------------------------------------------- meaning


@every_sample
def test_types_foresee_the_results(op: Op, args: Any, attrs: Any, symbolic: bool):
    f = program(op, args, attrs, symbolic)
    results = interpret(f, *args)
    known = {d: n for a, p in zip(args, f.params, strict=True) for d, n in zip(shape_of(p.type), np.shape(a), strict=True)}
    for y, r in zip(results, f.results, strict=True):
        assert BY_NUMPY[np.asarray(y).dtype] == r.type.dtype
        assert isinstance(y, np.ndarray) == isinstance(r.type, Array), type(y)
        assert len(np.shape(y)) == len(shape_of(r.type))
        for d, n in zip(shape_of(r.type), np.shape(y), strict=True):
            assert known.setdefault(d, n) == n if isinstance(d, str) else d == n


@every_sample
def test_the_reference_is_pure(op: Op, args: Any, attrs: Any, symbolic: bool):
    """No reference writes to an operand."""
    before = [np.array(a, copy=True) for a in args]
    interpret(program(op, args, attrs, symbolic), *args)
    for a, b in zip(args, before, strict=True):
        np.testing.assert_array_equal(a, b)


@every_sample
def test_the_optimised_program_agrees(op: Op, args: Any, attrs: Any, symbolic: bool):
    f = program(op, args, attrs, symbolic)
    g = optimise(f, verified=True)
    assert not any(i.op.expand is not None and any(isinstance(v.type, Array) for v in (*i.args, *i.outs)) for i in walk(g.block))
    close(interpret(g, *args), interpret(f, *args))


@every_sample
def test_the_text_is_read_back(op: Op, args: Any, attrs: Any, symbolic: bool):
    f = program(op, args, attrs, symbolic)
    for g in (f, optimise(f)):
        again = verify(parse(show(g), OPS))
        assert show(again) == show(g)
        close(interpret(again, *args), interpret(g, *args))


def walk(block: Block) -> Any:
    for i in block.body:
        yield i
        for r in i.regions:
            yield from walk(r)


# ---------------------------------------------------------------- derivatives and machine code

def derivative_case(op: Op, f: Function) -> tuple[list[int], list[int]]:
    """The operands and results that have tangents."""
    if "derivative" in op.missing:
        pytest.skip(f"{op.name} has no derivative: {op.missing['derivative']}")
    wrt = [k for k, p in enumerate(f.params) if differentiable(p.type)]
    outs = [k for k, r in enumerate(f.results) if differentiable(r.type)]
    if not wrt or not outs:
        pytest.skip("integers have no derivative")
    return wrt, outs


def random_like(rng: np.random.Generator, value: Any) -> Any:
    """A direction: for complex numbers one of the plane."""
    shape = np.shape(value)
    out = np.asarray(rng.normal(size=shape))
    return (out + 1j * rng.normal(size=shape) if np.asarray(value).dtype.kind == "c" else out)[()]


def paired(cotangents: Any, tangents: Any) -> float:
    """How cotangents and tangents pair: Re(sum of c t)."""
    return float(sum(np.sum(c * t).real for c, t in zip(cotangents, tangents, strict=True)))


@every_sample
def test_jvp_agrees_with_differences(op: Op, args: Any, attrs: Any, symbolic: bool):
    f = program(op, args, attrs, symbolic)
    wrt, outs = derivative_case(op, f)
    if op.name == "stop_gradient":
        pytest.skip("its derivative is not that of its value, on purpose")
    rng, h = np.random.default_rng(1), 1e-6
    tangents = [random_like(rng, args[k]) for k in wrt]

    def at(s: float) -> list[Any]:
        moved = list(args)
        for k, t in zip(wrt, tangents, strict=True):
            moved[k] = args[k] + s * t
        results = interpret(f, *moved)
        return [results[k] for k in outs]

    numeric = [(up - down) / (2 * h) for up, down in zip(at(h), at(-h), strict=True)]
    for g in (jvp(prepare(f), wrt), optimise(jvp(prepare(f), wrt), verified=True)):
        results = interpret(verify(g), *args, *tangents)
        close(results[: len(f.results)], interpret(f, *args))
        close(results[len(f.results) :], numeric, 2e-6)


@every_sample
def test_vjp_is_the_transpose_of_jvp(op: Op, args: Any, attrs: Any, symbolic: bool):
    f = program(op, args, attrs, symbolic)
    wrt, outs = derivative_case(op, f)
    rng = np.random.default_rng(2)
    tangents = [random_like(rng, args[k]) for k in wrt]
    expected = interpret(jvp(prepare(f), wrt), *args, *tangents)[len(f.results) :]
    cotangents = [random_like(rng, y) for y in expected]
    for g in (vjp(prepare(f), wrt, outs), optimise(vjp(prepare(f), wrt, outs), verified=True)):
        pulled = interpret(verify(g), *args, *cotangents)[len(f.results) :]
        forward, backward = paired(cotangents, expected), paired(pulled, tangents)
        np.testing.assert_allclose(backward, forward, rtol=1e-10, atol=1e-10)


IN_THE_PLANE = [c for c in CASES if any(np.asarray(a).dtype.kind == "c" for a in c.values[1]) and not c.values[3]]


@pytest.mark.parametrize(("op", "args", "attrs", "symbolic"), IN_THE_PLANE)
def test_second_derivatives_of_complex_numbers(op: Op, args: Any, attrs: Any, symbolic: bool):
    """Forward over forward, and forward over reverse, against differences of the first derivative along another direction of the plane."""
    f = program(op, args, attrs, symbolic)
    wrt, outs = derivative_case(op, f)
    if op.name == "stop_gradient":
        pytest.skip("its derivative is not that of its value, on purpose")
    rng, h = np.random.default_rng(3), 1e-6
    tangents, moves = ([random_like(rng, args[k]) for k in wrt] for _ in range(2))
    cotangents = [random_like(rng, y) for y in interpret(f, *args)]
    for first, more in ((jvp(prepare(f), wrt), tangents), (vjp(prepare(f), wrt, outs), cotangents)):
        own = list(range(len(f.results), len(first.results)))

        def at(s: float, first: Function = first, more: list[Any] = more, own: list[int] = own) -> list[Any]:
            moved = list(args)
            for k, t in zip(wrt, moves, strict=True):
                moved[k] = args[k] + s * t
            results = interpret(first, *moved, *more)
            return [results[k] for k in own]

        numeric = [(up - down) / (2 * h) for up, down in zip(at(h), at(-h), strict=True)]
        second = interpret(verify(jvp(prepare(first), wrt)), *args, *more, *moves)
        close(second[len(second) - len(own) :], numeric, 5e-6)


@pytest.mark.parametrize("op", [o for o in OPS.values() if o.samples and o.samples(np.random.default_rng(0))], ids=lambda o: o.name)
def test_compiled_code_agrees(op: Op):
    """All samples of an op in one kernel, with static and with symbolic shapes, since each compilation costs more than running them."""
    b = Builder()
    args: list[Any] = []
    results: list[Any] = []
    for k, (sample, attrs) in enumerate(op.samples(np.random.default_rng(0)) if op.samples else []):
        for symbolic in (False, True):
            params = [b.param(type_of(a, symbolic, f"s{k}.")) for a in sample]
            results += b.emit(op, *params, **attrs)
            args += sample
    f = verify(b.function(op.name, *results))
    close(Compiled(optimise(f, verified=True))(*args), interpret(f, *args), 1e-13)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(("op", "types", "attrs", "code"), [(o, *r) for o in OPS.values() for r in o.rejects], ids=lambda v: getattr(v, "name", None))
def test_wrong_operands_are_refused(op: Op, types: Any, attrs: Any, code: str):
    b = Builder()
    index = [b.param(with_shape(BY_NUMPY[np.dtype(np.int64)], ()))]
    regions = tuple(Block(tuple(index), (), ()) for _ in range({"if": 2, "while": 2, "for": 1, "build": 1}.get(op.structure, 0)))
    if op.structure == "if":
        regions = tuple(Block((), (), ()) for _ in regions)
    with pytest.raises(CompileError) as e:
        op.types(types, attrs, regions)
    assert e.value.code == code
