"""The demo: a Lotka–Volterra model fitted to the lynx and hare counts of 1900–1920 by its compiled gradient."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares, minimize

import oneform as of

Array = npt.NDArray[np.float64]
Objective = Callable[[Array], tuple[float, Array]]
PICTURE = "lynx_hare.png"


@dataclass(frozen=True)
class Iteration:
    """One step of the optimiser: the loss there, the size of its gradient, and the evaluations spent so far."""

    loss: float
    gradient: float
    evaluations: int


@dataclass(frozen=True)
class Fit:
    """A fitted model: the logarithms of its parameters, their standard errors, and how it was reached."""

    theta: Array
    errors: Array  # of the logarithms, that is, relative ones of the parameters
    loss: float
    history: list[Iteration]

    @property
    def parameters(self) -> Array:
        return np.exp(self.theta)


def read_counts() -> tuple[Array, Array]:
    """The years, and the pelts of hare and lynx (thousands) taken in each."""
    text = resources.files("oneform.data").joinpath("lynx_hare.csv").read_text(encoding="utf-8")
    rows = np.array([[float(field) for field in line.split(",")] for line in text.splitlines()[2:]])
    return rows[:, 0].copy(), rows[:, 1:].copy()


def load_model() -> ModuleType:
    """The program that is fitted: examples/lynx_hare.py, which a wheel carries as a copy."""
    package = Path(__file__).parent
    places = (package / "_examples" / "lynx_hare.py", package.parents[1] / "examples" / "lynx_hare.py")
    path = next((p for p in places if p.exists()), None)
    if path is None:
        raise FileNotFoundError("the demo's program, examples/lynx_hare.py, is neither in the package nor beside it")
    spec = importlib.util.spec_from_file_location("oneform_demo_lynx_hare", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fit(model: ModuleType, years: Array, counts: Array, on_iteration: Callable[[Iteration], None] = lambda _: None) -> Fit:
    """Minimise the loss by BFGS with the compiled gradient; standard errors come from the compiled Hessian."""
    value_and_grad = of.value_and_grad(model.loss)
    history: list[Iteration] = []
    last: dict[str, Any] = {"evaluations": 0}

    def objective(theta: Array) -> tuple[float, Array]:
        value, gradient = value_and_grad(theta, years, counts)
        last.update(evaluations=last["evaluations"] + 1, gradient=float(np.abs(gradient).max()))
        return value, gradient

    def record(intermediate_result: Any) -> None:
        history.append(Iteration(float(intermediate_result.fun), last["gradient"], last["evaluations"]))
        on_iteration(history[-1])

    found: Any = minimize(objective, model.START, jac=True, method="BFGS", callback=record, options={"gtol": 1e-6})
    theta = np.asarray(found.x, dtype=np.float64)
    hessian = np.asarray(of.hessian(model.loss)(theta, years, counts))
    # Least squares with unknown variance: cov = 2 s² H⁻¹ for a loss that is the sum of squares itself.
    variance = float(found.fun) / (counts.size - theta.size)
    return Fit(theta, np.sqrt(np.diag(2.0 * variance * np.linalg.inv(hessian))), float(found.fun), history)


def independent_fit(start: Array, years: Array, counts: Array) -> Array:
    """The same fit without any of our code: SciPy's integrator, SciPy's differences. Returns the parameters."""

    def residuals(theta: Array) -> Array:
        a, b, c, d, hare, lynx = np.exp(theta)
        orbit: Any = solve_ivp(
            lambda _, z: [z[0] * (a - b * z[1]), z[1] * (d * z[0] - c)],
            (years[0], years[-1]), [hare, lynx], t_eval=years, method="DOP853", rtol=1e-11, atol=1e-11,
        )  # fmt: skip
        return (np.log(orbit.y.T) - np.log(counts)).ravel()

    found: Any = least_squares(residuals, start, method="lm", xtol=1e-12, ftol=1e-12, diff_step=1e-6)
    return np.exp(found.x)


def gradient_by_differences(loss: Callable[..., Any], theta: Array, *rest: Array) -> Array:
    """Central differences of the program as CPython runs it: what one would do without a derivative."""
    step = 1e-5
    gradient = np.empty_like(theta)
    for i in range(theta.size):
        ahead, behind = theta.copy(), theta.copy()
        ahead[i] += step
        behind[i] -= step
        gradient[i] = (loss(ahead, *rest) - loss(behind, *rest)) / (2.0 * step)
    return gradient


def best_time(call: Callable[[], Any], at_least: float = 0.3) -> float:
    """Seconds of the fastest of as many calls as fit in `at_least` seconds (three at the fewest)."""
    best, calls, begin = float("inf"), 0, time.perf_counter()
    while calls < 3 or time.perf_counter() - begin < at_least:
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
        calls += 1
    return best


def draw(model: ModuleType, fitted: Fit, years: Array, counts: Array, path: Path) -> bool:
    """Write a picture of data and fit; False where matplotlib is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    fine = np.linspace(years[0], years[-1], 20 * (len(years) - 1) + 1)
    solve: Callable[..., Any] = model.solve
    curve = of.jit(solve)(fitted.theta, fine)
    figure: Any = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot()
    for column, (name, colour) in enumerate((("hare", "tab:blue"), ("lynx", "tab:red"))):
        axes.plot(years, counts[:, column], "o", color=colour, label=f"{name}, counted")
        axes.plot(fine, curve[:, column], "-", color=colour, label=f"{name}, fitted")
    axes.set_xlabel("year")
    axes.set_ylabel("pelts, thousands")
    axes.set_xticks(years[::4])
    axes.legend()
    figure.savefig(path, dpi=150)
    return True


