"""Nested Python values as a flat list of leaves and a hashable description of the nesting."""

from oneform.tree.axes import axes_tree
from oneform.tree.columns import Made
from oneform.tree.flat import SHORT, copied, flatten, map_leaves, nodes_in, spread, unflatten
from oneform.tree.nesting import LEAF, NONE, Leaf, Tree, columns_among, field_names, has_fixed_fields, is_frozen, native, readable, subtree_ranges
from oneform.tree.pools import objects_of

__all__ = [
    "LEAF", "NONE", "SHORT", "Leaf", "Made", "Tree", "axes_tree", "columns_among", "copied", "field_names", "flatten", "has_fixed_fields", "is_frozen",
    "map_leaves", "native", "nodes_in", "objects_of", "readable", "spread", "subtree_ranges", "unflatten",
]  # fmt: skip
