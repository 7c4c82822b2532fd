"""The corpus. Importing this package fills `registry.PROGRAMS`."""

from tests.programs import (  # isort: skip  # pyright: ignore[reportUnusedImport]
    arrays, complex_numbers, dynamic, everyday, exits, generators, helpers, kinks, linalg, lists, loops, mixed, nested, numerics, objects, recursion, reductions, scalars, views, whiles,
)  # fmt: skip
