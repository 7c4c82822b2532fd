"""A profile as tables and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from oneform.profile import Key, Profile, Spent

MATTERS = 0.005  # of the time of either program; lines below that, with no memory of theirs, are shown as one
ESTIMATED = 0.05  # of a line's time: above that it is marked as an estimate


def unit(p: Profile) -> tuple[str, float]:
    """The unit in which all times of a profile are shown."""
    longest = max(p.value.seconds, p.gradient.seconds)
    return next(((u, s) for u, s in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)) if longest >= s), ("ns", 1e-9))


def number(x: float) -> str:
    """Three digits, or all of them before the point."""
    return f"{x:,.0f}" if x >= 999.5 else f"{x:.3g}"


def rows(p: Profile) -> list[tuple[str, str, Spent, Spent]]:
    """What matters, in the order of the source: name and text of a line, and what value and gradient spend there."""
    keys = list({**p.value.lines, **p.gradient.lines})
    files = {k[0] for k in keys if k}
    found: list[tuple[Key, Spent, Spent]] = []
    value, gradient = Spent(), Spent()
    for k in sorted(keys, key=lambda k: k or ("", 0)):
        v, g = p.value.lines.get(k, Spent()), p.gradient.lines.get(k, Spent())
        shown = max(v.seconds / (p.value.seconds or 1.0), g.seconds / (p.gradient.seconds or 1.0)) >= MATTERS or v.asked or g.asked or g.saved
        if k is not None and shown:
            found.append((k, v, g))
        else:
            add(value, v)
            add(gradient, g)
    out = [(str(k[1]) if len(files) == 1 else f"{Path(k[0]).name}:{k[1]}", p.texts.get(k, "").rstrip(), v, g) for k, v, g in found if k]
    return [*out, ("", "other lines", value, gradient)]


def add(total: Spent, s: Spent) -> None:
    """Everything but the runs, which do not add up."""
    for name in ("forward", "reverse", "shared", "saved", "asked"):
        setattr(total, name, getattr(total, name) + getattr(s, name))


def size(n: int) -> str:
    if not n:
        return ""
    for name, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n >= 10 * scale:
            return f"{n / scale:.4g} {name}"
    return f"{n} B"


def lines_table(p: Profile) -> Table:
    """One row for each line that matters."""
    name, scale = unit(p)
    table = Table(title=f"{p.name}: time in {name} and memory by line")
    for column in ("line", "source", "value", "%", "gradient", "%", "forward", "reverse", "runs", "tape", "memory of value", "of gradient"):
        source = column == "source"
        table.add_column(column, justify="left" if source else "right", no_wrap=source, overflow="ellipsis", min_width=24 if source else None)

    def times(v: Spent, g: Spent) -> list[str]:
        def shown(t: float, s: Spent) -> str:
            return f"{'~' if s.shared > ESTIMATED * s.seconds else ''}{number(t / scale)}" if t else ""

        def percent(t: float, total: float) -> str:
            return f"{100 * t / total:.1f}" if t and total else ""

        value, gradient = p.value.seconds, p.gradient.seconds
        return [
            shown(v.seconds, v), percent(v.seconds, value), shown(g.seconds, g), percent(g.seconds, gradient), shown(g.forward, g), shown(g.reverse, g),
        ]  # fmt: skip

    sums = Spent(), Spent()
    for line, text, v, g in rows(p):
        add(sums[0], v)
        add(sums[1], g)
        runs = f"{v.runs:,}" if v.runs else ""
        table.add_row(line, text, *times(v, g), runs, size(g.saved), size(v.asked), size(g.asked), end_section=not line)
    sums[0].shared = sums[1].shared = 0.0
    table.add_row("", "in all", *times(*sums), "", size(sums[1].saved), size(sums[0].asked), size(sums[1].asked))
    return table


def loops_table(p: Profile) -> Table:
    """What the clock was read around."""
    name, scale = unit(p)
    table = Table(title=f"loops and functions as they were timed, in {name}, without those inside that are listed too")
    for column in ("lines", "what", "in", "sweep", "entered", "rounds", "time", "%"):
        table.add_column(column, justify="left" if column in ("what", "in", "sweep") else "right")
    for program, run in (("value", p.value), ("gradient", p.gradient)):
        for loop in run.loops:
            if loop.seconds < MATTERS * run.seconds:
                continue
            lines = f"{loop.first}-{loop.last}" if loop.last > loop.first else str(loop.first)
            sweep = "" if program == "value" else "reverse" if loop.reverse else "both" if loop.both else "forward"
            share = f"{100 * loop.seconds / run.seconds:.1f}"
            table.add_row(lines, loop.kind, program, sweep, f"{loop.entered:,}", f"{loop.rounds:,}", number(loop.seconds / scale), share)
    return table


def notes(p: Profile) -> list[str]:
    """The times without probes, and what the tables mean."""
    v, g, (name, scale) = p.value, p.gradient, unit(p)

    def both(value: float, gradient: float) -> str:
        return f"value {number(value / scale)} {name}, gradient {number(gradient / scale)} {name}"

    return [
        f"call      {both(v.plain, g.plain)}, ratio {g.plain / v.plain:.2f}: without probes, called from Python",
        f"probes    {both(v.call, g.call)}: the same calls with probes in the code, of which the tables show the time inside of it",
        "~         the time of the loop is measured; its lines have their parts of it by the estimated cost of their operations",
        "runs      how often the innermost code of the line is run in the value, counted, as is all memory, in one call; what the compiler "
        "moves out of a loop runs once",
        "tape      bytes that the forward sweep saves of what the line computes; memory: bytes of arrays and lists asked for, tapes included",
    ]


def draw(p: Profile, path: Path) -> bool:
    """Write the lines as horizontal bars; False where matplotlib is not installed. Raises what matplotlib does for a path that it cannot write to."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    name, scale = unit(p)
    found = [r for r in rows(p) if r[2].seconds or r[3].seconds][::-1]
    figure: Any = Figure(figsize=(11, 1.6 + 0.45 * len(found)), layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot()
    places = range(len(found))
    forward = [g.forward / scale for _, _, _, g in found]
    axes.barh([k + 0.2 for k in places], [v.seconds / scale for _, _, v, _ in found], 0.36, color="tab:gray", label="value")
    axes.barh([k - 0.2 for k in places], forward, 0.36, color="tab:blue", label="gradient, forward sweep")
    axes.barh([k - 0.2 for k in places], [g.reverse / scale for _, _, _, g in found], 0.36, left=forward, color="tab:red", label="gradient, reverse sweep")
    labels = [f"{line}  {text.strip()[:60]}".strip().replace("$", r"\$") for line, text, _, _ in found]
    axes.set_yticks(list(places), labels, family="monospace", fontsize=9)
    axes.set_xlabel(f"time of one call in {name}")
    axes.set_title(f"{p.name}: gradient/value {p.gradient.plain / p.value.plain:.2f}")
    axes.legend(loc="best")
    figure.savefig(path, dpi=120)
    return True
