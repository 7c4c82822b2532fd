"""Functions of NumPy and SciPy written in Python: compiled into the programs that call them, derivatives and all. Nothing here is run by Python."""
