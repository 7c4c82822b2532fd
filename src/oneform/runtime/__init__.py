"""Running what codegen makes: arguments and results, entries from Python, errors, the disk cache."""
