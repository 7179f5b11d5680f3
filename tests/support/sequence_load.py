"""SequenceLoad: clients of all dialects on several edges, whose relays are numbered: each must come to each once, in order.

Clients stand in rooms, of one topic each. Everybody in a room says its next number so often and hears the others; a JSON
client publishes its numbers, and hears nothing. Connections that end are counted, unless their edge was said to end.

What the end of an edge costs is left out exactly. Of what a client of it had said, others must have got all up to some number:
all that anybody has got, and all that it has a receipt for, unless the core ended with the edge. What a client of it was told
must have come without a gap. A client that comes back is a new one: it must hear whatever is said from when its subscription
counts, which is when somebody has heard what it said after it.
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
# How often an edge that is there again is tried.
_RECONNECT_INTERVAL = 0.05
# Nothing has come for so long: nothing will.
_STILL = 6.0
# What is doubled comes late: so long after everything has come.
_AFTERMATH = 0.7


class _Edge:
    def __init__(self, address):
        self.address = address
        self.is_up = True
        self.ends = 0  # how often it has ended


class SequenceLoad:
    """Threads: any, one at a time; its own for the event loop."""

    def __init__(self, addresses, rooms=None, *, rate=400, payload_bytes=100):
        """addresses: of the edges. rate: relays a second, of all together."""
        self._edges = [_Edge(address) for address in addresses]
        self._rooms = rooms or rooms_over(len(addresses))
        self._members = [member for room in self._rooms for member in room.members]
        self._rate, self._payload_bytes = rate, payload_bytes
        self._streams = {}
        self._lives = []
        self._ids = {}  # of peers, with their lives
        self._queries = []
        self._asked = set()  # those who wait for an answer
        self._verdict = SequenceVerdict()
        self._is_sending = False
        self._is_ending = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks = []

    def __enter__(self):
        """Everybody is there, and heard."""
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

    # ---- what the test tells it

    def edge_ends(self, index, *, core_too=False):
        """Now: nothing more is said there. Its process is killed after this."""
        self._call(self._edge_ends, index, core_too)

    def edge_is_back(self, index, address=None):
        self._call(self._edge_is_back, index, address)

    def await_back(self):
        """Everybody whose edge is there is connected, and heard."""
        eventually(self._all_count, "clients that are back")

    def run(self, seconds):
        """Goes on for so long."""
        time.sleep(seconds)

    def counts(self):
        """The verdict so far, without what has not come yet."""
        return self._call(self._judge, False)

    def take_slowest(self):
        """Seconds that the slowest relay took, of those that have come since the last call."""
        return self._call(self._verdict.take_slowest)

    def streams(self):
        return list(self._streams.values())

    def skip_one_number(self):
        """Somebody who hears others and is heard by one never says it."""
        room = next(room for room in self._rooms if len(room.members) == 2)
        self._call(room.members[0].life.skip)

    def finish(self, within=_STILL):
        """Says nothing more, and waits for all to come, until nothing has for so many seconds. The verdict."""
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
        """A client's life after life."""
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
        """A JSON client that asks for the room's records, on an edge that has them from another."""
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
            # A second answer to the query before has come by now.
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
