"""SequenceLoad: clients of all dialects on several edges send numbered relays; each receiver must get each once, in order.

Clients share rooms, each with one topic. At a fixed rate every member of a room sends its next number, and receives those of
the others; a JSON client publishes its numbers and receives nothing. A connection that ends is a fault, unless the test has
announced the end of its edge.

Losses that the end of an edge explains do not count. The relays of a client of that edge must have been received by all
others up to one number: the highest that any receiver has, and at least the highest that the client has a receipt for, unless
the core ended with the edge. What the client itself received must have no gap. When it reconnects, it is a new client: it must
receive everything sent after its subscription is in effect, which is known once another client has received a later relay.
"""
import asyncio
import itertools
import threading
import time

from support.load_connection import LoadConnection
from support.load_life import Life, Stream
from support.load_room import rooms_over
from support.sequence_verdict import SequenceVerdict
from support.waiting import PATIENCE, eventually

_TICK = 0.005
_QUERY_INTERVAL = 0.25
# Seconds between two attempts to connect to an edge that was restarted.
_RECONNECT_INTERVAL = 0.05
# After so many seconds without a message, nothing more is expected.
_STILL = 6.0
# Seconds to wait for duplicates after everything has been received.
_AFTERMATH = 0.7


class _Edge:
    def __init__(self, address):
        self.address = address
        self.is_up = True
        self.ends = 0  # how many connections it has had


