"""The corpus. Importing this package fills `registry.PROGRAMS`."""

from tests.programs import arrays, complex_numbers, dynamic, exits, helpers, kinks, linalg, loops, mixed, nested, numerics, reductions, scalars, views, whiles  # pyright: ignore[reportUnusedImport]