def iterations_table(history: list[Iteration]) -> Table:
    table = Table(title="Fit by BFGS with the compiled gradient")
    for name in ("iteration", "loss", "largest |gradient|", "evaluations"):
        table.add_column(name, justify="right")
    for number, row in enumerate(history, 1):
        table.add_row(str(number), f"{row.loss:.8f}", f"{row.gradient:.1e}", str(row.evaluations))
    return table


def parameters_table(names: tuple[str, ...], fitted: Fit, independent: Array) -> Table:
    table = Table(title="Fitted parameters")
    table.add_column("parameter")
    for name in ("value", "standard error", "SciPy's integrator and differences", "relative difference"):
        table.add_column(name, justify="right")
    for name, value, error, other in zip(names, fitted.parameters, fitted.errors, independent, strict=True):
        table.add_row(name, f"{value:.6g}", f"{value * error:.2g}", f"{other:.6g}", f"{abs(value / other - 1.0):.1e}")
    return table


def timing_table(compiled: float, differences: float, first: float) -> Table:
    table = Table(title="Time per gradient")
    table.add_column("how")
    table.add_column("time", justify="right")
    table.add_column("ratio", justify="right")
    table.add_row("compiled by Oneform, reverse mode", f"{compiled * 1e6:,.1f} µs", "1")
    table.add_row("the same program under CPython, central differences", f"{differences * 1e6:,.1f} µs", f"{differences / compiled:,.0f}")
    table.add_row("first call, compilation or reading the cache included", f"{first * 1e3:,.1f} ms", "")
    return table


def spinner(console: Console, text: str) -> AbstractContextManager[Any]:
    """Says what is being done, where there is a terminal to say it on."""
    return console.status(text) if console.is_terminal else nullcontext()


def main(console: Console | None = None, directory: Path | None = None) -> int:
    """Fit, report, draw. Returns the exit status: 0 if the independent fit agrees to four digits."""
    console = console or Console()
    model = load_model()
    years, counts = read_counts()
    gradient = of.value_and_grad(model.loss)
    with spinner(console, "compiling"):
        start = time.perf_counter()
        gradient(model.START, years, counts)
        first = time.perf_counter() - start
        fitted = fit(model, years, counts)
    console.print(iterations_table(fitted.history))
    with spinner(console, "fitting once more with SciPy alone"):
        independent = independent_fit(model.START, years, counts)
    console.print(parameters_table(model.NAMES, fitted, independent))
    with spinner(console, "timing"):
        compiled = best_time(lambda: gradient(fitted.theta, years, counts))
        differences = best_time(lambda: gradient_by_differences(model.loss, fitted.theta, years, counts))
    console.print(timing_table(compiled, differences, first))
    path = (directory or Path.cwd()) / PICTURE
    if draw(model, fitted, years, counts, path):
        console.print(f"Data and fit are drawn in {path}", soft_wrap=True)
    else:
        console.print("No picture: matplotlib is not installed (pip install 'oneform[plot]').", soft_wrap=True)
    worst = float(np.abs(fitted.parameters / independent - 1.0).max())
    if worst > 5e-5:
        console.print(f"The two fits differ by {worst:.1e} relative; four digits were expected to agree.", style="bold red", soft_wrap=True)
        return 1
    return 0

