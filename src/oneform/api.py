"""The whole compiler on one screen: compile a function, differentiate it, look at every stage."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, overload

from oneform.derivatives import Apart, Grad, Jacobian, Jvp, Lower, Rule, applied
from oneform.gradcheck import check_grads
from oneform.origins import Derived, Lanes
from oneform.program import Lowering, Program, lower_call, parse, program_of
from oneform.pullback import hvp, jvp, vjp
from oneform.rules import custom_jvp, custom_vjp
from oneform.runtime.engine import Options
from oneform.sparse import DenseJacobian, SparseJacobian, sparse_hessian, sparse_jacobian
from oneform.staging import Compiled, options_of, origin_of
from oneform.tree import axes_tree

F = TypeVar("F", bound=Callable[..., Any])
Argnums = int | Sequence[int]


@overload
def jit(f: None = None, *, fastmath: bool | None = None, boundscheck: bool = True, parallel: bool = False, cache: bool = True) -> Callable[[F], F]: ...
@overload
def jit(f: F, *, fastmath: bool | None = None, boundscheck: bool = True, parallel: bool = False, cache: bool = True) -> F: ...
def jit(f: Any = None, *, fastmath: bool | None = None, boundscheck: bool = True, parallel: bool = False, cache: bool = True) -> Any:
    """Compile `f` to native code, at the first call with arguments of new types. Also a decorator.

    Arguments and results are Python numbers, NumPy scalars, arrays of bool, int32, int64, float32, float64, complex64 or complex128 of any shape, and
    tuples, lists, dicts, NamedTuples and dataclasses of these. Numbers come back as Python numbers (float32, int32 and complex64 as NumPy scalars), arrays
    as new C-contiguous arrays.
    Arrays that `f` writes to are changed in place. Lengths of arrays do not matter to the compiled code, except that lengths of 1 and short
    trailing lengths are compiled in.

    fastmath     None: sums that NumPy computes may be reassociated, multiply-add is fused; True: so is everything else; False: neither.
    boundscheck  False: a bad index is undefined behaviour instead of an IndexError.
    parallel     run loops whose rounds do not need each other on several threads (`set_num_threads`), in derivatives too. Sums of the parts of a loop are
                 added in order: the same number of threads gives the same bits. Where a round raises, rounds after it may already have written to arrays.
    cache        keep the machine code on disk ($ONEFORM_CACHE_DIR, or oneform in the user's cache folder; ONEFORM_CACHE=0 turns it off).

    Calls raise what `f` raises, at its line; ArgumentError (a TypeError) E401 for an argument of another kind, E402 for a read-only array
    that `f` writes to, E403 for one that overlaps another argument; CompileError if `f` uses what the compiler does not know.
    """
    options = Options(fastmath, boundscheck, parallel, cache)
    if f is None:
        return lambda g: jit(g, fastmath=fastmath, boundscheck=boundscheck, parallel=parallel, cache=cache)  # pyright: ignore[reportUnknownLambdaType, reportUnknownVariableType]
    return Compiled(origin_of(f), options, "jit")


def _options(f: Any, parallel: bool | None) -> Options:
    """The options of a compiled function, which its derivatives inherit; `parallel` says otherwise if it is given."""
    options = options_of(f)
    return options if parallel is None else dataclasses.replace(options, parallel=parallel)


def _derived(f: Any, rule: Rule, kind: str, parallel: bool | None) -> Any:
    """A compiled derivative."""
    return Compiled(Derived(origin_of(f), rule), _options(f, parallel), kind)


def _numbers(argnums: Argnums) -> int | tuple[int, ...]:
    return argnums if isinstance(argnums, int) else tuple(argnums)


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, parallel: bool | None = None) -> Callable[..., Any]:
    """The gradient of `f`, which returns one float, by reverse mode: a compiled function of the same arguments.

    The result has the structure of argument `argnums` (a float for a float, an array of the same shape and dtype for an array, the same container
    for a container, with None for leaves that have no derivative); for several argnums a tuple of these. With `has_aux`, `f` returns a
    pair (value, auxiliary data), and the gradient comes as (gradient, auxiliary data). Arrays that `f` writes to are left as they are.

    The gradient with respect to z = x + iy is du/dx - i du/dy, as in JAX: u changes by Re(sum of gradient * dz), and for u = Re f with f analytic it is f'.

    Derivatives compile with the options of `f` if that is compiled by `jit`; `parallel` as for `jit`, here and in the functions below.

    Calls raise DerivativeError (a TypeError): E202 for an argument without derivative (an integer), E203 if `f` does not return one float.
    """
    return _derived(f, Grad(_numbers(argnums), has_aux), "grad", parallel)


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, parallel: bool | None = None) -> Callable[..., Any]:
    """As `grad`, but returns (value, gradient), from one run; with `has_aux`, ((value, auxiliary data), gradient)."""
    return _derived(f, Grad(_numbers(argnums), has_aux, value=True), "value_and_grad", parallel)


def jacfwd(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, parallel: bool | None = None) -> Callable[..., Any]:
    """The Jacobian of `f` by forward mode: right for few inputs and many results.

    For each leaf of the result, in its container, the structure of argument `argnums`, with arrays of shape result.shape + argument.shape.
    Raises DerivativeError E202 for arguments without derivative and for complex ones (which move in two directions), E203 if `f` returns no float.
    """
    return _derived(f, Jacobian(_numbers(argnums), has_aux, forward=True), "jacfwd", parallel)


def jacrev(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, parallel: bool | None = None) -> Callable[..., Any]:
    """The Jacobian of `f` by reverse mode: right for many inputs and few results. Otherwise as `jacfwd`, but that arguments may be complex and results not."""
    return _derived(f, Jacobian(_numbers(argnums), has_aux, forward=False), "jacrev", parallel)


@overload
def jacobian(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, sparse: Literal[True], parallel: bool | None = None) -> SparseJacobian: ...
@overload
def jacobian(
    f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, sparse: Literal[False] | None = None, parallel: bool | None = None,
) -> DenseJacobian: ...
def jacobian(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, sparse: bool | None = None, parallel: bool | None = None) -> Any:
    """The Jacobian of `f`: dense as `jacfwd` or `jacrev` gives it, whichever has fewer passes; with `sparse=True` a scipy.sparse.csr_matrix.

    The matrix has one column for each float of the arguments `argnums`, in their order, flattened, and one row for each float of the result. Its
    pattern holds for any values of these arguments: it follows from the program and from its other arguments (indices, sizes, data). It is found
    once, coloured, and used again until one of those that it depends on changes. What it contains beside the nonzeros is stored as 0.0. The
    dtype is that of the results. All matrices of one pattern share its indices, which are read-only: copy one before dropping its zeros.
    `.pattern(*args)`, `.colours(*args)` and `.cost(*args)` show what is done. With `has_aux`, `f` returns a pair (value, auxiliary data), and
    the result is the pair of the Jacobian of the value and the data.

    Calls raise DerivativeError: E202 for arguments without derivative and for complex ones, E203 if `f` returns no float. A compiled program
    cannot call a sparse Jacobian: CompileError.
    """
    if sparse:
        return sparse_jacobian(origin_of(f), _options(f, parallel), _numbers(argnums), has_aux)
    return DenseJacobian(origin_of(f), _options(f, parallel), _numbers(argnums), has_aux)


def hessian(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, sparse: bool = False, parallel: bool | None = None) -> Callable[..., Any]:
    """Second derivatives, by forward over reverse mode: for an argument of shape s an array of shape s + s, nested for containers. Raises as `jacfwd`.

    With `sparse=True`, for `f` that returns one float, a symmetric scipy.sparse.csr_matrix over all floats of the arguments `argnums`, flattened; see
    `jacobian`.
    """
    if sparse:
        return sparse_hessian(origin_of(f), _options(f, parallel), _numbers(argnums), has_aux)
    return jacfwd(jacrev(f, argnums, has_aux), argnums, has_aux, parallel=_options(f, parallel).parallel)


def _dense(sparse: bool | None) -> None:
    if sparse:
        raise TypeError("a compiled program cannot call a sparse Jacobian")


# How the frontend reads these names inside a program: from the options to the rule for lowering the derivative.
_INSIDE: dict[Any, Callable[..., Callable[[Lower], Lower]]] = {
    grad: lambda argnums=0, has_aux=False, parallel=None: applied(Grad(_numbers(argnums), has_aux)),
    value_and_grad: lambda argnums=0, has_aux=False, parallel=None: applied(Grad(_numbers(argnums), has_aux, value=True)),
    jacfwd: lambda argnums=0, has_aux=False, parallel=None: applied(Jacobian(_numbers(argnums), has_aux, forward=True)),
    jacrev: lambda argnums=0, has_aux=False, parallel=None: applied(Jacobian(_numbers(argnums), has_aux, forward=False)),
    jacobian: lambda argnums=0, has_aux=False, *, sparse=None, parallel=None: applied(Jacobian(_numbers(argnums), has_aux, forward=_dense(sparse))),
    hessian: lambda argnums=0, has_aux=False, parallel=None: applied(*(Jacobian(_numbers(argnums), has_aux, forward=way) for way in (False, True))),
    jit: lambda **options: applied(),
}
for _function, _inside in _INSIDE.items():
    _function.__oneform_transform__ = _inside


def _hessian_product(count: int) -> Any:
    """Forward mode over the gradient by all arguments; of the pair (gradient, its tangent) the latter."""
    return applied(Grad(tuple(range(count))), Jvp()), lambda pair: pair.items[1].items[0] if count == 1 else pair.items[1]


jvp.__oneform_product__ = lambda count: (applied(Jvp()), lambda pair: pair)  # type: ignore[attr-defined]
hvp.__oneform_product__ = _hessian_product  # type: ignore[attr-defined]
vjp.__oneform_apart__ = Apart()  # type: ignore[attr-defined]


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0, axis_size: int | None = None) -> Callable[..., Any]:
    """`f` along axes of arrays: it is called for each index of these axes, and the results are put side by side. A compiled function.

    vmap(f)(x, y) is np.stack([f(x[k], y[k]) for k in range(len(x))]), as one loop, for results that are numbers, arrays or containers of them. What `f` does
    in one lane does not depend on the others: there may be `while` loops of any length, branches, recursion, exceptions. Lanes run in the order of the
    index; what `f` writes to a mapped array is written to that part of it, what it writes to one that is not mapped the next lane sees.

    in_axes    for each positional argument the axis of its arrays to go along (negative ones count from the end), or None to pass all of it to every
               lane, as numbers, strings and functions must be; instead of one number a container of these in the structure of the argument. One number
               or None alone is for all arguments. Arguments by keyword go along axis 0.
    out_axes   in the same way, along which axis of each result the lanes lie. None: the result does not depend on the lane.
    axis_size  the number of lanes, where no argument says so.

    Calls raise CompileError: E103 for an argument without that axis or, as far as known beforehand, axes of different lengths (otherwise ValueError), E106
    for axes in another structure than the arguments or results, no axis at all, and out_axes=None for a result that may depend on the lane; ValueError
    for results of different shapes; and what `f` raises in the first lane that does.
    """
    size = None if axis_size is None else operator.index(axis_size)
    return Compiled(Lanes(origin_of(f), axes_tree(in_axes, "in_axes"), axes_tree(out_axes, "out_axes"), size), options_of(f), "vmap")


vmap.__oneform_lanes__ = True  # type: ignore[attr-defined]


def trace(f: Callable[..., Any]) -> Callable[..., Program]:
    """trace(f)(*args): the program that `f` is for arguments of these types. It prints, verifies, interprets, transforms, compiles.

    Raises CompileError where `f` uses what the compiler does not know, ArgumentError E401 for unsuitable arguments.
    """
    origin = origin_of(f)
    return lambda *args, **kwargs: program_of(origin, args, kwargs)


def lower(f: Callable[..., Any]) -> Callable[..., Lowering]:
    """lower(f)(*args): every stage of compilation for arguments of these types: .ir(), .optimised(), .llvm(), .asm(). Raises as `trace`."""
    origin = origin_of(f)
    options = options_of(f)
    return lambda *args, **kwargs: lower_call(origin, options, args, kwargs)


def stop_gradient(x: Any) -> Any:
    """x itself, a number, an array or a container; inside a function that is differentiated, a constant to every derivative."""
    return x


stop_gradient.__oneform_op__ = "stop_gradient"  # type: ignore[attr-defined]  # how the frontend reads a call of it

__all__ = [
    "Lowering", "Program", "check_grads", "custom_jvp", "custom_vjp", "grad", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jit", "jvp", "lower", "parse",
    "stop_gradient", "trace", "value_and_grad", "vjp", "vmap",
]
