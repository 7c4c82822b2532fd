"""k-means in PyTorch, eager: all distances, and a second backward pass for the diagonal of the Hessian."""

import torch


def build(points, centroids):
    points, centroids = torch.from_numpy(points), torch.from_numpy(centroids).requires_grad_()

    def cost():
        return ((points[:, None] - centroids) ** 2).sum(2).amin(1).sum()

    def value():
        with torch.no_grad():
            return cost()

    def direction():
        (gradient,) = torch.autograd.grad(cost(), centroids, create_graph=True)
        (diagonal,) = torch.autograd.grad(gradient.sum(), centroids)
        return (gradient / diagonal).detach()

    return {"value": value, "derivative": direction}
