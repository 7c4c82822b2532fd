"""Integers as affine forms over lengths and loop variables, and a small prover for `0 <= e` that spares run-time checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Atom = Any  # a dimension symbol (str, never negative) or an IR value


@dataclass(frozen=True, eq=False)
class Affine:
    """const + the sum of coefficient * atom."""

    terms: Mapping[Atom, int]
    const: int = 0

    @property
    def key(self) -> tuple[Any, ...]:
        return (frozenset(self.terms.items()), self.const)

    def __add__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return Affine(self.terms, self.const + other)
        terms = dict(self.terms)
        for a, c in other.terms.items():
            terms[a] = terms.get(a, 0) + c
        return Affine({a: c for a, c in terms.items() if c}, self.const + other.const)

    def __sub__(self, other: Affine | int) -> Affine:
        return self + (other * -1 if isinstance(other, Affine) else -other)

    def __mul__(self, k: int) -> Affine:
        return Affine({a: c * k for a, c in self.terms.items()} if k else {}, self.const * k)

    @property
    def atom(self) -> Atom | None:
        """The atom, if this is nothing but one."""
        if self.const == 0 and len(self.terms) == 1:
            ((a, c),) = self.terms.items()
            return a if c == 1 else None
        return None


def constant(k: int) -> Affine:
    return Affine({}, k)


@dataclass
class Bounds:
    """lo <= atom <= hi; `age` orders atoms, so that inner loop variables are eliminated before outer ones."""

    lo: Affine | None
    hi: Affine | None
    age: int


def nonnegative(e: Affine, bounds: Mapping[Atom, Bounds], facts: Sequence[Affine], depth: int = 3) -> bool:
    """Whether e >= 0 follows from the bounds of its atoms and the facts (affine forms known to be >= 0). Sound, not complete."""
    for _ in range(8):
        if e.const >= 0 and all(c >= 0 and isinstance(a, str) for a, c in e.terms.items()):
            return True
        if depth:
            for f in _helpful(facts, e):
                if nonnegative(e - f, bounds, facts, depth - 1):
                    return True
        inner = sorted((a for a in e.terms if a in bounds), key=lambda a: -bounds[a].age)
        for a in inner:
            c, bound = e.terms[a], bounds[a]
            limit = bound.lo if c > 0 else bound.hi
            if limit is not None:
                e = e + limit * c - Affine({a: c})
                break
        else:
            return False
    return False


def _helpful(facts: Sequence[Affine], e: Affine) -> list[Affine]:
    """The facts that remove a negative term when they are subtracted, or lift the constant. Written for speed: it is asked most often of all."""
    falling = [a for a, c in e.terms.items() if c < 0]
    low = e.const < 0
    found: list[Affine] = []
    for f in facts:
        terms = f.terms
        for a in falling:
            if terms.get(a, 0) < 0:
                found.append(f)
                break
        else:
            if low and f.const < 0:
                for a in terms:
                    if a in e.terms:
                        found.append(f)
                        break
    return found
