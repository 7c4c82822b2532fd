"""IR to machine code. The only part that knows LLVM."""

from oneform.codegen import arrays, build, chunks, control, lists, recursion
from oneform.codegen.emit import Options, Site
from oneform.codegen.kernel import Kernel, compile_function, compile_probed, packed_entry, prepared, signature
from oneform.codegen.probes import TIMED, Probe
from oneform.codegen.target import Loaded, description, load_object

__all__ = [
    "TIMED", "Kernel", "Loaded", "Options", "Probe", "Site", "arrays", "build", "chunks", "compile_function", "compile_probed", "control", "description",
    "lists", "load_object", "packed_entry", "prepared", "recursion", "signature",
]
