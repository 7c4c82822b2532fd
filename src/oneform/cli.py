"""The command line: check a derivative, show a stage of compilation or where the time goes, run the demo."""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib.util
import itertools
import math
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import oneform as of
from oneform import demo, profile_table
from oneform.errors import InternalError, OneformError
from oneform.kinks import Kink
from oneform.kinks import find as find_kink
from oneform.profile import profile as measured
from oneform.staging import Compiled
from oneform.tangents import has_derivative, is_active, pairs
from oneform.tree import Tree, copied, spread, unflatten

STAGES = ("ir", "optimised", "grad", "llvm", "asm")
DISAGREE, REFUSED, USAGE = 1, 1, 2  # exit codes: a wrong derivative or a refused program; a command that cannot be carried out
PAGE = 180  # width of tables that do not go to a terminal
SHOWN = 12  # components of a gradient that are printed one by one


class UsageError(Exception):
    """The command line asks for something that is not there; the message says what and how to put it right."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    options = parser().parse_args(argv)
    console, complaints = Console(), Console(stderr=True)
    try:
        return options.run(options, console)
    except UsageError as error:
        complaints.print(f"oneform: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return USAGE
    except OneformError as error:
        complaints.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return REFUSED
    except InternalError:
        raise
    except Exception as error:  # raised by the user's program
        complaints.print(user_traceback(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return REFUSED
    except KeyboardInterrupt:
        complaints.print("interrupted", style="red")
        return 130


def user_traceback(error: Exception) -> str:
    """The traceback without our own frames."""
    summary = traceback.TracebackException.from_exception(error)
    package = str(Path(__file__).parent)
    kept = [frame for frame in summary.stack if not frame.filename.startswith(package)]
    summary.stack = traceback.StackSummary.from_list(kept)
    return "".join(summary.format()).rstrip()


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="oneform", description="Compile ordinary Python to native code, together with any derivative of it.")
    root.add_argument("--version", action="version", version=f"oneform {of.__version__}")
    commands = root.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="value, gradient, comparison with differences, and time of a function")
    check.set_defaults(run=run_check)
    check.add_argument("--tolerance", type=float, default=1e-5, help="largest relative disagreement with differences (default %(default)g)")

    show = commands.add_parser("show", help="one stage of a function's compilation as text")
    show.set_defaults(run=run_show)
    show.add_argument("--stage", choices=STAGES, default="ir", help="ir as the frontend gives it, optimised, grad (optimised IR of the gradient), llvm, asm")
    show.add_argument("--grad", action="store_true", help="show the stage for the gradient instead of the function")

    profile = commands.add_parser("profile", help="where time and memory of a function and its gradient go, by line")
    profile.set_defaults(run=run_profile)
    profile.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the lines as bars, too")

    for command in (check, show, profile):
        command.add_argument("target", metavar="FILE.py:FUNC")
        command.add_argument("--args", metavar="LITERALS", help='arguments as Python literals, for example "2.0, [1.0, 2.0], 100"; a list becomes an array')

    show_demo = commands.add_parser("demo", help="fit the lynx and hare counts of 1900-1920 by a compiled gradient")
    show_demo.add_argument("--directory", type=Path, default=Path(), help="where the picture is written (default: here)")
    show_demo.set_defaults(run=run_demo)
    return root


# ---- the program and its arguments


def load(target: str) -> tuple[Callable[..., Any], Any]:
    """The function named by FILE.py:FUNC, and the module that defines it."""
    name, colon, function = target.rpartition(":")
    if not colon or not name or not function:
        raise UsageError(f"{target!r} does not name a function; write FILE.py:FUNC")
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"there is no file {name!r}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{name!r} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    with import_path(path.parent):
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise UsageError(f"{name} fails when it is imported: {type(error).__name__}: {error}") from error
    found = getattr(module, function, None)
    if not callable(found):
        known = ", ".join(k for k, v in vars(module).items() if callable(v) and getattr(v, "__module__", None) == module.__name__)
        raise UsageError(f"{name} has no function {function!r}" + (f"; it has {known}" if known else ""))
    return found, module


@contextlib.contextmanager
def import_path(directory: Path) -> Generator[None]:
    """Lets a file import its neighbours, as running it would."""
    entry = str(directory.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(entry)


def arguments(text: str | None, module: Any) -> tuple[Any, ...]:
    """The arguments from --args, or else from the file's `example()`."""
    if text is not None:
        try:
            literals = ast.literal_eval(f"({text},)")
        except (ValueError, SyntaxError) as error:
            raise UsageError(f"--args {text!r} is not a sequence of Python literals ({error})") from None
        return tuple(as_array(a) if isinstance(a, list) else a for a in literals)
    example = getattr(module, "example", None)
    if not callable(example):
        raise UsageError(f"{module.__file__} has no function example(); add one that returns the arguments, or give --args")
    given = example()
    return given if type(given) is tuple else (given,)  # a NamedTuple is one argument


