"""Where a program comes from: a Python function, a derivative of another program, a program in lanes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oneform import frontend, manifest
from oneform.derivatives import Rule, applied
from oneform.frontend.lowered import Lowered
from oneform.identity import Identity, identify
from oneform.tree import Leaf, Tree

Args = Sequence[tuple[Tree, list[Leaf]]]
Kwargs = Mapping[str, tuple[Tree, list[Leaf]]]


class Origin:
    """What is compiled: lowered anew for each signature."""

    def lower(self, args: Args, kwargs: Kwargs) -> Lowered:
        raise NotImplementedError

    def identity(self) -> Identity:
        """What makes two callables the same program."""
        raise NotImplementedError

    def stable(self) -> str:
        """A text that means this program in other processes too; manifest.Unstable if there is none."""
        raise manifest.Unstable

    @property
    def python(self) -> Any:
        """The user's function, for names and signature."""
        return None

    def callee(self) -> Any:
        """What `trace` takes for it: a Python function, or what the frontend has for derivatives and the like."""
        raise NotImplementedError

    def parameter(self, k: int) -> str:
        """What to call positional argument k in messages."""
        return f"argument {k}"


class FromPython(Origin):
    """A function as the user wrote it."""

    def __init__(self, function: Callable[..., Any]):
        self.function = function

    def lower(self, args: Args, kwargs: Kwargs) -> Lowered:
        return frontend.trace(self.function, list(args), dict(kwargs))

    def callee(self) -> Any:
        return self.function

    def identity(self) -> Identity:
        return identify(self.function)

    def stable(self) -> str:
        return manifest.fingerprint(self.function)

    @property
    def python(self) -> Any:
        return self.function

    def parameter(self, k: int) -> str:
        try:
            names = [p for p in inspect.signature(self.function).parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        except (TypeError, ValueError):
            return f"argument {k}"
        return f"argument `{names[k].name}`" if k < len(names) else f"argument {k}"


class Derived(Origin):
    """A derivative of another origin."""

    def __init__(self, base: Origin, rule: Rule):
        self.base, self.rule = base, rule

    def lower(self, args: Args, kwargs: Kwargs) -> Lowered:
        return self.rule.lower(self.base.lower, args, kwargs)

    def callee(self) -> Any:
        return frontend.derived(self.base.callee(), applied(self.rule))

    def identity(self) -> Identity:
        return self.base.identity().extended(self.rule)

    def stable(self) -> str:
        return f"{self.rule!r} of {self.base.stable()}"

    @property
    def python(self) -> Any:
        return self.base.python

    def parameter(self, k: int) -> str:
        return self.rule.parameter(k) or self.base.parameter(k)


class Lanes(Origin):
    """of.vmap of another origin."""

    def __init__(self, base: Origin, in_axes: Tree, out_axes: Tree, size: int | None):
        self.base, self.axes = base, (in_axes, out_axes, size)

    def lower(self, args: Args, kwargs: Kwargs) -> Lowered:
        return frontend.trace(self.callee(), list(args), dict(kwargs))

    def callee(self) -> Any:
        return frontend.mapped(self.base.callee(), *self.axes)

    def identity(self) -> Identity:
        return self.base.identity().extended("vmap", self.axes)

    def stable(self) -> str:
        return f"vmap {self.axes!r} of {self.base.stable()}"

    @property
    def python(self) -> Any:
        return self.base.python

    def parameter(self, k: int) -> str:
        return self.base.parameter(k)
