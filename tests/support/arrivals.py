"""Arrivals: which numbers of one sender have come to one receiver, and whether once and in order. Pure."""


class Arrivals:
    """Numbers are 0, 1, 2, … where they are sent; a receiver that came later sees them from some number on."""

    def __init__(self):
        self.first = None  # the lowest that has come
        self.next = None  # one above the highest
        self.missing = set()  # between those
        self.doubled = 0
        self.disordered = 0

    def saw(self, number):
        if self.first is None:
            self.first, self.next = number, number + 1
        elif number >= self.next:
            self.missing.update(range(self.next, number))
            self.next = number + 1
        elif number in self.missing:
            self.missing.remove(number)
            self.disordered += 1
        elif number < self.first:
            self.missing.update(range(number + 1, self.first))
            self.first = number
            self.disordered += 1
        else:
            self.doubled += 1

    def received(self):
        return 0 if self.first is None else self.next - self.first - len(self.missing)

    def lost(self, begin, end):
        """The missing numbers: gaps between those received, those from `begin` to the first (None: the start does not
        matter), and those after the last up to, not including, `end` (None: the end does not matter)."""
        if self.first is None:
            return [] if begin is None or end is None else list(range(begin, end))
        before = [] if begin is None else range(begin, self.first)
        behind = [] if end is None else range(max(self.next, begin or 0), end)
        return [*before, *sorted(self.missing), *behind]