def as_array(nested: list[Any]) -> Any:
    try:
        array = np.array(nested)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "bifc":
        raise UsageError(f"{nested!r} in --args is not a regular array of numbers")
    return array


def differentiable(args: Sequence[Any]) -> tuple[int, ...]:
    """Positions of the arguments that have a derivative: floats and complex numbers, arrays of them, and containers and objects with such inside."""
    found = tuple(i for i, a in enumerate(args) if has_derivative(a))
    if not found:
        raise UsageError("none of the arguments is a float or an array of floats, or has one inside, so there is nothing to differentiate")
    return found


# ---- check


def run_check(options: argparse.Namespace, console: Console) -> int:
    function, module = load(options.target)
    args = arguments(options.args, module)
    argnums = differentiable(args)
    with stages(console) as stage:
        stage("compiling the function")
        value_of = function if isinstance(function, Compiled) else of.jit(function)  # with its own options, if it has any
        value = value_of(*fresh(args))
        stage("compiling the gradient")
        gradient_of = of.grad(function, argnums=argnums)
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always", of.ZeroGradientWarning)
            gradient = gradient_of(*fresh(args))
        stage("comparing with differences")
        rows = compare(lambda *a: value_of(*fresh(a)), args, argnums, gradient)
        stage("timing")
        copies = fresh(args)  # the function may write to them
        value_time = best_time(lambda: value_of(*copies))
        gradient_time = best_time(lambda: gradient_of(*args))
    console.print(f"value     {value!r}", markup=False, highlight=False, soft_wrap=True)
    for i, component in zip(argnums, gradient, strict=True):
        parts = Parts(args, i, component)
        for k in parts.active[:SHOWN]:
            text = np.array2string(np.asarray(parts.gradient[k]), threshold=SHOWN, edgeitems=3)
            console.print(f"gradient  {parts.names[k]}: {text}", markup=False, highlight=False, soft_wrap=True)
        if len(parts.active) > SHOWN:
            console.print(f"gradient  argument {i}: and {len(parts.active) - SHOWN} more", markup=False, highlight=False)
    table = Table(title="against differences")
    for name in ("direction", "derivative", "difference", "relative error"):
        table.add_column(name, justify="left" if name == "direction" else "right")
    for row in rows:
        table.add_row(row.name, f"{row.ours:.10g}", f"{row.theirs:.10g}", f"{row.error:.1e}")
    console.print(table)
    for row in rows:
        if row.kink is not None:
            text = f"kink      {row.name}: {row.kink}; differences say nothing there"
            console.print(text, style="yellow", markup=False, highlight=False, soft_wrap=True)
    for w in noted:
        console.print(f"note      {w.message}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    console.print(f"time      value {seconds(value_time)}, gradient {seconds(gradient_time)}, ratio {gradient_time / value_time:.2f}", highlight=False)
    worst = float(np.max([row.error for row in rows if not row.excused], initial=0.0))  # NaN, too, is the worst
    if not worst <= options.tolerance:
        console.print(f"The gradient disagrees with differences by {worst:.1e} (allowed: {options.tolerance:g}).", style="bold red", highlight=False)
        return DISAGREE
    return 0


def fresh(args: Sequence[Any]) -> list[Any]:
    """Copies of the arrays and of what is around them: a function that writes to its argument must not disturb the comparison."""
    return list(copied(tuple(args)))


class Parts:
    """The numbers and arrays in one of the arguments, with what to call them and their part of the gradient."""

    def __init__(self, args: Sequence[Any], i: int, gradient: Any):
        self.args, self.i = args, i
        self.leaves: list[Any] = []
        self.tree = spread(args[i], self.leaves)
        self.names = [f"argument {i}{path}" for path in paths(self.tree)]
        self.gradient = [g for _, g in pairs(args[i], gradient)]
        self.active = [k for k, leaf in enumerate(self.leaves) if is_active(leaf)]

    def directions(self, rng: np.random.Generator) -> list[tuple[str, dict[int, Any]]]:
        """Along each component where they are few, else along random directions: what to call each, and how the leaves move."""
        shapes = {k: np.shape(self.leaves[k]) for k in self.active}
        plane = {k: np.iscomplexobj(self.leaves[k]) for k in self.active}
        if sum(math.prod(s) for s in shapes.values()) > SHOWN:
            return [(f"argument {self.i}, random {n + 1}", self._random(rng, shapes, plane)) for n in range(3)]
        found: list[tuple[str, dict[int, Any]]] = []
        for k, shape in shapes.items():
            for index, step in itertools.product(np.ndindex(*shape), (1.0, 1j) if plane[k] else (1.0,)):
                unit = np.zeros(shape, complex if plane[k] else float)
                unit[index] = step
                found.append((self.names[k] + (f"{list(index)}" if index else "") + (" times i" if step == 1j else ""), {k: unit}))
        return found

    def _random(self, rng: np.random.Generator, shapes: Mapping[int, tuple[int, ...]], plane: Mapping[int, bool]) -> dict[int, Any]:
        along = {k: rng.standard_normal(s) + (1j * rng.standard_normal(s) if plane[k] else 0.0) for k, s in shapes.items()}
        length = math.sqrt(sum(float(np.sum(np.abs(a) ** 2)) for a in along.values()))
        return {k: a / length for k, a in along.items()}

    def slope(self, along: Mapping[int, Any]) -> float:
        """The derivative in a direction, by the gradient."""
        return sum(float(np.sum(np.asarray(self.gradient[k]) * a).real) for k, a in along.items())

    def line(self, f: Callable[..., Any], along: Mapping[int, Any]) -> Callable[[float], float]:
        """t -> f with the argument moved by t along a direction; NaN where the program is not defined."""

        def moved(k: int, t: float) -> Any:
            x = self.leaves[k]
            end = (np.asarray(x) + t * along[k]).astype(np.asarray(x).dtype)
            number: Any = next((kind for kind in (float, complex) if isinstance(x, kind)), None)
            return number(end) if number else end

        def at(t: float) -> float:
            leaves = (moved(k, t) if k in along else x for k, x in enumerate(self.leaves))
            try:
                return float(f(*self.args[: self.i], unflatten(self.tree, leaves), *self.args[self.i + 1 :]))
            except (ArithmeticError, AssertionError, ValueError):
                return float("nan")

        return at

    def size(self, along: Mapping[int, Any]) -> float:
        """The size of the components that move, 1 if they are all zero."""
        return max([float(np.max(np.abs(np.asarray(self.leaves[k]))[a != 0], initial=0.0)) for k, a in along.items()]) or 1.0

    def spacing(self, along: Mapping[int, Any]) -> float:
        """Relative spacing of the coarsest dtype among what moves."""
        return max(float(np.finfo(np.asarray(self.leaves[k]).dtype).eps) for k in along)


def paths(tree: Tree) -> Iterator[str]:
    """How each leaf is reached inside a container, as Python writes it."""
    if tree.kind == "leaf":
        yield ""
    for n, child in enumerate(tree.children):
        own = "" if tree.kind == "shared" else f".{tree.meta[1][n]}" if tree.kind == "record" else f"[{tree.meta[n]!r}]" if tree.kind == "dict" else f"[{n}]"
        yield from (own + rest for rest in paths(child))


@dataclass(frozen=True)
class Row:
    """A directional derivative beside a difference."""

    name: str
    ours: float
    theirs: float
    error: float
    kink: Kink | None

    @property
    def excused(self) -> bool:
        """At a kink any value between the derivatives from the left and from the right will do."""
        if self.kink is None or self.kink.here is not None:
            return self.kink is not None
        low, high = sorted((self.kink.left, self.kink.right))
        slack = 1e-3 * (high - low)
        return low - slack <= self.ours <= high + slack


def compare(f: Callable[..., Any], args: Sequence[Any], argnums: Sequence[int], gradient: Sequence[Any]) -> list[Row]:
    """Derivatives along each argument's components where they are few, else along random directions, beside differences."""
    rng = np.random.default_rng(0)
    arguments_ = [Parts(args, i, g) for i, g in zip(argnums, gradient, strict=True)]
    scale = max(float(np.abs(np.asarray(p.gradient[k])).max(initial=0.0)) for p in arguments_ for k in p.active)
    rows: list[Row] = []
    for parts in arguments_:
        for name, along in parts.directions(rng):
            at, eps, size = parts.line(f, along), parts.spacing(along), parts.size(along)
            ours, theirs = parts.slope(along), difference(at, (1e-3 if eps < 1e-10 else 3e-2) * size)
            error = abs(ours - theirs) / max(abs(ours), abs(theirs), 1e-3 * scale, 1e-12)
            kink = find_kink(at, eps ** (1 / 3) * size, 8 * eps * abs(at(0.0)), max(abs(ours), abs(theirs)))
            rows.append(Row(name, ours, theirs, error, kink))
    return rows


def difference(at: Callable[[float], float], h: float) -> float:
    """Central difference of a function of t, extrapolated (Ridders 1982): halve the step while the error estimate falls."""
    previous: list[float] = []
    best, error = float("nan"), float("inf")
    for _ in range(10):
        row = [(at(h) - at(-h)) / (2.0 * h)]
        for order, lower in enumerate(previous, 1):
            row.append(row[-1] + (row[-1] - lower) / (4.0**order - 1.0))
        estimate = abs(row[-1] - previous[-1]) if previous else float("inf")
        if estimate <= error:
            best, error = row[-1], estimate
        previous = row
        h /= 2.0
    return best


def best_time(call: Callable[[], Any], at_least: float = 0.2) -> float:
    """Seconds per call: the fastest of several rounds, each long enough for the clock."""
    rounds, best, begin = 1, float("inf"), time.perf_counter()
    while time.perf_counter() - begin < at_least:
        start = time.perf_counter()
        for _ in range(rounds):
            call()
        taken = time.perf_counter() - start
        best = min(best, taken / rounds)
        if taken < 1e-3:
            rounds *= 2
    return best


def seconds(t: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if t >= scale:
            return f"{t / scale:.3g} {unit}"
    return f"{t * 1e9:.3g} ns"


@contextlib.contextmanager
def stages(console: Console) -> Generator[Callable[[str], None]]:
    """A spinner that says what is being done and for how long; nothing at all where the output is not a terminal."""
    if not console.is_terminal:
        yield lambda _: None
        return
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("")
        yield lambda text: progress.update(task, description=text)


# ---- profile, show and demo


def run_profile(options: argparse.Namespace, console: Console) -> int:
    function, module = load(options.target)
    args = arguments(options.args, module)
    if options.plot is not None and not options.plot.parent.is_dir():
        raise UsageError(f"there is no directory {str(options.plot.parent)!r}")
    with stages(console) as stage:
        found = measured(function, args, differentiable(args), stage)
    page = console if console.is_terminal else Console(width=PAGE, file=console.file)
    page.print(profile_table.lines_table(found), profile_table.loops_table(found))
    for line in profile_table.notes(found):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if options.plot is not None:
        if not profile_table.draw(found, options.plot):
            raise UsageError("no picture: matplotlib is not installed (pip install 'oneform[plot]')")
        console.print(f"drawn in {options.plot}", markup=False, highlight=False, soft_wrap=True)
    return 0


def run_show(options: argparse.Namespace, console: Console) -> int:
    function, module = load(options.target)
    args = arguments(options.args, module)
    if options.grad or options.stage == "grad":
        function = of.grad(function, argnums=differentiable(args))
    lowered: Any = of.lower(function)(*args)
    text = str(getattr(lowered, "optimised" if options.stage == "grad" else options.stage)())
    if console.is_terminal:
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    else:  # byte for byte: this may be piped into a file
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
    return 0


def run_demo(options: argparse.Namespace, console: Console) -> int:
    if not options.directory.is_dir():
        raise UsageError(f"there is no directory {str(options.directory)!r}")
    return demo.main(console, options.directory)
