"""A program at one set of arguments, with what the checks need: values under CPython, directions, a scalar loss, nested derivatives as source."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import oneform as of
from tests.differences import is_complex, is_float, leaves
from tests.programs.registry import PROGRAMS, Program, fresh
from tests.source import define

Directions = tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Point:
    program: Program
    case: int

    @property
    def fn(self) -> Callable[..., Any]:
        return self.program.fn

    def args(self) -> tuple[Any, ...]:
        return self.program.args(self.case)

    @property
    def wrt(self) -> tuple[int, ...]:
        return self.program.argnums(self.case)

    @functools.cached_property
    def seed(self) -> int:
        return sum(map(ord, self.program.name)) * 10 + self.case

    @functools.cached_property
    def eps(self) -> float:
        """The unit roundoff of the coarsest float among arguments and results."""
        floats = [np.asarray(a) for a in (*self.args(), *leaves(self.value[0])) if is_float(a)]
        return max(float(np.finfo(a.dtype).eps) for a in floats)

    @functools.cached_property
    def value(self) -> tuple[Any, tuple[Any, ...]]:
        """Under CPython: the result, and the arguments as the program leaves them."""
        args = self.args()
        with np.errstate(all="ignore"):
            return self.fn(*args), args

    def direction(self, k: int) -> Directions:
        """The k-th random direction: None for the arguments that stay."""
        rng = np.random.default_rng([self.seed, k])
        return tuple(_random_like(a, rng) if i in self.wrt else None for i, a in enumerate(self.args()))

    @staticmethod
    def tangents(args: Sequence[Any], direction: Directions) -> tuple[Any, ...]:
        """A direction as `jvp` takes it: zeros for the floats that stay, None for what has no derivative."""
        return tuple(d if d is not None else _zero(a) for a, d in zip(args, direction, strict=True))

    @property
    def arrays(self) -> bool:
        """Whether the program returns something else than one float."""
        result = self.value[0]
        return not isinstance(result, (float, np.floating))

    # ------------------------------------------------------------ one float out of any program

    @property
    def weights(self) -> tuple[Any, ...]:
        rng = np.random.default_rng([self.seed, 77])
        return tuple(_random_like(r, rng) for r in leaves(self.value[0]) if is_float(r)) if self.arrays else ()

    @property
    def loss(self) -> Callable[..., Any]:
        """The program itself if it returns a float, else a weighted sum of what it returns; the weights are further arguments."""
        return self.fn if not self.arrays else _weighted(self.program, self.value[0])

    def loss_args(self) -> tuple[Any, ...]:
        return (*self.args(), *map(fresh, self.weights))

    def loss_direction(self, k: int) -> Directions:
        return (*self.direction(k), *(None for _ in self.weights))

    def components(self, direction: Directions) -> tuple[Any, ...]:
        """The part of a direction that moves, as arguments of `derived`."""
        return tuple(direction[i] for i in self.wrt)

    def derived(self, modes: str) -> Callable[..., Any]:
        """A function with derivatives inside it, one for each letter, the outermost first: "F" the tangent along a direction, "R" the gradient
        against it. Takes loss_args, then the directions (their moving components), the innermost first."""
        args = self.loss_args()
        still = tuple(k for k, a in enumerate(args) if is_float(a) and k not in self.wrt)
        return _derived(self.program, len(args), self.wrt, still, self.loss, modes, tuple(is_complex(args[k]) for k in self.wrt))


def _random_like(a: Any, rng: np.random.Generator) -> Any:
    if is_complex(a):
        re, im = (rng.uniform(-1.0, 1.0, np.shape(a)) for _ in range(2))
        return (re + 1j * im).astype(a.dtype) if isinstance(a, np.ndarray) else type(a)(re + 1j * im)
    if isinstance(a, np.ndarray):
        return rng.uniform(-1.0, 1.0, a.shape).astype(a.dtype)
    number = float(rng.uniform(0.2, 1.0) * rng.choice([-1.0, 1.0]))
    return number if isinstance(a, float) and not isinstance(a, np.floating) else type(a)(number)


def _zero(a: Any) -> Any:
    return a * 0 if is_float(a) else None


def _names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{k}" for k in range(count)]


_losses: dict[tuple[str, str], Callable[..., Any]] = {}


def _weighted(program: Program, result: Any) -> Callable[..., Any]:
    """def loss(a0, ..., w0, ...): return the sum of w * r over the float leaves r of the program's result, of Re(w * r) where they are complex."""
    terms: list[str] = []
    count = 0

    def pattern(r: Any) -> str:
        nonlocal count
        if isinstance(r, tuple):
            return "(" + ", ".join(map(pattern, r)) + ",)"
        name = f"r{count}"
        count += 1
        if is_float(r):
            weight = f"w{len(terms)}"
            product = f"({weight} * {name}).real" if is_complex(r) else f"{weight} * {name}"
            terms.append(f"np.sum({product})" if isinstance(r, np.ndarray) else product)
        return name

    target = pattern(result)
    args = _names("a", len(program.cases[0]))
    text = f"def loss({', '.join([*args, *_names('w', len(terms))])}):\n    {target} = program({', '.join(args)})\n    return {' + '.join(terms)}\n"
    return _made(program, text, {"program": program.fn, "np": np}, "loss")


