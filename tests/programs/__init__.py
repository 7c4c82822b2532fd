"""The corpus. Importing this package fills `registry.PROGRAMS`."""

from tests.programs import arrays, dynamic, exits, helpers, kinks, linalg, loops, mixed, numerics, reductions, scalars, views, whiles  # pyright: ignore[reportUnusedImport]
