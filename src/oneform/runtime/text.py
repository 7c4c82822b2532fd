"""Lines of LLVM text, and where compiled entries find what they need: the words of a link."""

from __future__ import annotations

from oneform.runtime import abi

# Word offsets of a link: its own entry, the link to try next, Python's slow path, what raises errors, what puts results together that only
# Python can, the process's table of addresses. Captures follow, two words each, then constants: keys, classes and names that containers are made of.
LINK = {name: 8 * k for k, name in enumerate(("try", "next", "slow", "raiser", "finish", "api", "captures"))}
SELF_VECTORCALL, SELF_LINK = 16, 24  # in the callable object


class Text:
    """Lines of one LLVM function, with fresh names."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"%t{self.count}"

    def let(self, code: str) -> str:
        name = self.name()
        self.lines.append(f"  {name} = {code}")
        return name

    def do(self, code: str) -> None:
        self.lines.append(f"  {code}")

    def label(self, name: str) -> None:
        self.lines.append(f"{name}:")

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def at(self, base: str, offset: int) -> str:
        return self.let(f"getelementptr i8, ptr {base}, i64 {offset}") if offset else base

    def load(self, type: str, base: str, offset: int = 0) -> str:
        return self.let(f"load {type}, ptr {self.at(base, offset)}")

    def check(self, condition: str, otherwise: str) -> None:
        """Go on if the condition holds."""
        ok = self.fresh("ok")
        self.do(f"br i1 {condition}, label %{ok}, label %{otherwise}, !prof !91000")
        self.label(ok)

    def api(self, name: str) -> str:
        return self.load("ptr", "%api", abi.slot(name))

    def check_type(self, obj: str, name: str, otherwise: str) -> None:
        self.check(self.let(f"icmp eq ptr {self.load('ptr', obj, abi.OB_TYPE)}, {self.api(name)}"), otherwise)


class Names:
    """Constants of a link, taken one after the other."""

    def __init__(self, offset: int):
        self.offset = offset

    def take(self) -> int:
        """Where in the link the next one is."""
        self.offset += 8
        return self.offset - 8

    def load(self, t: Text) -> str:
        return t.load("ptr", "%link", self.take())
