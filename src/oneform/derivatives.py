"""Derivatives of lowered functions: which leaves are differentiated, what comes back, in which containers."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from oneform import optimise, transforms
from oneform.errors import DerivativeError
from oneform.frontend.lowered import Lowered
from oneform.ir import Block, Function, Value
from oneform.tree import NONE, Leaf, Tree, subtree_ranges
from oneform.types import Scalar, Type, differentiable, element, shape_of

Args = Sequence[tuple[Tree, list[Leaf]]]
Kwargs = Mapping[str, tuple[Tree, list[Leaf]]]
Lower = Callable[[Args, Kwargs], Lowered]


@dataclass(frozen=True)
class Rule:
    """One derivative: from how a function is lowered to how its derivative is. Hashable, so that compiled code is found again."""

    argnums: int | tuple[int, ...] = 0
    has_aux: bool = False

    def lower(self, base: Lower, args: Args, kwargs: Kwargs) -> Lowered:
        raise NotImplementedError

    def parameter(self, k: int) -> str:
        """What to call argument k in messages, if not as the function calls it."""
        return ""

    def asked(self, args: Args) -> dict[int, Sequence[int]]:
        """The arguments that are differentiated, each with its parameters."""
        ranges = subtree_ranges([t for t, _ in args])
        return {n: ranges[n] for n in positions(self.argnums, len(args))}


def applied(*rules: Rule) -> Callable[[Lower], Lower]:
    """The rules one after the other, as a map from how a function is lowered to how its derivative is."""

    def derive(base: Lower) -> Lower:
        for rule in rules:
            base = functools.partial(rule.lower, base)
        return base

    return derive


# ---------------------------------------------------------------- pieces


def pure(low: Lowered) -> Function:
    """The function without its writes to arguments: a derivative never changes the caller's arrays and objects."""
    f = low.function
    count = len(low.result_leaves)
    return optimise.prepare(Function(f.name, dataclasses.replace(f.block, results=f.results[:count])))


def finish(
    low: Lowered, f: Function, result: Tree, leaves: Iterable[Leaf], pick: Sequence[int | Value], params: Sequence[int | Value] | None = None,
) -> Lowered:
    """`f` with the results picked (a value is one of its parameters), as a function that writes to nothing. `params` puts the parameters in
    another order (a value is a new one, which is not read)."""
    order: tuple[Value, ...] = f.params if params is None else tuple(f.params[k] if isinstance(k, int) else k for k in params)
    block = Block(order, f.block.body, tuple(f.results[k] if isinstance(k, int) else k for k in pick))
    places = {k: at for at, k in enumerate(range(len(f.params)) if params is None else params) if isinstance(k, int)}
    names = low.parameters if params is None else ()
    return dataclasses.replace(
        unwritten(low, places, params is not None), function=Function(f.name, block), result=result, result_leaves=list(leaves), parameters=names
    )


def unwritten(low: Lowered, places: Mapping[int, int], inside: bool) -> Lowered:
    """The derivative of a function changes nothing; but what the function would change must still be only one argument's. `places`: where the
    parameters of the function are among those of the derivative, whose first argument is a tuple of the function's if they are `inside`."""
    return dataclasses.replace(
        low,
        writes=(),
        updates=(),
        apart=tuple(places[k] for k in (*low.apart, *low.writes)),
        seeds=tuple(at for k, at in places.items() if k >= len(low.function.params) or k in low.seeds),
        watched=tuple((depth + inside, u) for depth, u in (*low.watched, *((0, u) for u in low.updates))),
        numbers=tuple(places[k] for k in low.numbers),
    )


def positions(argnums: int | tuple[int, ...], count: int) -> tuple[int, ...]:
    """Argument numbers as non-negative ones."""
    out: list[int] = []
    for n in (argnums,) if isinstance(argnums, int) else argnums:
        if not -count <= n < count:
            raise DerivativeError("E202", f"argnums names argument {n}, but the call has {count} positional argument{'' if count == 1 else 's'}")
        out.append(n % count)
    if len(set(out)) != len(out) or not out:
        raise DerivativeError("E202", f"argnums = {argnums} names {'no argument' if not out else 'an argument twice'}")
    return tuple(out)


