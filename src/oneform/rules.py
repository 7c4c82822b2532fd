"""Functions with a derivative of their own: what `custom_jvp` and `custom_vjp` make of a Python function.

Under CPython they are the function itself. The compiler reads the rules when it meets such an object in a program."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any, ClassVar


class CustomRule:
    """A function with rules: `rules` are the callables that state its derivative, empty until they are given."""

    kind: ClassVar[str] = ""
    setter: ClassVar[str] = ""  # the method that gives the rule, for messages

    def __init__(self, fun: Callable[..., Any], nondiff_argnums: int | Sequence[int] = ()):
        if not callable(fun):
            raise TypeError(f"{self.kind} needs a function, not a {type(fun).__name__}")
        self.fun = fun
        self.nondiff_argnums = argument_numbers(nondiff_argnums)
        self.rules: tuple[Any, ...] = ()
        functools.update_wrapper(self, fun, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.fun(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """As a method: bound to the instance, as a function would be."""
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<of.{self.kind} {getattr(self.fun, '__qualname__', self.fun)}>"

    def __reduce__(self) -> Any:
        """What is found under its own name (a decorated function) is pickled as that name, others as what they are made of."""
        name = getattr(self, "__qualname__", "")
        found: Any = sys.modules.get(getattr(self, "__module__", ""))
        for part in name.split("."):
            found = getattr(found, part, None)
        return name if found is self else (rebuilt, (type(self), self.fun, self.nondiff_argnums, self.rules))


def argument_numbers(given: int | Sequence[int]) -> tuple[int, ...]:
    return (given,) if isinstance(given, int) else tuple(given)


def rebuilt(kind: type[CustomRule], fun: Callable[..., Any], nondiff: tuple[int, ...], rules: tuple[Any, ...]) -> CustomRule:
    made = kind(fun, nondiff)
    made.rules = rules
    return made


class custom_jvp(CustomRule):
    """A function whose derivative is what `defjvp` says, in every mode and at every order; elsewhere it is the function itself.

        @of.custom_jvp
        def log1pexp(x):
            return np.log(1.0 + np.exp(x))

        @log1pexp.defjvp
        def rule(primals, tangents):
            (x,), (t,) = primals, tangents
            return log1pexp(x), t / (1.0 + np.exp(-x))

    Reverse mode transposes the rule, which must be linear in the tangents; derivatives of higher order differentiate it. Tangents have the
    structure of the primals, with None for leaves that have no derivative (integers, bools, None): there is no float0. A tangent that the
    rule returns may be None too, for zero. Arguments named by `nondiff_argnums` are passed first, `rule(*nondiff, primals, tangents)`, and
    have no tangents; functions and other objects that are neither numbers nor containers of them need not be named. Keyword arguments
    become positional ones. What the function closes over gets no derivative: to ask for one is an error (E211).
    """

    kind = "custom_jvp"
    setter = "defjvp"

    def defjvp(self, jvp: Callable[..., Any]) -> Callable[..., Any]:
        """Give the rule: `jvp(primals, tangents)` returns the result and its tangent. Returns `jvp`, so that it can be a decorator."""
        self.rules = (jvp,)
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Give the rule by argument: `jvps[k](t, ans, *primals)` is what the tangent t of argument k contributes; None for nothing."""
        self.rules = (jvps,)


def without_derivative(why: str, repair: str) -> Callable[[Callable[..., Any]], custom_jvp]:
    """For functions that have no derivative, which is said where one is asked for (E201)."""

    def mark(fun: Callable[..., Any]) -> custom_jvp:
        made = custom_jvp(fun)
        made.rules = (f"{why}\n{repair}",)
        return made

    return mark


class custom_vjp(CustomRule):
    """A function whose derivative in reverse mode is what `defvjp` says, at every order; elsewhere it is the function itself.

        @of.custom_vjp
        def clipped(x, bound):
            return x * 1.0

        def fwd(x, bound):
            return clipped(x, bound), bound

        def bwd(bound, ct):
            return np.clip(ct, -bound, bound), None

        clipped.defvjp(fwd, bwd)

    `fwd` takes the arguments of the function and returns its result and whatever `bwd` needs; `bwd(residuals, ct)` returns a tuple with one
    cotangent for each argument, in the argument's structure; None, for an argument or a leaf, is zero. `ct` has None for leaves of the result
    that have no derivative. Arguments named by `nondiff_argnums` come first, `bwd(*nondiff, residuals, ct)`, and get no entry. Forward
    mode through such a function is refused (E212), but derivatives of what `bwd` computes are taken in either mode. What the function closes
    over gets no derivative: to ask for one is an error (E211).
    """

    kind = "custom_vjp"
    setter = "defvjp"

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Give the rule: `fwd(*args)` returns (result, residuals), `bwd(residuals, ct)` the cotangents of the arguments."""
        self.rules = (fwd, bwd)


__all__ = ["CustomRule", "argument_numbers", "custom_jvp", "custom_vjp", "without_derivative"]
