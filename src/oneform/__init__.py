"""Oneform: ordinary Python compiled to native code, together with any derivative of it."""

from oneform import nn, random
from oneform.api import (
    Lowering,
    Program,
    check_grads,
    custom_jvp,
    custom_vjp,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jit,
    jvp,
    lower,
    parse,
    stop_gradient,
    trace,
    value_and_grad,
    vjp,
    vmap,
)
from oneform.errors import ArgumentError, CompileError, DerivativeError, OneformError, ZeroGradientWarning
from oneform.runtime.threads import get_num_threads, set_num_threads

__version__ = "0.1.0"

__all__ = [
    "ArgumentError", "CompileError", "DerivativeError", "Lowering", "OneformError", "Program", "ZeroGradientWarning", "check_grads",
    "custom_jvp", "custom_vjp", "get_num_threads", "grad", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jit", "jvp", "lower", "nn", "parse", "random",
    "set_num_threads", "stop_gradient", "trace", "value_and_grad", "vjp", "vmap",
]
