"""IR to IR, changing what is computed: derivatives. No operation is known by name here; each is asked for its rule."""

from oneform.transforms.activity import reached
from oneform.transforms.apart import vjp_apart
from oneform.transforms.compressed import compressed
from oneform.transforms.jacobian import jacfwd, jacrev
from oneform.transforms.jvp import jvp
from oneform.transforms.lanes import NoLanes
from oneform.transforms.reverse import grad, vjp
from oneform.transforms.sparsity import blocks, dependence
from oneform.transforms.stored import stored

__all__ = ["NoLanes", "blocks", "compressed", "dependence", "grad", "jacfwd", "jacrev", "jvp", "reached", "stored", "vjp", "vjp_apart"]
