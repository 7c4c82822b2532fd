"""The state of one lowering: where instructions go, what is known, and the few primitives that every construct is built from."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from oneform.errors import CompileError, Location, OneformError
from oneform.families import Family
from oneform.frontend.affine import Affine, Bounds, constant, nonnegative
from oneform.frontend.capture import Capture, Dependency
from oneform.frontend.fence import check_node
from oneform.frontend.state import Frame, Scope, State
from oneform.frontend.values import Abstract, Box, Cell, Known, Memory, Num, Rows, number
from oneform.ir import Builder, Value
from oneform.ops import constant as ir_constant
from oneform.ops import make
from oneform.types import ANY, BOOL, I64, Dim, DType, Scalar, Type, element, shape_of

BY_PYTHON = make.by_python()
# How the names of modules begin that are compiled into the user's program: what is said of their lines is said of the line that calls them.
LIBRARY = ("oneform.frontend.library", "oneform.frontend.written.")


class PathEnds(Exception):
    """Control surely does not come back from here: the program raises."""


class Tracer:
    """Everything that handlers of syntax share. Handlers are functions in the other modules of this package."""

    def __init__(self, statements: dict[type, Any], expressions: dict[type, Any], call: Callable[..., Abstract]):
        self.call = call  # frames.call_node, for handlers that call functions given to them
        self.root = Builder()
        self.b = self.root
        self.scope = Scope(None, self.root)
        self.state = State()
        self.frame: Frame | None = None
        self.stack: list[Frame] = []
        self.barrier = 0  # frames of the stack below it are those of another function of the representation
        self.recursive: set[Any] = set()  # functions known to call themselves, with the types of their arguments
        self.function_names: set[str] = set()  # of recursive functions
        self.resized: set[Any] = set()  # boxes of lists whose length was changed
        self.loop_indices: list[Value | None] = []  # of the loops around what is being lowered
        self.rewritten: set[Any] = set()  # boxes of run-time lists that were changed
        self.rebound: set[Any] = set()  # boxes of lists in whose objects other arrays, lists or objects were put
        self.closed_over: set[Any] = set()  # paths of frames whose names a function value may still read
        self.handled: list[Any] = []  # calls that handlers carry out: the frame, the node, and how many functions they have called
        self.testing = 0  # conditions of loops around what is being lowered
        self.spent: dict[Any, Any] = {}  # iterators that have been gone through, and where
        self.unrolled: tuple[int, ...] = ()  # indices of the structural loops being unrolled
        self.statements, self.expressions = statements, expressions
        self.captures: dict[Any, tuple[Capture, Value]] = {}
        self.captured_cells: dict[Any, Cell] = {}
        self.pools: dict[Family, Box] = {}
        self.dispatchers: dict[tuple[Family, str], Abstract] = {}
        self.first_rows: dict[Family, Value] = {}  # of the argument being read: where its objects begin in the pools
        self.lodged: dict[Box, set[Memory]] = {}  # lists and arrays that were put into objects of a pool, of which these hold copies
        self.given: set[Box] = set()  # pools with objects of the caller's in them
        self.written: dict[Box, dict[str, None]] = {}  # fields of objects in these in whose lists, arrays and objects something is changed
        self.unfit: dict[Box, tuple[str, Location | None]] = {}  # what cannot be done to the caller's objects in these, and where
        self.changed: set[Box] = set()  # objects and pools that the program writes to
        self.fields_of: dict[type, tuple[str, ...]] = {}  # of recursive classes
        self.captured_boxes: dict[Any, Abstract] = {}
        self.dependencies: dict[Any, Dependency] = {}
        self.returned_at: Location | None = None  # the last return statement that was run
        self.codes: dict[Any, None] = {}  # code objects of the Python functions compiled in
        self.shown: set[Any] = set()  # arrays of which an element was taken as an array without axes
        self.numbers_only: dict[int, None] = {}  # parameters that must not be arrays without axes, since they would be changed in place
        self.held: list[Abstract] = []  # values without a name: what the loops around iterate over, operands evaluated already
        self.keep: list[Any] = []  # objects whose id() serves as a key
        self.affine: dict[Value, Affine] = {}
        self.bounds: dict[Any, Bounds] = {}
        self.conditions: dict[Value, tuple[list[Affine], list[Affine]]] = {}  # facts where a bool holds, and where it does not
        self.implied: dict[tuple[Value, bool], list[tuple[Num, bool]]] = {}  # what follows from a bool that holds, or does not
        self.atom_scope: dict[Any, Scope] = {}
        self.positive_part: dict[Value, Affine] = {}  # of what a value is the larger of it and 0
        self.inner: dict[Any, Affine] = {}  # the same by atom
        self.symbol_of: dict[Any, str] = {}
        self.taken: set[str] = set()
        self.loop_cache: dict[Any, dict[Any, Any]] = {}
        self.counter = 0
        self.warnings: list[str] = []
        self.readings: list[Any] = []  # calls of functions with custom rules whose rules are being read

    # ------------------------------------------------------------ places and refusals

    def at(self, node: ast.AST) -> Location | None:
        if self.frame is None:
            return None
        return self.b.loc if self.in_library() else self.frame.source.location(node)

    def in_library(self) -> bool:
        """Whether what is being lowered is not the user's."""
        return str(self.here.source.globals.get("__name__")).startswith(LIBRARY)

    def refuse(self, code: str, detail: str, node: ast.AST | None = None, repair: str = "") -> NoReturn:
        raise CompileError(code, detail, self.at(node) if node is not None else self.b.loc, repair)

    @property
    def here(self) -> Frame:
        assert self.frame is not None
        return self.frame

    # ------------------------------------------------------------ dispatch

    def expr(self, node: ast.expr) -> Abstract:
        """The abstract value of an expression."""
        return self._visit(self.expressions, node)

    def stmt(self, node: ast.stmt) -> None:
        self._visit(self.statements, node)

    def _visit(self, table: dict[type, Any], node: Any) -> Any:
        with self.placed(node):
            return table[type(node)](self, node)

    @contextmanager
    def placed(self, node: ast.AST) -> Generator[None]:
        """Instructions and refusals in this block are those of a syntax node."""
        b, before, loc = self.b, self.b.loc, self.at(node)
        b.loc = loc
        try:
            check_node(node)
            yield
        except OneformError as e:
            raise e.at(loc) from None
        finally:
            b.loc = before

    # ------------------------------------------------------------ regions

    @contextmanager
    def region(self, facts: Sequence[Affine] = ()) -> Generator[Builder]:
        """Instructions go to a new builder, facts to a new scope, until the block ends."""
        saved_b, saved_scope = self.b, self.scope
        self.b = saved_b.sub()
        self.scope = Scope(saved_scope, self.b, saved_scope.depth + 1, facts=list(facts))
        try:
            yield self.b
        finally:
            self.b, self.scope = saved_b, saved_scope

    def checkpoint(self) -> Callable[[], None]:
        """What undoes everything that is lowered from here on: instructions, facts, and the state."""
        b, scope, state, frame, size = self.b, self.scope, self.state.copy(), self.frame, len(self.b.body)
        memo, facts, held = dict(scope.memo), list(scope.facts), list(self.held)

        def undo() -> None:
            self.b, self.scope, self.state, self.frame = b, scope, state, frame
            del b.body[size:]
            scope.memo, scope.facts = memo, facts
            self.held[:] = held

        return undo

    @contextmanager
    def resume(self, b: Builder, scope: Scope) -> Generator[None]:
        """Go on in a region that was left."""
        saved_b, saved_scope = self.b, self.scope
        b.loc = saved_b.loc
        self.b, self.scope = b, scope
        try:
            yield
        finally:
            self.b, self.scope = saved_b, saved_scope

    @contextmanager
    def holding(self, *values: Abstract) -> Generator[None]:
        """These values will be used again, though no name refers to them."""
        before = len(self.held)
        self.held.extend(values)
        try:
            yield
        finally:
            del self.held[before:]

    @contextmanager
    def handling(self, node: ast.AST) -> Generator[None]:
        """A handler carries out a call, and may call functions that it is given several times."""
        self.handled.append([self.frame, node, 0])
        try:
            yield
        finally:
            self.handled.pop()

    def repeated(self, node: ast.AST) -> tuple[int, ...]:
        """Tells apart what one handler calls: each has names of its own, which the functions it makes may read later."""
        if not self.handled or self.handled[-1][0] is not self.frame or self.handled[-1][1] is not node:
            return ()
        self.handled[-1][2] += 1
        return (self.handled[-1][2],)

    def pool(self, family: Family) -> Box:
        """The table of all objects of a family of recursive classes."""
        found = self.pools.get(family)
        if found is None:
            found = self.pools[family] = Box(str(family), "pool", Rows(None, None, family))
        return found

    # ------------------------------------------------------------ numbers

    def value(self, n: Num, dtype: DType | None = None) -> Value:
        """The IR value of a number, converted to a dtype."""
        dtype = dtype or n.dtype
        if n.value is None:
            known: Any = n.known
            if dtype.kind == "i" and isinstance(known, int) and not -(2 ** (dtype.bits - 1)) <= known < 2 ** (dtype.bits - 1):
                self.refuse("E301", f"the integer {known} does not fit {dtype}")
            if isinstance(known, complex) and dtype.kind != "c":
                self.refuse("E101", f"a complex number does not become {dtype}", None, "Take its real part: z.real.")
            return ir_constant(self.b, known, dtype)
        return make.convert(self.b, n.value, dtype)

    def strong(self, v: Value) -> Num:
        return Num(element(v.type), False, v)

    def integer(self, v: Value) -> Num:
        """An i64 value as a Python int."""
        return Num(I64, True, v)

    def op(self, f: Callable[..., Any], *args: Value) -> Value:
        """The operation that a Python callable stands for."""
        return self.b.emit1(BY_PYTHON[id(f)], *args)

    def iadd(self, a: Num, b: Num | int) -> Num:
        return self._iop(operator.add, a, b if isinstance(b, Num) else number(b))

    def isub(self, a: Num, b: Num | int) -> Num:
        return self._iop(operator.sub, a, b if isinstance(b, Num) else number(b))

    def imul(self, a: Num, b: Num | int) -> Num:
        return self._iop(operator.mul, a, b if isinstance(b, Num) else number(b))

    def _iop(self, f: Callable[[Any, Any], Any], a: Num, b: Num) -> Num:
        """Index arithmetic in i64, with what is known folded."""
        if a.known is not None and b.known is not None:
            return number(int(f(a.known, b.known)))
        if f is not operator.mul and b.known == 0 or f is operator.mul and b.known == 1:
            return self.as_index(a)
        if f is operator.add and a.known == 0 or f is operator.mul and a.known == 1:
            return self.as_index(b)
        if f is operator.sub and a.value is not None and a.value is b.value or f is operator.mul and (a.known == 0 or b.known == 0):
            return number(0)
        x, y = self.affine_of(a), self.affine_of(b)
        if f is not operator.mul and not (x + y if f is operator.add else x - y).terms:
            return number((x + y if f is operator.add else x - y).const)
        out = self.integer(self.op(f, self.value(a, I64), self.value(b, I64)))
        self.learn_arithmetic(f, a, b, out)
        return out

    def int_divide(self, a: Num, b: Num) -> Num:
        """a // b for b > 0."""
        if b.known is not None:
            return self.floor_divide(a, int(b.known)) if b.known > 1 else a
        return self.integer(self.op(operator.floordiv, self.value(a, I64), self.value(b, I64)))

    def as_index(self, n: Num) -> Num:
        """An integer as i64."""
        if n.known is not None:
            return number(int(n.known))
        if n.dtype == I64:
            return n if n.weak else Num(I64, True, n.value)
        return self.integer(self.value(n, I64))

    def learn_arithmetic(self, f: Callable[[Any, Any], Any], a: Num, b: Num, out: Num) -> None:
        """Note the affine form of a sum, difference or product of integers."""
        if out.value is None or out.dtype != I64:
            return
        x, y = self.affine_of(a), self.affine_of(b)
        if f is operator.add:
            self.affine[out.value] = x + y
        elif f is operator.sub:
            self.affine[out.value] = x - y
        elif f is operator.mul and not x.terms:
            self.affine[out.value] = y * x.const
        elif f is operator.mul and not y.terms:
            self.affine[out.value] = x * y.const

    def imax(self, a: Num, b: Num) -> Num:
        return self._extreme(a, b, larger=True)

    def imin(self, a: Num, b: Num) -> Num:
        return self._extreme(a, b, larger=False)

    def _extreme(self, a: Num, b: Num, larger: bool) -> Num:
        if a.known is not None and b.known is not None:
            return number(max(int(a.known), int(b.known)) if larger else min(int(a.known), int(b.known)))
        x, y = self.affine_of(a), self.affine_of(b)
        if self.proves(x - y):
            return a if larger else b
        if self.proves(y - x):
            return b if larger else a
        key = ("extreme", larger, x.key, y.key)
        out = self.scope.recall(key)
        if out is not None:
            return out
        out = self.scope.memo[key] = self.integer(make.extreme(self.b, self.value(a, I64), self.value(b, I64), larger))
        atom = self.affine_of(out).atom
        for z in (x, y):
            if (z.terms or not larger) and atom not in self.bounds:
                self.bounds[atom] = Bounds(z, None, self.age()) if larger else Bounds(None, z, self.age())
        if not larger and self.proves(x) and self.proves(y):
            self.scope.facts.append(self.affine_of(out))
        if larger and (self.proves(x) or self.proves(y)):
            self.scope.facts.append(self.affine_of(out))
        return out

    def floor_divide(self, a: Num, k: int) -> Num:
        """floor(a / k) for a positive number k; the same value for equal operands."""
        if a.known is not None:
            return number(int(a.known) // k)
        key = ("floor", self.affine_of(a).key, k)
        found = self.scope.recall(key)
        if found is None:
            found = self.scope.memo[key] = self.integer(self.op(operator.floordiv, self.value(a, I64), self.value(number(k), I64)))
        return found

    def below_zero(self, a: Num) -> Value:
        return self.op(operator.lt, self.value(a, I64), self.value(number(0), I64))

    def age(self) -> int:
        self.counter += 1
        return self.counter

    # ------------------------------------------------------------ what is known of integers

    def affine_of(self, n: Num) -> Affine:
        if n.known is not None:
            return constant(int(n.known))
        assert n.value is not None
        found = self.affine.get(n.value)
        if found is None:
            found = self.affine[n.value] = Affine({n.value: 1})
            self.atom_scope[n.value] = self.scope
        for a in found.terms:  # whoever is read in two regions was defined around both
            while not self.atom_scope[a].encloses(self.scope):
                outer = self.atom_scope[a].parent
                assert outer is not None
                self.atom_scope[a] = outer
        return found

    def proves(self, e: Affine) -> bool:
        """Whether e >= 0 on every run that gets here."""
        return nonnegative(e, self.bounds, self.scope.all_facts())

    def bound(self, v: Value, lo: Affine | None, hi: Affine | None) -> None:
        """Note the range of a loop variable."""
        self.affine[v] = Affine({v: 1})
        self.atom_scope[v] = self.scope
        self.bounds[v] = Bounds(lo, hi, self.age())

    # ------------------------------------------------------------ dimensions

    def fresh_symbol(self) -> str:
        while True:
            name = f"d{len(self.taken)}"
            if name not in self.taken:
                self.taken.add(name)
                return name
            self.taken.add(f"{name}.")

    def positive(self, n: Num) -> Num:
        """max(n, 0), the same value for equal n."""
        if n.known is not None:
            return number(max(int(n.known), 0))
        form = self.affine_of(n)
        if form.const <= 0 and len(form.terms) == 1:
            ((atom, c),) = form.terms.items()
            if c == 1 and atom in self.inner:  # max(max(p, 0) - k, 0) = max(p - k, 0)
                form = self.inner[atom] + form.const
        key = ("max0", form.key)
        found = self.scope.recall(key)
        if found is None:
            found = self.scope.memo[key] = self.imax(n, number(0))
            if found.value is not None and found.value is not n.value:
                self.positive_part[found.value] = self.inner[found.value] = form
        return found

    def dim_for(self, n: Num) -> Dim:
        """The dimension that a length (not negative) gives: a number, or the symbol of this length. Equal lengths give equal symbols."""
        if n.known is not None:
            return int(n.known)
        assert n.value is not None
        own = self.affine_of(n)
        if isinstance(own.atom, str) and self.visible(own.atom):
            self.scope.memo.setdefault(("length", own.atom), n)
            return own.atom
        form = self.positive_part.get(n.value, own)
        if not form.terms:
            return max(form.const, 0)
        symbol = self.symbol_of.get(form.key)
        if symbol is None or not self.visible(symbol):
            symbol = self.symbol_of[form.key] = self.fresh_symbol()
            self.atom_scope[symbol] = max((self.atom_scope[a] for a in form.terms), key=lambda s: s.depth)
            self.bounds[symbol] = Bounds(form, None, self.age())
        if n.value in self.positive_part:
            self.affine[n.value] = Affine({symbol: 1})
            self.inner[symbol] = form
        elif self.proves(form):
            self.scope.facts.append(form - Affine({symbol: 1}))
        self.scope.memo.setdefault(("length", symbol), n)
        return symbol

    def at_root(self, v: Value) -> None:
        """Note that a value can be read everywhere."""
        scope = self.scope
        while scope.parent is not None:
            scope = scope.parent
        self.atom_scope[v] = scope
        self.affine[v] = Affine({v: 1})

    def declare_symbols(self, t: Type) -> None:
        """Symbols of a parameter's type: they hold everywhere."""
        for d in shape_of(t):
            if isinstance(d, str) and d != ANY and d not in self.atom_scope:
                self.taken.add(d)
                scope = self.scope
                while scope.parent is not None:
                    scope = scope.parent
                self.atom_scope[d] = scope

    def declare_here(self, t: Type) -> None:
        """Symbols that came with an inlined function: they hold from here on, in this scope."""
        for d in shape_of(t):
            if isinstance(d, str) and d != ANY and d not in self.atom_scope:
                self.atom_scope[d] = self.scope

    def length(self, v: Value, axis: int) -> Num:
        """The length of an axis of an array value."""
        d = shape_of(v.type)[axis]
        if isinstance(d, int):
            return number(d)
        key = ("length", d) if d != ANY else ("length of", v, axis)
        found = self.scope.recall(key)
        if found is None:
            found = self.integer(make.length(self.b, v, axis))
            assert found.value is not None
            if d != ANY:
                self.affine[found.value] = Affine({d: 1})
            else:
                self.bound(found.value, constant(0), None)
            self.scope.memo[key] = found
        return found

    def visible(self, d: Dim) -> bool:
        """Whether a dimension means something in the current scope."""
        return isinstance(d, int) or (d != ANY and d in self.atom_scope and self.atom_scope[d].encloses(self.scope))

    def erase(self, t: Type) -> Type:
        """A type without the symbols of regions that are left."""
        if isinstance(t, Scalar) or not shape_of(t):
            return t
        return type(t)(element(t), tuple(d if self.visible(d) else ANY for d in shape_of(t)))  # type: ignore[call-arg]

    # ------------------------------------------------------------ run-time checks

    def check(self, c: Num, error: str, message: str, details: Sequence[Num] = ()) -> None:
        """Raise a Python exception unless c holds."""
        if c.known is not None:
            if c.known:
                return
            make.check(self.b, self.value(c, BOOL), error, message, [self.value(d) for d in details])
            raise PathEnds
        make.check(self.b, self.value(c, BOOL), error, message, [self.value(d) for d in details])
        self.assume(c, True)

    def assume(self, c: Num, holds: bool) -> None:
        """Take over the facts of a condition that is known to hold (or not) from here on."""
        self.scope.facts.extend(self.facts(c, holds))
        self.learn(c, holds)

    def learn(self, c: Num, holds: bool) -> None:
        """Note that a condition is known in this scope, with what it implies."""
        if c.value is not None:
            self.scope.memo["holds", c.value] = holds
            for part, so in self.implied.get((c.value, holds), ()):
                self.learn(part, so)

    def holds(self, c: Num) -> bool | None:
        """Whether a condition is known to hold here, or not to; None if neither."""
        return bool(c.known) if c.known is not None else self.scope.recall(("holds", c.value))

    def facts(self, c: Num, holds: bool) -> list[Affine]:
        if c.value is None:
            return []
        yes, no = self.conditions.get(c.value, ([], []))
        return yes if holds else no

    def known_int(self, x: Abstract, what: str, node: ast.AST | None = None) -> int:
        """A number that structure depends on."""
        if isinstance(x, Num) and x.known is not None and x.dtype.kind in "bi":
            return int(x.known)
        if isinstance(x, Num) and x.dtype.kind in "bi":
            self.refuse("E006", f"{what} must be a constant of the program", node, "Write the number itself, or take it from a shape of known length.")
        self.refuse("E101", f"{what} must be an integer", node)

    def known(self, x: Known) -> Num:
        return number(x)
