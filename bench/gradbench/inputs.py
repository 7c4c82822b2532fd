"""Inputs of our own for every eval and size: the same form and distributions as GradBench's, drawn from seeds that the size determines.

`make(eval, size)` gives the object of an "evaluate" message, with arrays where JSON has lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Size = dict[str, int]
Rng = np.random.Generator


def product(**values: tuple[int, ...]) -> Iterator[Size]:
    """Every combination, from the smallest to the largest product, as GradBench orders them."""
    names = list(values)
    sizes = [dict(zip(names, row, strict=True)) for row in np.array(np.meshgrid(*values.values(), indexing="ij")).reshape(len(names), -1).T.tolist()]
    yield from sorted(sizes, key=lambda s: float(np.prod([float(s[name]) for name in names])))


# Cameras, points and observations of the problems that the field has used since 2010.
BUNDLES = (
    (49, 7776, 31843), (21, 11315, 36455), (161, 48126, 182072), (372, 47423, 204472), (257, 65132, 225911), (539, 65220, 277273), (93, 61203, 287451),
    (88, 64298, 383937), (810, 88814, 393775), (1197, 126327, 563734), (1723, 156502, 678718), (253, 163691, 899155), (245, 198739, 1091386),
    (356, 226730, 1255268),
)  # fmt: skip
CORRESPONDENCES = (100, 192, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200)

SIZES: dict[str, tuple[Size, ...]] = {
    "hello": ({},),
    "gmm": tuple({**s, "n": 1000} for s in product(d=(2, 10, 20, 32, 64), k=(5, 10, 25, 50, 100))),
    "ba": tuple(dict(zip("nmp", b, strict=True)) for b in BUNDLES),
    "ht": tuple({"c": c} for c in CORRESPONDENCES),
    "lstm": tuple(product(l=(2, 4, 6), c=(1024, 4096, 8192))),
    "kmeans": tuple(product(k=(10, 100, 1000), n=(1000, 10000), d=(8, 16))),
    "llsq": tuple({"n": n, "m": 128} for n in (16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8196, 16392)),
    "lse": tuple({"n": 2500 << k} for k in range(10)),
    "det": tuple({"l": l} for l in range(5, 12)),
    "ode": tuple(product(n=(1000, 10000, 100000), s=(1, 10, 100))),
    "particle": ({},),
    "saddle": ({},),
}

# What `--quick` measures: small sizes, of those where the arithmetic and not the call is what takes the time.
QUICK: dict[str, tuple[Size, ...]] = {
    "hello": SIZES["hello"],
    "gmm": ({"d": 2, "k": 5, "n": 1000}, {"d": 20, "k": 25, "n": 1000}),
    "ba": SIZES["ba"][:1],
    "ht": ({"c": 100}, {"c": 1600}),
    "lstm": ({"l": 2, "c": 1024},),
    "kmeans": ({"k": 10, "n": 1000, "d": 8}, {"k": 100, "n": 1000, "d": 16}),
    "llsq": ({"n": 16, "m": 128}, {"n": 1024, "m": 128}),
    "lse": ({"n": 2500}, {"n": 40000}),
    "det": ({"l": 5}, {"l": 8}),
    "ode": ({"n": 1000, "s": 10}, {"n": 10000, "s": 10}),
    "particle": SIZES["particle"],
    "saddle": SIZES["saddle"],
}


def label(size: Size) -> str:
    return ", ".join(f"{name}={value}" for name, value in size.items())


def make(eval_name: str, size: Size) -> Any:
    seed = [sum(map(ord, eval_name)), *size.values()]
    return MAKERS[eval_name](np.random.default_rng(seed), **size)


def gmm(rng: Rng, d: int, k: int, n: int) -> Any:
    parameters = {"alpha": rng.normal(size=k), "mu": rng.uniform(size=(k, d)), "q": rng.normal(size=(k, d)), "l": rng.normal(size=(k, d * (d - 1) // 2))}
    return {"d": d, "k": k, "n": n, "x": rng.normal(size=(n, d)), "m": 0, "gamma": 1.0, **parameters}


def ba(rng: Rng, n: int, m: int, p: int) -> Any:
    """A camera ten units from a point that it looks at, and a feature a few pixels from where it sees that point."""
    turn = rng.normal(scale=0.5, size=3)
    point = rng.normal(size=3)
    camera = [*turn, *(point - toward(turn, np.array([0.3, -0.2, 10.0]))), 400.0, 5.0, -8.0, 0.1, 0.003]
    feature = np.array([400.0 * 0.03 + 5.0, -400.0 * 0.02 - 8.0]) + rng.normal(scale=3.0, size=2)
    return {"n": n, "m": m, "p": p, "cam": np.array(camera), "x": point, "w": float(rng.uniform()), "feat": feature}


def toward(turn: Any, ray: Any) -> Any:
    """The direction that a camera turned by the rotation vector `turn` sees as `ray`."""
    angle = np.linalg.norm(turn)
    axis = -turn / angle
    return ray * np.cos(angle) + np.cross(axis, ray) * np.sin(angle) + axis * (axis @ ray) * (1.0 - np.cos(angle))


def ht(rng: Rng, c: int) -> Any:
    """A hand of 22 bones and 10,000 vertices, of which 544 belong to triangles, each vertex moved by one to four bones near it."""
    bones, vertices, used = 22, 10000, 544
    parents = np.array([-1] + [0 if bone % 4 == 1 else bone - 1 for bone in range(1, 21)] + [0])
    relatives = np.stack([placement(rng.normal(scale=0.2, size=3), rng.normal(scale=0.03, size=3)) for _ in range(bones)])
    absolutes: list[Any] = []
    for bone in range(bones):
        absolutes.append(relatives[bone] if parents[bone] < 0 else absolutes[parents[bone]] @ relatives[bone])
    moved_by = rng.integers(bones, size=vertices)
    weights = np.zeros((vertices, bones))
    for vertex, bone in enumerate(moved_by):
        near = [bone, max(parents[bone], 0), (bone + 1) % bones, 0][: rng.choice(4, p=(0.48, 0.34, 0.15, 0.03)) + 1]
        np.add.at(weights[vertex], near, rng.uniform(0.1, 1.0, size=len(near)))
    weights /= weights.sum(axis=1, keepdims=True)
    positions = np.stack([absolutes[bone][:3, 3] for bone in moved_by]) + rng.normal(scale=0.01, size=(vertices, 3))
    triangles = rng.permuted(np.tile(np.arange(used), (1084, 1)), axis=1)[:, :3]
    model = {
        "bone_count": bones, "bone_names": [f"bone{bone}" for bone in range(bones)], "parents": parents, "base_relatives": relatives,
        "inverse_base_absolutes": np.stack([np.linalg.inv(a) for a in absolutes]), "base_positions": np.column_stack([positions, np.ones(vertices)]),
        "weights": weights, "triangles": triangles, "is_mirrored": False,
    }  # fmt: skip
    data = {"model": model, "correspondences": rng.integers(len(triangles), size=c), "points": rng.normal(scale=0.1, size=(c, 3))}
    return {"theta": rng.normal(size=26), "data": data, "us": rng.uniform(0.0, 0.5, size=(c, 2))}


def placement(turn: Any, shift: Any) -> Any:
    """A rotation and a translation as a 4 × 4 matrix."""
    out = np.eye(4)
    out[:3, :3] = np.stack([toward(turn, e) for e in np.eye(3)], axis=1)
    out[:3, 3] = shift
    return out


LETTERS = "etaoinshrdlcumwfgypbvkjxqz"
BITS = 14  # of the widest character, a dash: U+2013


def lstm(rng: Rng, l: int, c: int) -> Any:
    """Words of random letters, frequent ones first, with a dash here and there; each character as its bits."""
    weights = 1.0 / np.arange(1, len(LETTERS) + 3)
    characters = rng.choice([" ", *LETTERS, "\u2013"], size=c, p=weights / weights.sum())
    sequence = np.array([[int(bit) for bit in format(ord(character), f"0{BITS}b")] for character in characters], dtype=float)
    main, extra, state = rng.uniform(size=(2 * l, 4 * BITS)), rng.uniform(size=(3, BITS)), rng.uniform(size=(2 * l, BITS))
    return {"main_params": main, "extra_params": extra, "state": state, "sequence": sequence}


def kmeans(rng: Rng, k: int, n: int, d: int) -> Any:
    """The last points are the centroids, so that each is the nearest of some point and the Hessian has an inverse."""
    points = rng.uniform(size=(n, d))
    return {"points": points, "centroids": points[n - k :].copy()}


def det(rng: Rng, l: int) -> Any:
    return {"A": rng.uniform(size=l * l), "ell": l}


MAKERS: dict[str, Callable[..., Any]] = {
    "hello": lambda rng: 3.0,
    "gmm": gmm,
    "ba": ba,
    "ht": ht,
    "lstm": lstm,
    "kmeans": kmeans,
    "llsq": lambda rng, n, m: {"x": rng.uniform(size=m), "n": n},
    "lse": lambda rng, n: {"x": rng.uniform(size=n)},
    "det": det,
    "ode": lambda rng, n, s: {"x": rng.uniform(size=n), "s": s},
    "particle": lambda rng: {"w": 0.0},
    "saddle": lambda rng: {"start": np.array([1.0, 1.0])},
}
