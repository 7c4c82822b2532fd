"""IR to machine code. The only part that knows LLVM."""

from oneform.codegen import arrays, build, chunks, control, lists, recursion
from oneform.codegen.emit import Options, Site
from oneform.codegen.kernel import Kernel, compile_function, packed_entry, signature
from oneform.codegen.target import Loaded, description, load_object

__all__ = [
    "Kernel", "Loaded", "Options", "Site", "arrays", "build", "chunks", "compile_function", "control", "description", "lists", "load_object",
    "packed_entry", "recursion", "signature",
]
