"""The tree-LSTM in PyTorch, eager, as its users write it: one tree after the other, by recursion."""

import torch

from bench.tree_lstm.program import SIZE

torch.set_num_threads(1)


def build(p, trees, targets):
    parameters = {k: torch.tensor(x, requires_grad=True) for k, x in p.items()}
    wanted = torch.tensor(targets)

    def state(tree, p):
        if tree.left is None:
            i, u, o = (p["leaf"] @ p["words"][tree.word] + p["leaf_bias"]).split(SIZE)
            cell = torch.sigmoid(i) * torch.tanh(u)
            return torch.sigmoid(o) * torch.tanh(cell), cell
        left, left_cell = state(tree.left, p)
        right, right_cell = state(tree.right, p)
        i, u, f, g, o = (p["left"] @ left + p["right"] @ right + p["bias"]).split(SIZE)
        cell = torch.sigmoid(i) * torch.tanh(u) + torch.sigmoid(f) * left_cell + torch.sigmoid(g) * right_cell
        return torch.sigmoid(o) * torch.tanh(cell), cell

    def loss():
        total = torch.zeros((), dtype=torch.float64)
        for k, tree in enumerate(trees):
            hidden, _ = state(tree, parameters)
            total = total + (parameters["out"] @ hidden - wanted[k]) ** 2
        return total

    def value():
        with torch.no_grad():
            return loss().item()

    def gradient():
        for x in parameters.values():
            x.grad = None
        loss().backward()
        return [x.grad for x in parameters.values()]

    return {"value": value, "gradient": gradient}