def _made(program: Program, text: str, names: dict[str, Any], result: str) -> Callable[..., Any]:
    key = (program.name, text)
    if key not in _losses:
        _losses[key] = define(f"# {program.name}\n{text}", names)[result]
    return _losses[key]


def _sum_of_products(names: Sequence[str], others: Sequence[str], plane: Sequence[bool]) -> str:
    """How gradients pair with directions: Re(sum of g v)."""
    return " + ".join(f"np.sum(({g} * {v}).real)" if c else f"np.sum({g} * {v})" for g, v, c in zip(names, others, plane, strict=True))


def _derived(
    program: Program, count: int, wrt: tuple[int, ...], still: tuple[int, ...], loss: Callable[..., Any], modes: str, plane: tuple[bool, ...]
) -> Callable[..., Any]:
    if not modes:
        return loss
    inner = _derived(program, count, wrt, still, loss, modes[1:], plane)
    args, g = _names("a", count), _names("g", len(wrt))
    *older, d = [_names(f"d{k}_", len(wrt)) for k in range(len(modes))]
    more = [name for names in older for name in names]
    given = ", ".join(args + more)
    if modes[0] == "R":
        names = {"np": np, "gradient": of.grad(inner, wrt[0] if len(wrt) == 1 else wrt)}
        text = f"def {modes}({given}, {', '.join(d)}):\n    {', '.join(g)} = gradient({given})\n    return {_sum_of_products(g, d, plane)}\n"
    else:
        names = {"of": of, "inner": inner}
        moved = [d[wrt.index(k)] if k in wrt else f"0.0 * a{k}" if k in still else "None" for k in range(count)]
        moved += [f"0.0 * {name}" for name in more]
        text = f"def {modes}({given}, {', '.join(d)}):\n    y, dy = of.jvp(inner, ({given},), ({', '.join(moved)},))\n    return dy\n"
    return _made(program, text, names, modes)


POINTS = [Point(p, k) for p in PROGRAMS.values() for k in range(len(p.cases))]


def pushforward(program: Program, names: Sequence[str], active: Sequence[bool]) -> Callable[..., Any]:
    """def pushforward(a0, ..., t0, ...): of.jvp inside a compiled function, which is how the interpreter gets to run it."""
    tangents = [f"t{n}" if on else "None" for n, on in zip(names, active, strict=True)]
    params = [*names, *(t for t in tangents if t != "None")]
    text = f"def pushforward({', '.join(params)}):\n    return of.jvp(program, ({', '.join(names)},), ({', '.join(tangents)},))\n"
    return _made(program, text, {"of": of, "program": program.fn}, "pushforward")