@dataclass(frozen=True)
class Chosen:
    """What is differentiated: parameters; the structure of their gradients, None where there is no derivative; for each leaf of that the
    parameter, which is differentiated or says how long lists are, and what is known of it."""

    wrt: list[int]
    tree: Tree
    own: list[int]
    leaves: list[Leaf]

    def picked(self, f: Function, count: int) -> list[int | Value]:
        """The leaves of the gradients among the results of f, of which they come behind `count` others."""
        return [count + self.wrt.index(k) if k in self.wrt else f.params[k] for k in self.own]


def selection(args: Args, argnums: int | tuple[int, ...]) -> Chosen:
    """The leaves differentiated, as parameter numbers; the structure of what is differentiated, None where there is no derivative; their leaves."""
    ranges = subtree_ranges([t for t, _ in args])
    chosen = positions(argnums, len(args))
    wrt: list[int] = []
    own: list[int] = []
    found: list[Leaf] = []
    kids: list[Tree] = []
    for n in chosen:
        tree, leaves = args[n]
        active = [differentiable(leaf.type) for leaf in leaves]
        if not any(active):
            what = f"{leaves[0].type}" if tree.kind == "leaf" else f"a {tree.kind} without any float"
            repair = "Pass a float (2.0, not 2), or leave the argument out of argnums."
            raise DerivativeError("E202", f"argument {n} is {what}, which has no derivative", repair=repair)
        wrt += [k for k, a in zip(ranges[n], active, strict=True) if a]
        kid, kept = masked(tree, active)
        kids.append(kid)
        own += [ranges[n][k] for k in kept]
        found += [leaves[k] for k in kept]
    return Chosen(wrt, kids[0] if isinstance(argnums, int) else Tree("tuple", tuple(kids)), own, found)


def masked(tree: Tree, active: Sequence[bool]) -> tuple[Tree, list[int]]:
    """The tree with None for the leaves that are not active, and which leaves remain: the active ones, and what says how long the lists
    around them are."""
    kept: list[int] = []

    def walk(t: Tree, at: int) -> Tree:
        if t.kind == "leaf":
            if active[at]:
                kept.append(at)
            return t if active[at] else NONE
        if t.kind in ("ragged", "optional"):
            if not any(active[at + 1 : at + t.leaves]) and not _refers(t):
                return NONE
            kept.append(at)
            return dataclasses.replace(t, children=(t.children[0], walk(t.children[1], at + 1)))
        if t.kind in ("node", "tag"):
            kept.append(at)
            return t
        if t.kind == "pairs":
            keys, values = t.children
            first = at + keys.leaves
            if not any(active[first : at + t.leaves]):
                return NONE
            kept.extend(range(at, first))
            return dataclasses.replace(t, children=(keys, walk(values, first)))
        if t.kind == "text" or (t.kind == "pools" and not any(active[at : at + t.leaves])):
            return NONE
        if t.kind in ("rows", "table"):
            before = len(kept)
            item = walk(t.children[0], at)
            weak = tuple(t.meta[k - at] for k in kept[before:])
            return Tree(t.kind, (item,), weak) if weak else NONE
        kids: list[Tree] = []
        for c in t.children:
            kids.append(walk(c, at))
            at += c.leaves
        return dataclasses.replace(t, children=tuple(kids)) if kids else t

    return walk(tree, 0), kept


def _refers(tree: Tree) -> bool:
    """Whether there are objects of recursive classes inside."""
    return tree.kind == "node" or any(map(_refers, tree.children))


def split_aux(low: Lowered, has_aux: bool) -> tuple[Tree, Tree]:
    """The value's tree and the auxiliary data's."""
    if not has_aux:
        return low.result, NONE
    if low.result.kind != "tuple" or len(low.result.children) != 2:
        raise DerivativeError("E203", f"with has_aux=True the function must return a pair (value, auxiliary data), not {describe(low)}")
    return low.result.children


def describe(low: Lowered) -> str:
    """What a function returns, in words."""
    if low.result.kind == "leaf":
        return str(low.result_leaves[0].type)
    return "None" if low.result.kind == "none" else f"a {low.result.kind} of {len(low.result.children)}"


