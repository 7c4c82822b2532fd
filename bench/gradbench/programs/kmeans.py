"""kmeans: Σᵢ minⱼ |Pᵢ - Cⱼ|², and the direction of a Newton step for the centroids C.

The Hessian is diagonal, so its product with a vector of ones is its diagonal. Forward mode over the gradient computes both at once.
"""

import numpy as np

import oneform as of


def cost(points, centroids):
    total = 0.0
    for i in range(points.shape[0]):
        nearest = np.inf
        for j in range(centroids.shape[0]):
            distance = 0.0
            for axis in range(points.shape[1]):
                distance += (points[i, axis] - centroids[j, axis]) ** 2
            nearest = min(nearest, distance)
        total += nearest
    return total


def dir(points, centroids):  # the name that the messages use
    slope = of.grad(cost, argnums=1)
    ones = np.ones(centroids.shape)
    gradient, diagonal = of.jvp(lambda c: slope(points, c), (centroids,), (ones,))
    return gradient / diagonal


def example():
    from bench.gradbench import wire  # which imports programs

    return wire.example("kmeans")
