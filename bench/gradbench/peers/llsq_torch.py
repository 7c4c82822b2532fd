"""The fit in PyTorch, eager: a matrix of powers."""

import torch


def build(x, n):
    x = torch.from_numpy(x).requires_grad_()

    def primal():
        t = torch.linspace(-1.0, 1.0, n, dtype=torch.float64)
        return 0.5 * ((t.sign() - torch.vander(t, x.shape[0], increasing=True) @ x) ** 2).sum()

    def value():
        with torch.no_grad():
            return primal()

    return {"value": value, "derivative": lambda: torch.autograd.grad(primal(), x)}
