"""Rows in which every pair of values of two columns occurs that may: a greedy choice, the same every time.

Debian's allpairspy stops at the first row that brings nothing new; with rules that comes before the last pair.
"""
from collections import Counter
from itertools import combinations, product


class Rows:
    """columns: name -> values. allowed(part): whether a row, or part of one, breaks no rule. refused(part): whether
    the machine is known to refuse it. strength: 2 for pairs, 1 for single values. found: the rows; impossible: pairs
    that break no rule, but are in no row that breaks none."""

    def __init__(self, columns, allowed, refused, strength=2):
        self.columns, self.allowed, self.refused, self.strength = columns, allowed, refused, strength
        self.covered, self.used = set(), Counter()
        self.found, self.impossible = [], []
        for part in self.parts():
            if part not in self.covered:
                row = self._complete(dict(part), self.refused(dict(part)))
                if row:
                    self._add(row)
                else:
                    self.impossible.append(part)

    def parts(self):
        """All pairs that break no rule, each a tuple of (column, value), in the order of the columns."""
        for names in combinations(self.columns, self.strength):
            for values in product(*(self.columns[name] for name in names)):
                part = tuple(zip(names, values))
                if self.allowed(dict(part)):
                    yield part

    def stands_for(self, row):
        """The pairs that a row tries. One that is refused tries those alone that are the reason."""
        parts = set(combinations(((name, row[name]) for name in self.columns), self.strength))
        return {part for part in parts if self.refused(dict(part))} if self.refused(row) else parts

    def _add(self, row):
        self.found.append({name: row[name] for name in self.columns})
        self.covered |= self.stands_for(row)
        self.used.update(row.items())

    def _gain(self, part, item):
        """What a further value brings: pairs not yet covered; then the value less often used comes first."""
        longer = part | dict([item])
        names = [name for name in self.columns if name in longer]
        new = sum(item in pair and pair not in self.covered
                  for pair in combinations(((name, longer[name]) for name in names), self.strength))
        return -new, self.used[item]

    def _complete(self, part, refused):
        """A row with this part, None if there is none. refused: whether the part itself is; else no row is to be."""
        name = next((name for name in self.columns if name not in part), None)
        if name is None:
            return part
        for value in sorted(self.columns[name], key=lambda value: self._gain(part, (name, value))):
            longer = part | {name: value}
            if self.allowed(longer) and (refused or not self.refused(longer)):
                row = self._complete(longer, refused)
                if row:
                    return row
        return None
