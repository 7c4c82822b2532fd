"""Sets of integers, of strings, and of tuples of them, in the hash tables of dicts. In which order Python goes through a set is its own affair:
nothing here shows an order."""

# ruff: noqa: SIM110
# pyright: basic

from __future__ import annotations

from oneform.frontend.written.tables import as_key, dict_find, missing, placed, vacated


class Set:
    """What stands for Python's set."""

    def __init__(self):
        self.keys = []
        self.slots = [-1, -1, -1, -1, -1, -1, -1, -1]

    def add(self, key):
        key = as_key(key)
        if dict_find(self.keys, self.slots, key) < 0:
            self.keys.append(key)
            placed(self.keys, self.slots)

    def discard(self, key):
        key = as_key(key)
        if dict_find(self.keys, self.slots, key) >= 0:
            vacated(self.keys, self.slots, key)

    def remove(self, key):
        key = as_key(key)
        if dict_find(self.keys, self.slots, key) < 0:
            missing(key)
        vacated(self.keys, self.slots, key)

    def clear(self):
        self.keys = []
        self.slots = [-1, -1, -1, -1, -1, -1, -1, -1]

    def copy(self):
        new = Set()
        for key in self.keys:
            new.add(key)
        return new

    def __copy__(self):
        return self.copy()

    def update(self, *others):
        for other in others:
            for key in members(other):
                self.add(key)

    def intersection_update(self, *others):
        for other in others:
            kept = self.intersection(other)
            self.keys = kept.keys
            self.slots = kept.slots

    def difference_update(self, *others):
        for other in others:
            for key in members(other):
                self.discard(key)

    def symmetric_difference_update(self, other):
        new = self.symmetric_difference(other)
        self.keys = new.keys
        self.slots = new.slots

    def union(self, *others):
        new = self.copy()
        new.update(*others)
        return new

    def intersection(self, *others):
        new = self
        for other in others:
            both = Set()
            for key in members(other):
                if key in new:
                    both.add(key)
            new = both
        return new.copy()

    def difference(self, *others):
        new = self.copy()
        new.difference_update(*others)
        return new

    def symmetric_difference(self, other):
        new = self.copy()
        theirs = Set()
        theirs.update(other)
        for key in theirs.keys:
            if key in self:
                new.discard(key)
            else:
                new.add(key)
        return new

    def issubset(self, other):
        theirs = Set()
        theirs.update(other)
        for key in self.keys:
            if key not in theirs:
                return False
        return True

    def issuperset(self, other):
        for key in members(other):
            if key not in self:
                return False
        return True

    def isdisjoint(self, other):
        for key in members(other):
            if key in self:
                return False
        return True

    def __contains__(self, key):
        return dict_find(self.keys, self.slots, as_key(key)) >= 0

    def __len__(self):
        return len(self.keys)

    def __eq__(self, other):
        if not is_set(other):
            return False
        return len(self.keys) == len(other.keys) and self.issubset(other)

    def __ne__(self, other):
        return not self == other

    def __le__(self, other):
        return self.issubset(other)

    def __lt__(self, other):
        return len(self.keys) < len(other.keys) and self.issubset(other)

    def __ge__(self, other):
        return self.issuperset(other)

    def __gt__(self, other):
        return len(self.keys) > len(other.keys) and self.issuperset(other)

    def __or__(self, other):
        return self.union(other)

    def __and__(self, other):
        return self.intersection(other)

    def __sub__(self, other):
        return self.difference(other)

    def __xor__(self, other):
        return self.symmetric_difference(other)

    def __ior__(self, other):
        self.update(other)
        return self

    def __iand__(self, other):
        self.intersection_update(other)
        return self

    def __isub__(self, other):
        self.difference_update(other)
        return self

    def __ixor__(self, other):
        self.symmetric_difference_update(other)
        return self


def is_set(x):
    return isinstance(x, set)


def members(x):
    """What to go through for the members of a set, in whatever order; anything else is gone through as it is. The compiler knows this function."""
    return x.keys


def filled(new, xs):
    """A new set of what an iterable gives."""
    for key in members(xs):
        new.add(key)
    return new