def _scalar(low: Lowered, value: Tree, transform: str) -> None:
    t = low.result_leaves[0].type if value.kind == "leaf" else None
    if not isinstance(t, Scalar) or t.dtype.kind != "f":
        what = str(t) if t is not None else describe(low)
        repair = "For functions with several results use of.jacrev, of.jacfwd or of.vjp."
        if isinstance(t, Scalar):
            repair = "Its result has no derivative: make it a float."
            if t.dtype.kind == "c":
                repair = "A gradient is that of a real number: return abs(z), z.real or z.imag. For complex results use of.jvp or of.vjp."
        raise DerivativeError("E203", f"{transform} needs a function that returns one float, but this one returns {what}", repair=repair)


def _warned(low: Lowered, f: Function, arguments: Mapping[int, Sequence[int]], outs: Sequence[int]) -> Lowered:
    """With a warning for each argument, given by its number with its parameters, on which none of the results depends in a differentiable way.
    What is under `of.stop_gradient` is constant on purpose, and no reason to warn."""
    params = {n: [k for k in ks if differentiable(f.params[k].type)] for n, ks in arguments.items()}
    reached = transforms.reached(f, outs)
    if all(any(k in reached for k in ks) for ks in params.values()):
        return low
    stopped = transforms.reached(f, outs, through_stops=True)
    found: list[str] = []
    for n, ks in params.items():
        if not any(k in stopped for k in ks):
            name = f"`{low.parameters[n]}`" if n < len(low.parameters) else str(n)
            found.append(f"the gradient of {low.function.name} by argument {name} is zero everywhere: its result does not depend on it in a differentiable way")
    return dataclasses.replace(low, warnings=(*low.warnings, *found))


# ---------------------------------------------------------------- rules


@dataclass(frozen=True)
class Grad(Rule):
    """grad and value_and_grad."""

    value: bool = False

    def lower(self, base: Lower, args: Args, kwargs: Kwargs) -> Lowered:
        chosen = selection(args, self.argnums)
        tree, leaves = chosen.tree, chosen.leaves
        low = base(args, kwargs)
        value, aux = split_aux(low, self.has_aux)
        _scalar(low, value, "value_and_grad" if self.value else "grad")
        f = pure(low)
        low = _warned(low, f, self.asked(args), [0])
        count = len(f.results)
        g = transforms.grad(f, chosen.wrt, 0)
        gradients = chosen.picked(g, count)
        auxiliary = list(range(1, count)) if self.has_aux else []
        if not self.value:
            result = Tree("tuple", (tree, aux)) if self.has_aux else tree
            return finish(low, g, result, [*leaves, *low.result_leaves[1:]], [*gradients, *auxiliary])
        head = Tree("tuple", (value, aux)) if self.has_aux else value
        return finish(low, g, Tree("tuple", (head, tree)), [*low.result_leaves, *leaves], [0, *auxiliary, *gradients])


