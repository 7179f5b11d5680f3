"""Life: one connection of a load's client, from subscription to end: what it sends (Stream) and what it receives."""
import array
import enum
import time

from support.arrivals import Arrivals
from support.load_connection import payload_of, read_payload


# Higher than the id of any receipt.
_RELAYS_FIRST = 1 << 40


class _State(enum.Enum):
    LIVE = "live"
    # It ended with its edge: all others must have received its relays up to the same number.
    ENDED = "ended"
    # It ended with its edge and its core, or for an unknown reason: each other has received its relays up to some number.
    CUT_OFF = "cut off"


class Stream:
    """The relays 0, 1, 2, … that one life sends to its room's topic."""

    def __init__(self, stream_id):
        self.id = stream_id
        self.life = None
        self.times = array.array("d")

    @property
    def sent(self):
        return len(self.times)

    def must_have_come(self):
        """One above the last number that all must have received; None: unknown."""
        if self.life.state is _State.LIVE:
            return self.sent
        if self.life.state is _State.CUT_OFF:
            return None
        heard = [life.heard[self].next for life in self.life.room.lives if self in life.heard]
        return max([*heard, self.life.receipts.next or 0])


class Life:
    """Thread: the connection's."""

    def __init__(self, member, connection, stream, verdict):
        self.member, self.connection, self.stream = member, connection, stream
        stream.life = self
        self.room = None
        self.state = _State.LIVE
        # The subscription is in effect: everything sent from now on must be received.
        self.counts = False
        self.heard = {}  # stream: Arrivals
        self.begins = {}  # stream: the first number that must come
        self.receipts = Arrivals()
        self.missed = 0  # Missed notices
        self._verdict = verdict

    def __repr__(self):
        return f"stream {self.stream.id} ({self.connection.dialect} on edge {self.member.edge}, {self.state.value})"

    def is_live(self):
        return self.state is _State.LIVE

    def hears(self):
        return self.connection.dialect != "json"

    def join(self, room):
        self.room = room
        for life in room.lives:
            if life.counts and life.is_live():
                life.begins[self.stream] = 0
        room.lives.append(self)
        if self.hears():
            self.connection.subscribe(room.topic)
        else:
            self.counts = True

    def _count(self):
        """Called when the subscription is in effect at all edges."""
        if self.counts:
            return
        self.counts = True
        for life in self.room.lives:
            if life is not self and life.is_live():
                self.begins[life.stream] = life.stream.sent

    def say(self, payload_bytes):
        number = self.stream.sent
        self.stream.times.append(time.monotonic())
        self.connection.say(self.room.topic, payload_of(self.stream.id, number, payload_bytes), number)

    def skip(self):
        """Skips a number, which no receiver will get."""
        self.stream.times.append(time.monotonic())

    def end(self, *, core_too):
        self.state = _State.CUT_OFF if core_too else _State.ENDED

    # ---- messages from the server

    def hear(self, fields, streams):
        """Records a relay. Returns its stream, or None if it belongs to no load."""
        read = read_payload(fields["payload"])
        stream = streams.get(read[0]) if read else None
        if not stream or stream.life.room is not self.room or stream is self.stream or fields["topic"] != self.room.topic:
            self._verdict.corrupt += 1
            return None
        self.heard.setdefault(stream, Arrivals()).saw(read[1])
        self._verdict.saw_delay(time.monotonic() - stream.times[read[1]])
        # Its sender had subscribed before it sent this: by now the subscription is in effect.
        stream.life._count()
        return stream

    def hear_of(self, name, fields):
        if name == "Receipt":
            self.receipts.saw(fields["id"])
        elif name == "Subscribed":
            self._count()
        elif name == "Missed":
            self.missed += 1

    # ---- the verdict

    def judge(self, verdict, is_over):
        """Adds this life to the verdict. is_over: what has not been received yet is lost."""
        verdict.sent += self.stream.sent
        lost = 0
        if self.hears():
            for life in self.room.lives:
                if life is not self:
                    lost += self._judge_stream(life.stream, verdict, is_over)
        verdict.lost_on[self.member.edge] += lost
        if self.missed and not lost:
            verdict.told_in_vain += 1
            verdict.tell(self.missed, f"{self}: told of a loss {self.missed} times, lost nothing")
        if self.missed:
            verdict.lost_and_told += lost
        elif self.connection.dialect == "v2":
            verdict.lost_untold += lost
        self._judge_receipts(verdict, is_over)

    def _judge_stream(self, stream, verdict, is_over):
        """Adds one stream to the verdict. Returns how many relays were lost."""
        heard = self.heard.get(stream) or Arrivals()
        # A connection that has ended may have ended before the rest could be received.
        end = stream.must_have_come() if self.is_live() and is_over else None
        lost = heard.lost(self.begins.get(stream), end)
        verdict.received += heard.received()
        verdict.lost += len(lost)
        verdict.doubled += heard.doubled
        verdict.disordered += heard.disordered
        if lost or heard.doubled or heard.disordered:
            ago = [stream.times[0], stream.times[lost[0]], stream.times[lost[-1]]] if lost else []
            when = f", said {ago[1] - ago[0]:.2f} to {ago[2] - ago[0]:.2f} s after its first" if lost else ""
            which = f" ({lost[0]} to {lost[-1]}{when})" if lost else ""
            verdict.tell(_RELAYS_FIRST + len(lost) + heard.doubled + heard.disordered,
                         f"{self} of {stream.life}: lost {len(lost)} of {stream.sent}{which}, doubled {heard.doubled}, "
                         f"out of order {heard.disordered}, told of a loss {self.missed} times")
        return len(lost)

    def _judge_receipts(self, verdict, is_over):
        if self.connection.dialect != "v2":
            return
        end = self.stream.sent if self.is_live() and is_over else None
        lost = self.receipts.lost(0, end)
        verdict.receipts_lost += len(lost)
        verdict.receipts_doubled += self.receipts.doubled + self.receipts.disordered
        if lost or self.receipts.doubled:
            verdict.tell(len(lost) + self.receipts.doubled,
                         f"{self}: {len(lost)} receipts lost{f' ({lost[0]} to {lost[-1]})' if lost else ''}, "
                         f"{self.receipts.doubled} doubled")
