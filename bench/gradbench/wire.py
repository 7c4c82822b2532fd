"""The inputs and outputs of GradBench's messages, as the arguments and results of our programs, and back.

An input is the object of an "evaluate" message: lists as JSON has them, or arrays in their place. None of this is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from bench.gradbench import inputs
from bench.gradbench.programs.ht import Hand

Input = Mapping[str, Any]


def floats(x: Any) -> Any:
    return np.ascontiguousarray(x, dtype=np.float64)


def integers(x: Any) -> Any:
    return np.ascontiguousarray(x, dtype=np.int64)


def read_gmm(i: Input) -> tuple[Any, ...]:
    # For d = 1 the lists of `l` are empty, and so is their array: its shape has to be said.
    l = floats(i["l"]).reshape(int(i["k"]), int(i["d"]) * (int(i["d"]) - 1) // 2)
    return floats(i["alpha"]), floats(i["mu"]), floats(i["q"]), l, floats(i["x"]), int(i["m"]), float(i["gamma"])


def read_ba(i: Input) -> tuple[Any, ...]:
    """One camera, point, weight and feature stand for all; observation o is of camera o mod n and point o mod m."""
    n, m, p = int(i["n"]), int(i["m"]), int(i["p"])
    each = np.arange(p)
    cameras, points, weights = np.tile(floats(i["cam"]), (n, 1)), np.tile(floats(i["x"]), (m, 1)), np.full(p, float(i["w"]))
    return cameras, points, weights, np.stack([each % n, each % m], axis=1), np.tile(floats(i["feat"]), (p, 1))


def read_ht(i: Input) -> tuple[Any, ...]:
    data = i["data"]
    model = data["model"]
    hand = Hand(
        integers(model["parents"]), floats(model["base_relatives"]), floats(model["inverse_base_absolutes"]), floats(model["base_positions"]),
        floats(model["weights"]), integers(model["triangles"]), bool(model["is_mirrored"]),
    )  # fmt: skip
    return floats(i["theta"]), floats(i["us"]).reshape(-1, 2), hand, integers(data["correspondences"]), floats(data["points"])


READ: dict[str, Callable[[Input], tuple[Any, ...]]] = {
    "hello": lambda i: (float(i),),  # type: ignore[arg-type, dict-item]  # the input is the number itself
    "gmm": read_gmm,
    "ba": read_ba,
    "ht": read_ht,
    "lstm": lambda i: tuple(floats(i[name]) for name in ("main_params", "extra_params", "state", "sequence")),
    "kmeans": lambda i: (floats(i["points"]), floats(i["centroids"])),
    "llsq": lambda i: (floats(i["x"]), int(i["n"])),
    "lse": lambda i: (floats(i["x"]),),
    "ode": lambda i: (floats(i["x"]), int(i["s"])),
    "det": lambda i: (floats(i["A"]).reshape(int(i["ell"]), int(i["ell"])),),
    "particle": lambda i: (float(i["w"]),),
    "saddle": lambda i: (floats(i["start"]),),
}


def write_ba_objective(out: Any) -> Any:
    p = out.shape[0] // 3
    return {"reproj_error": {"elements": out[:2].tolist(), "repeated": p}, "w_err": {"element": float(out[2 * p]), "repeated": p}}


def blocks_ba(out: Any) -> Any:
    """A sparse Jacobian as the messages have it: both residuals of an observation have entries for all of its camera, point and weight, though each is
    free of one coordinate of the principal point."""
    count, width = 2 * (out.shape[0] // 3), out.shape[1]
    pattern = csr_matrix((np.ones(out.nnz), out.indices, out.indptr), out.shape)[:count]
    either = (pattern[0::2] + pattern[1::2]).tocsr()
    either.sort_indices()
    row = np.repeat(np.arange(count), np.repeat(np.diff(either.indptr), 2))
    columns = np.repeat(either.indices.reshape(count // 2, -1), 2, axis=0).ravel()
    own = np.repeat(np.arange(count), np.diff(out.indptr[: count + 1])) * width + out.indices[: out.indptr[count]]
    data = np.zeros(len(row))
    data[np.searchsorted(row * width + columns, own)] = out.data[: len(own)]
    starts = np.concatenate([np.searchsorted(row, np.arange(count)), out.indptr[count:] - len(own) + len(row)])
    return csr_matrix((np.concatenate([data, out.data[len(own) :]]), np.concatenate([columns, out.indices[len(own) :]]), starts), out.shape)


def write_ba_jacobian(out: Any) -> Any:
    """The first 30 entries and the last one, of a matrix in CSR form."""
    full = blocks_ba(out)
    kept = {"rows": full.indptr, "cols": full.indices, "vals": full.data}
    return {name: [*x[:30].tolist(), x[-1].item()] for name, x in kept.items()}


def dense_ht(out: Any) -> Any:
    """A sparse Jacobian by theta and `us` as the messages have it: the derivatives by `us`, two in each row, in two columns before those by theta."""
    matrix = out.tocsr()
    theta, us = matrix[:, :26].toarray(), matrix[:, 26:]
    if us.shape[1] == 0:
        return theta
    row = np.arange(us.shape[0])
    own = [np.asarray(us[row, 2 * (row // 3) + k]).ravel() for k in range(2)]
    return np.column_stack([*own, theta])


def plain(out: Any) -> Any:
    """Numbers and arrays as JSON has them."""
    return out.tolist() if isinstance(out, np.ndarray | np.generic) else out


WRITE: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("gmm", "jacobian"): lambda out: {name: part.tolist() for name, part in zip(("alpha", "mu", "q", "l"), out, strict=True)},
    ("ba", "objective"): write_ba_objective,
    ("ba", "jacobian"): write_ba_jacobian,
    ("ht", "jacobian"): lambda out: dense_ht(out).tolist(),
    ("lstm", "jacobian"): lambda out: np.concatenate([part.ravel() for part in out]).tolist(),
    ("det", "gradient"): lambda out: out.ravel().tolist(),
}


def read(eval_name: str, message_input: Any) -> tuple[Any, ...]:
    """The arguments of the eval's programs."""
    return READ[eval_name](message_input)


def write(eval_name: str, function: str, out: Any) -> Any:
    """What the message answers for the program's result."""
    return WRITE.get((eval_name, function), plain)(out)


def example(eval_name: str) -> tuple[Any, ...]:
    """Arguments of a size at which the arithmetic is what takes the time."""
    return read(eval_name, inputs.make(eval_name, inputs.QUICK[eval_name][-1]))