@dataclass(frozen=True)
class Jacobian(Rule):
    """jacfwd and jacrev: for each result, for each argument, an array of their shapes side by side. `forward` None: by whichever are fewer, columns
    or rows, as far as the types tell."""

    forward: bool | None = True

    def lower(self, base: Lower, args: Args, kwargs: Kwargs) -> Lowered:
        chosen = selection(args, self.argnums)
        wrt, inner = chosen.wrt, chosen.tree
        low = base(args, kwargs)
        value, aux = split_aux(low, self.has_aux)
        outs = [k for k in range(value.leaves) if differentiable(low.result_leaves[k].type)]
        if self.forward is None:
            way = _size(chosen.leaves) <= _size([low.result_leaves[k] for k in outs])
            return dataclasses.replace(self, forward=way).lower(lambda *_: low, args, kwargs)
        self._check_real(args, low, outs)
        if not outs:
            raise DerivativeError("E203", f"a Jacobian needs a function that returns floats, but this one returns {describe(low)}")
        f = pure(low)
        if not self.forward:
            low = _warned(low, f, self.asked(args), outs)
        count = len(f.results)
        single = len(outs) == 1 and isinstance(low.result_leaves[outs[0]].type, Scalar)
        g = transforms.jacfwd(f, wrt, outs) if self.forward else transforms.grad(f, wrt, outs[0]) if single else transforms.jacrev(f, wrt, outs)
        outer, _ = masked(value, [differentiable(leaf.type) for leaf in low.result_leaves[: value.leaves]])
        if has_columns(inner) or has_columns(outer):
            raise DerivativeError("E202", "the Jacobian of or by a list of run-time length has no structure to stand in", repair="Use an array.")
        result = nested(outer, inner)
        pick = list(range(count, len(g.results)))
        leaves = [Leaf(g.results[k].type) for k in pick]
        if self.has_aux:
            result = Tree("tuple", (result, aux))
            pick += range(value.leaves, count)
            leaves += low.result_leaves[value.leaves :]
        return finish(low, g, result, leaves, pick)


    def _check_real(self, args: Args, low: Lowered, outs: Sequence[int]) -> None:
        """One direction (or one cotangent) per element tells all only if what is seeded is real."""
        leaves = selection(args, self.argnums).leaves
        if self.forward and any(element(leaf.type).kind == "c" for leaf in leaves):
            repair = "Use of.jacrev where the results are real, or of.jvp with a direction."
            raise DerivativeError("E202", "jacfwd moves each number along one direction, but complex arguments move in two", repair=repair)
        if not self.forward and any(element(low.result_leaves[k].type).kind == "c" for k in outs):
            repair = "Use of.jacfwd where the arguments are real, or of.vjp with a cotangent."
            raise DerivativeError("E203", "jacrev follows one number for each result, but complex results are two", repair=repair)


def _size(leaves: Iterable[Leaf]) -> int:
    """How many numbers there are, an open length taken for long."""
    return sum(math.prod(d if isinstance(d, int) else LONG for d in shape_of(leaf.type)) for leaf in leaves)


LONG = 64


def has_columns(tree: Tree) -> bool:
    return tree.kind in ("rows", "optional", "pairs", "pools") or any(map(has_columns, tree.children))


def nested(outer: Tree, inner: Tree) -> Tree:
    """`outer` with `inner` in place of every leaf."""
    if outer.kind == "leaf":
        return inner
    return dataclasses.replace(outer, children=tuple(nested(c, inner) for c in outer.children))


@dataclass(frozen=True)
class Jvp(Rule):
    """Called with (primals, tangents), both tuples; tangents have None where the primals have no derivative."""

    def parameter(self, k: int) -> str:
        return ("the primals", "the tangents")[k]

    def lower(self, base: Lower, args: Args, kwargs: Kwargs) -> Lowered:
        primals, tangents = args
        inner = split(primals)
        wrt = _active(primals[1])
        low = base(inner, kwargs)
        f = pure(low)
        count, n, first = len(f.results), len(primals[1]), len(f.params)
        g = transforms.jvp(f, wrt)
        order = [*range(n), *_moved(tangents, first), *range(n, first)]
        tree, kept, active = _tangents(low)
        result = Tree("tuple", (low.result, tree))
        leaves = [*low.result_leaves, *(low.result_leaves[k] for k in kept)]
        pick = [*range(count), *(count + active.index(k) if k in active else k for k in kept)]
        return finish(low, g, result, leaves, pick, order)


def _tangents(low: Lowered) -> tuple[Tree, list[int], list[int]]:
    """The structure of the tangents of a result, the leaves of it by those of the result, and which of these move."""
    flags = [differentiable(leaf.type) for leaf in low.result_leaves]
    return *masked(low.result, flags), [k for k, a in enumerate(flags) if a]


def _moved(given: tuple[Tree, list[Leaf]], first: int) -> list[int | Value]:
    """Parameters for tangents that come with the lengths of lists among them: those that move count up from `first`, lengths are not read."""
    out: list[int | Value] = []
    for leaf in given[1]:
        out.append(first if differentiable(leaf.type) else Value(leaf.type))
        first += differentiable(leaf.type)
    return out


