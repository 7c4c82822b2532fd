"""The corpus. Importing this package fills `registry.PROGRAMS`."""

from tests.programs import (  # isort: skip  # pyright: ignore[reportUnusedImport]
    arrays, callbacks, collections_, complex_numbers, dynamic, everyday, exits, generators, geometry, helpers, kinks, lanes, linalg, lists, loops, mechanics, mixed, nested, numerics, objects, recursion, recursion_on_arrays, reductions, scalars, sequences, views, whiles,
)  # fmt: skip
