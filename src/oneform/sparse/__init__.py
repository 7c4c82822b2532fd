"""Sparse Jacobians and Hessians: pattern, colours, values."""

from oneform.sparse.jacobian import DenseJacobian, SparseJacobian, sparse_hessian, sparse_jacobian

__all__ = ["DenseJacobian", "SparseJacobian", "sparse_hessian", "sparse_jacobian"]