@dataclass(frozen=True)
class Vjp(Rule):
    """Called with (primals, cotangents): cotangents in the structure of the result, None where it has no derivative. `value`: returns the
    pair of the result and the cotangents. `quiet`: no warning where a gradient is zero everywhere."""

    value: bool = False
    quiet: bool = False

    def parameter(self, k: int) -> str:
        return ("the primals", "the cotangents")[k]

    def lower(self, base: Lower, args: Args, kwargs: Kwargs) -> Lowered:
        primals, cotangents = args
        inner = split(primals)
        wrt = _active(primals[1])
        active = [k in wrt for k in range(len(primals[1]))]
        low = base(inner, kwargs)
        seeds = [k for k, leaf in enumerate(low.result_leaves) if differentiable(leaf.type)]
        f = pure(low)
        low = low if self.quiet else _warned(low, f, _primals_asked(primals), seeds)
        count, n, first = len(f.results), len(primals[1]), len(f.params)
        g = transforms.vjp(f, wrt, seeds)
        order = [*range(n), *_moved(cotangents, first), *range(n, first)]
        tree, kept = masked(primals[0], active)
        leaves = [primals[1][k] for k in kept]
        pick = Chosen(wrt, tree, kept, leaves).picked(g, count)
        if self.value:
            return finish(low, g, Tree("tuple", (low.result, tree)), [*low.result_leaves, *leaves], [*range(count), *pick], order)
        return finish(low, g, tree, leaves, pick, order)


@dataclass(frozen=True)
class Apart:
    """vjp in two functions. Called with the primals in a tuple: what the first returns, with what it saves behind; and the second, from what
    was saved and the cotangents to those of the primals."""

    def lower(self, base: Lower, primals: tuple[Tree, list[Leaf]]) -> tuple[Lowered, Lowered]:
        wrt = _active(primals[1])
        low = base(split(primals), {})
        seeds = [k for k, leaf in enumerate(low.result_leaves) if differentiable(leaf.type)]
        f = pure(low)
        low = _warned(low, f, _primals_asked(primals), seeds)
        forward, reverse = transforms.vjp_apart(f, wrt, seeds)
        active = [k in wrt for k in range(len(primals[1]))]
        tree, kept = masked(primals[0], active)
        if has_columns(tree) or has_columns(low.result):
            raise DerivativeError("E202", "of.vjp inside a program does not take lists of run-time length", repair="Use an array.")
        leaves = [primals[1][k] for k in kept]
        low = unwritten(low, {k: k for k in range(len(low.function.params))}, True)
        return dataclasses.replace(low, function=forward), dataclasses.replace(low, function=reverse, result=tree, result_leaves=leaves)


def _primals_asked(primals: tuple[Tree, list[Leaf]]) -> dict[int, Sequence[int]]:
    """The primals that have a derivative, each with its parameters."""
    leaves = primals[1]
    ranges = dict(enumerate(subtree_ranges(_members(primals[0]))))
    return {n: r for n, r in ranges.items() if any(differentiable(leaves[k].type) for k in r)}


def _active(leaves: Sequence[Leaf]) -> list[int]:
    """Which leaves of the primals have a derivative; at least one must."""
    wrt = [k for k, leaf in enumerate(leaves) if differentiable(leaf.type)]
    if not wrt:
        raise DerivativeError("E202", "none of the primals has a derivative", repair="Pass floats (2.0, not 2).")
    return wrt


def split(tupled: tuple[Tree, list[Leaf]]) -> list[tuple[Tree, list[Leaf]]]:
    """The members of a tuple of arguments, each with its leaves."""
    tree, leaves = tupled
    members = _members(tree)
    return [(c, [leaves[k] for k in r]) for c, r in zip(members, subtree_ranges(members), strict=True)]


def _members(tupled: Tree) -> tuple[Tree, ...]:
    """The members of a tuple; the first brings the tables of all objects of recursive classes with it."""
    if tupled.kind != "pools":
        return tupled.children
    *tables, inner = tupled.children
    first, *others = inner.children
    return (Tree("pools", (*tables, first), tupled.meta), *others)


def types_of(leaves: Iterable[Leaf]) -> list[Type]:
    return [leaf.type for leaf in leaves]
