"""SequenceVerdict: what a load has observed about order, losses and duplicates, as numbers and as a few lines of text."""
import collections
import copy

# The number of faults that are described; the others are only counted.
_TOLD = 12


class SequenceVerdict:
    def __init__(self):
        self.sent = 0
        self.received = 0
        self.lost = 0
        self.doubled = 0
        self.disordered = 0
        self.corrupt = 0
        self.closed = []
        self.false_left = 0
        self.receipts_lost = 0
        self.receipts_doubled = 0
        self.queries = 0
        self.answers = 0
        self.unanswered = 0
        self.answers_doubled = 0
        # Relays that clients of cairn.signal.v2 have lost, with and without a Missed notice.
        self.lost_and_told = 0
        self.lost_untold = 0
        self.lost_on = collections.Counter()  # {the receiver's edge: relays}
        # Clients that got a Missed notice without having lost anything.
        self.told_in_vain = 0
        self.worst_delay = 0.0
        self._slowest = 0.0  # since the last take_slowest()
        self._details = []

    def saw_delay(self, seconds):
        self.worst_delay = max(self.worst_delay, seconds)
        self._slowest = max(self._slowest, seconds)

    def take_slowest(self):
        slowest, self._slowest = self._slowest, 0.0
        return slowest

    def tell(self, count, text):
        """Adds a fault; the gravest ones are shown."""
        self._details.append((count, text))

    def copy(self):
        other = copy.copy(self)
        other.closed, other.lost_on, other._details = list(self.closed), collections.Counter(), []
        return other

    def faults(self):
        """{name: number} of all faults; empty if there were none."""
        counted = {name: getattr(self, name) for name in (
            "lost", "doubled", "disordered", "corrupt", "false_left", "receipts_lost", "receipts_doubled",
            "unanswered", "answers_doubled",
            "told_in_vain")}
        counted["closed"] = len(self.closed)
        return {name: count for name, count in counted.items() if count}

    def assert_clean(self, *, expected=0):
        """expected: the minimum of relays received, so that a load that did nothing does not pass."""
        if self.faults():
            raise AssertionError(f"{self.faults()}\n{self}")
        assert self.received > expected, f"only {self.received} of more than {expected} relays: {self}"

    def __repr__(self):
        lines = [f"sent {self.sent:,}, received {self.received:,}, lost {self.lost:,}, doubled {self.doubled:,}, "
                 f"out of order {self.disordered:,}, closed {len(self.closed)}; corrupt {self.corrupt}, "
                 f"false Left {self.false_left:,}, receipts lost {self.receipts_lost:,}, "
                 f"doubled {self.receipts_doubled:,}; {self.answers:,} answers to {self.queries:,} queries, "
                 f"{self.unanswered} never; told of losses: of {self.lost_and_told}, not of {self.lost_untold}; "
                 f"slowest {self.worst_delay:.2f} s"]
        gravest = [text for _, text in sorted(self._details, key=lambda one: -one[0])[:_TOLD]]
        return "\n  ".join([*lines, *self.closed[:_TOLD], *gravest])

    __str__ = __repr__
