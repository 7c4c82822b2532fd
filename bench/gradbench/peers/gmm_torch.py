"""The mixture in PyTorch, eager: whole arrays, a product of tensors for all points and components."""

import math

import numpy as np
import torch


def build(alpha, mu, q, l, x, m, gamma):
    n, d = x.shape
    components = len(alpha)
    cols, rows = np.triu_indices(d, 1)
    points = torch.from_numpy(x)
    leaves = [torch.from_numpy(a).requires_grad_() for a in (alpha, mu, q, l)]

    def objective():
        alpha, mu, q, l = leaves
        diagonal = q.exp()
        factor = torch.diag_embed(diagonal)
        factor[:, rows, cols] = l
        y = torch.einsum("kij,nkj->nki", factor, points[:, None] - mu)
        beta = alpha + q.sum(1) - 0.5 * (y * y).sum(2)
        freedom = d + m + 1
        constant = freedom * d * math.log(gamma / math.sqrt(2.0)) - torch.special.multigammaln(torch.tensor(0.5 * freedom, dtype=torch.float64), d)
        squares = (diagonal**2).sum() + (l**2).sum()
        prior = components * constant - 0.5 * gamma**2 * squares + m * q.sum()
        return beta.logsumexp(1).sum() - n * (0.5 * d * math.log(2.0 * math.pi) + alpha.logsumexp(0)) + prior

    def value():
        with torch.no_grad():
            return objective()

    return {"value": value, "derivative": lambda: torch.autograd.grad(objective(), leaves)}
