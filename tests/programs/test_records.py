"""Programs over the caller's records: value and changes as CPython has them, derivatives in all modes to second order, gradients in the same structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import oneform as of
from tests.programs.records import RECORDS, Joint, Name, Number, Pair, evaluated
from tests.properties.objects_agree import compare

every = pytest.mark.parametrize("name", RECORDS)


@every
@pytest.mark.parametrize("way", ["compiled", "interpreted"])
def test_value_and_changes(name: str, way: str) -> None:
    f, make = RECORDS[name]
    expected, given = make(), make()
    value = f(*expected)
    if way == "compiled":
        compare(of.jit(f)(*given), value, "result", None)
        compare(given, expected, "arguments", None)
    else:
        compare(of.trace(f)(*given).interpret(*given), value, "result", None)


@every
def test_derivatives(name: str) -> None:
    """Forward against differences, reverse against forward, and those of the derivatives again."""
    f, make = RECORDS[name]
    of.check_grads(f, make(), order=1 if name.startswith("ray_tracer") else 2)


@every
def test_gradients_have_the_structure_of_the_argument(name: str) -> None:
    f, make = RECORDS[name]
    slope = of.grad(f)(*make())
    value, again = of.value_and_grad(f)(*make())
    compare(slope, again, "gradient", None)
    assert value == pytest.approx(f(*make()))
    assert shape(slope) == shape(make()[0])


def shape(x: Any) -> Any:
    """What a record is made of, numbers left out."""
    if isinstance(x, (list, tuple)):
        return [shape(i) for i in x]
    if isinstance(x, np.ndarray):
        return x.shape
    return (type(x).__name__, {k: shape(v) for k, v in vars(x).items()}) if hasattr(x, "__dict__") else isinstance(x, float)


def test_one_object_in_two_places_counts_twice() -> None:
    part = Number(0.8)
    slope = of.grad(evaluated)(Pair("*", part, Pair("+", part, Name(0))), np.array([0.5]))
    assert slope.a is slope.b.a and slope.a.value == pytest.approx(2 * 0.8 + 0.5)


# ---------------------------------------------------------------- one object in two places, in every derivative


def scaled(pair):
    """Changes the object by one of its names, and reads it by the other."""
    pair.a.value = pair.a.value * 3.0
    return pair.b.value * pair.a.value * pair.c


@dataclass
class Both:
    a: Number
    b: Number
    c: float
    inner: Both | None = None


def both():
    one = Number(2.0)
    return Both(one, one, 1.5)


def test_products_keep_one_object_one() -> None:
    """9 x² c: value, tangent, pullback and Hessian product, none of which takes the object for two."""
    step = Number(1.0)
    direction = Both(step, step, 0.0)
    assert of.jvp(scaled, (both(),), (direction,)) == (pytest.approx(54.0), pytest.approx(54.0))
    value, pull = of.vjp(scaled, both())
    (slope,) = pull(1.0)
    assert value == pytest.approx(54.0) and slope.a is slope.b
    assert (slope.a.value, slope.c) == (pytest.approx(54.0), pytest.approx(36.0))
    moved = of.hvp(scaled, (both(),), (direction,))
    assert moved.a is moved.b and (moved.a.value, moved.c) == (pytest.approx(27.0), pytest.approx(36.0))
    of.check_grads(scaled, (both(),))


def test_two_tangents_for_one_object_are_refused() -> None:
    with pytest.raises(of.DerivativeError, match="one object twice"):
        of.jvp(scaled, (both(),), (Both(Number(1.0), Number(1.0), 0.0),))


def test_objects_that_refer_to_each_other_in_a_circle() -> None:
    def around(joint, n):
        total = 0.0
        for k in range(n):
            joint.angle = joint.angle * joint.next.angle
            total += joint.angle * (k + 1)
            joint = joint.next
        return total

    def ring():
        a = Joint(1.1, 1.0, Joint(0.7, 1.0, Joint(1.3, 1.0)))
        a.next.next.next = a
        return a

    assert of.jit(around)(ring(), 5) == pytest.approx(around(ring(), 5))
    slope = of.vjp(around, ring(), 5)[1](1.0)[0]
    assert slope.next.next.next is slope
    assert slope.next.angle == pytest.approx(of.grad(around)(ring(), 5).next.angle)
    of.check_grads(around, (ring(), 5))


def test_a_list_given_twice_and_changed_is_refused_by_vjp_too() -> None:
    def f(rows):
        rows[0][0] = 2.0 * rows[0][1]
        return rows[1][0] * rows[1][1]

    row = [1.0, 3.0]
    for call in (of.jit(f), lambda rows: of.vjp(f, rows)):
        with pytest.raises(of.ArgumentError, match="E403"):
            call([row, row])