class SequenceLoad:
    """Thread: any, one at a time. Its event loop runs on a thread of its own."""

    def __init__(self, addresses, rooms=None, *, rate=400, payload_bytes=100):
        """addresses: of the edges. rate: relays a second of all clients together."""
        self._edges = [_Edge(address) for address in addresses]
        self._rooms = rooms or rooms_over(len(addresses))
        self._members = [member for room in self._rooms for member in room.members]
        self._rate, self._payload_bytes = rate, payload_bytes
        self._streams = {}
        self._lives = []
        self._ids = {}  # {peer id: Life}
        self._queries = []
        self._asked = set()  # clients that wait for the answer to a query
        self._verdict = SequenceVerdict()
        self._is_sending = False
        self._is_ending = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks = []

    def __enter__(self):
        """Returns when all clients are connected and their relays are received."""
        self._thread.start()
        self._run(self._begin())
        try:
            eventually(self._all_count, "subscriptions that count")
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._is_ending = True
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def _call(self, function, *arguments):
        async def call():
            return function(*arguments)
        return self._run(call())

    # ---- called by the test

    def edge_ends(self, index, *, core_too=False):
        """Stops sending at that edge; the test kills its process next."""
        self._call(self._edge_ends, index, core_too)

    def edge_is_back(self, index, address=None):
        self._call(self._edge_is_back, index, address)

    def await_back(self):
        """Returns when all clients whose edge runs are connected and their relays are received."""
        eventually(self._all_count, "clients that are back")

    def run(self, seconds):
        """Lets the load run for that many seconds."""
        time.sleep(seconds)

    def counts(self):
        """The verdict so far; relays that are still on their way do not count as lost."""
        return self._call(self._judge, False)

    def take_slowest(self):
        """Seconds of the slowest relay received since the last call."""
        return self._call(self._verdict.take_slowest)

    def streams(self):
        return list(self._streams.values())

    def skip_one_number(self):
        """Makes one client skip a number, which the verdict must report as lost."""
        room = next(room for room in self._rooms if len(room.members) == 2)
        self._call(room.members[0].life.skip)

    def finish(self, within=_STILL):
        """Stops sending, waits until everything is received or nothing has been for that many seconds, and returns the verdict."""
        self._is_sending = False
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < within:
            now = self._call(self._judge, True)
            if not now.faults().keys() & {"lost", "receipts_lost", "unanswered"}:
                break
            if now.received != seen:
                seen, since = now.received, time.monotonic()
            time.sleep(0.1)
        time.sleep(_AFTERMATH)
        return self._call(self._judge, True)

    # ---- on the loop's thread

    async def _begin(self):
        self._is_sending = True
        self._tasks = [asyncio.ensure_future(self._stay(member)) for member in self._members]
        self._tasks += [asyncio.ensure_future(self._ask_on(room)) for room in self._rooms
                        if any(member.dialect == "json" for member in room.members)]
        self._tasks.append(asyncio.ensure_future(self._say_on()))

    async def _end(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for life in self._lives:
            life.connection.abort()
        for query in self._queries:
            query.abort()

    def _all_count(self):
        for task in self._tasks:
            if task.done() and not task.cancelled():
                raise AssertionError(f"a client failed: {task.exception()!r}")
        return all(member.life and member.life.counts for member in self._members
                   if self._edges[member.edge].is_up)

    def _edge_ends(self, index, core_too):
        self._edges[index].is_up = False
        self._edges[index].ends += 1
        for life in self._lives:
            if life.member.edge == index and life.is_live():
                life.end(core_too=core_too)
                life.member.life = None

    def _edge_is_back(self, index, address):
        if address:
            self._edges[index].address = address
        self._edges[index].is_up = True

    async def _stay(self, member):
        """Runs one connection of a client after the other."""
        edge = self._edges[member.edge]
        while True:
            if not edge.is_up or member.life:
                await asyncio.sleep(_RECONNECT_INTERVAL)
                continue
            try:
                connection = await LoadConnection.open(edge.address, member.dialect)
            except OSError:
                if edge.is_up:
                    await asyncio.sleep(_RECONNECT_INTERVAL)
                continue
            self._join(member, connection)

    def _join(self, member, connection):
        if not self._edges[member.edge].is_up:
            connection.abort()
            return
        life = Life(member, connection, Stream(len(self._streams)), self._verdict)
        self._streams[life.stream.id] = life.stream
        self._lives.append(life)
        if connection.peer_id:
            self._ids[connection.peer_id] = life
        member.life = life
        connection.on_message = lambda name, fields: self._on_message(life, name, fields)
        connection.on_end = lambda why: self._on_end(life, why)
        life.join(member.room)

    async def _say_on(self):
        turns = itertools.cycle(self._members)
        begun, said = time.monotonic(), 0
        while True:
            await asyncio.sleep(_TICK)
            due = int((time.monotonic() - begun) * self._rate)
            if not self._is_sending:
                said = due
            for _ in range(min(due - said, self._rate)):
                member = next(turns)
                if member.life:
                    member.life.say(self._payload_bytes)
            said = due

    def _on_message(self, life, name, fields):
        if name == "Relay":
            stream = life.hear(fields, self._streams)
            if stream and "from" in fields:
                self._ids[fields["from"]] = stream.life
        elif name == "Left":
            gone = self._ids.get(fields["peer"])
            if gone and gone.is_live():
                self._verdict.false_left += 1
        else:
            life.hear_of(name, fields)

    def _on_end(self, life, why):
        if life.is_live():
            life.end(core_too=True)
            life.member.life = None
            self._verdict.closed.append(f"{life}: {why}")

    async def _ask_on(self, room):
        """A JSON client that queries the room's records at an edge where none of them was published."""
        publisher = next(member for member in room.members if member.dialect == "json")
        index = (publisher.edge + 1) % len(self._edges)
        while True:
            await asyncio.sleep(_QUERY_INTERVAL)
            edge = self._edges[index]
            if not edge.is_up or not self._is_sending:
                continue
            try:
                connection = await LoadConnection.open(edge.address, "json")
            except OSError:
                continue
            self._queries.append(connection)
            await self._ask_with(connection, edge, room)

    async def _ask_with(self, connection, edge, room):
        answers, ended, ends = asyncio.Queue(), [], edge.ends
        connection.on_message = lambda name, fields: answers.put_nowait(fields)
        connection.on_end = ended.append
        while not ended and edge.ends == ends and self._is_sending:
            # By now a second answer to the previous query would have been received.
            self._verdict.answers_doubled += answers.qsize()
            answers = asyncio.Queue()
            self._verdict.queries += 1
            self._asked.add(connection)
            connection.query(room.topic)
            while answers.empty() and not ended and edge.ends == ends:
                await asyncio.sleep(_TICK)
            self._asked.discard(connection)
            if answers.empty():
                break
            answers.get_nowait()
            self._verdict.answers += 1
            await asyncio.sleep(_QUERY_INTERVAL)
        if ended and edge.ends == ends:
            self._verdict.closed.append(f"JSON client that asks: {ended[0]}")
        connection.abort()

    def _judge(self, is_over):
        verdict = self._verdict.copy()
        if is_over:
            verdict.unanswered += len(self._asked)
        for life in self._lives:
            life.judge(verdict, is_over)
        return verdict
