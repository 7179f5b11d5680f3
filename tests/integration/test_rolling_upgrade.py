"""A new edge in the place of an old one on the same port, while hundreds of clients come, go and talk."""
import asyncio
import collections
import signal
import time

import cbor2
import pytest
import websockets
from support.messages import new_topic, relay, subscribe
from support.waiting import PATIENCE

CLIENTS = 300
DRAIN_SECONDS = 3
# Of equal time; a herd comes in one or two of them.
BUCKETS = 10
V2 = "cairn.signal.v2"


class Comer:
    """A client that talks all the time and comes back whenever it is sent away."""

    def __init__(self, url, subprotocols):
        self._url, self._subprotocols = url, subprotocols
        self._topic = new_topic()
        self._told_to_wait = 0.0
        self.failures = []  # of connecting
        self.due = None  # when it was to come back, after it had been sent away
        self.back = None  # when it had connected again
        self.here = asyncio.Event()

    async def run(self):
        while True:
            try:
                socket = await websockets.connect(self._url, subprotocols=self._subprotocols, ping_interval=None,
                                                  open_timeout=PATIENCE, close_timeout=0.1)
            except Exception as failure:  # pylint: disable=broad-except
                self.failures.append(repr(failure))
                return
            if self.due:
                self.back = time.monotonic()
            self.here.set()
            await self._stay(socket)
            assert socket.close_code == 1001, socket.close_code
            assert not self.due, "sent away twice"
            self.due = time.monotonic() + self._told_to_wait
            self.here.clear()
            await asyncio.sleep(self._told_to_wait)

    async def _stay(self, socket):
        talking = asyncio.create_task(self._talk(socket))
        try:
            async for message in socket:
                said = cbor2.loads(message)
                if isinstance(said, dict) and "Draining" in said:
                    self._told_to_wait = said["Draining"]["wait"] / 1000
        except websockets.ConnectionClosed:
            pass
        talking.cancel()

    async def _talk(self, socket):
        await socket.send(subscribe(self._topic))
        while True:
            await socket.send(relay(self._topic, b"still here"))
            await asyncio.sleep(0.2)


def most_in_a_bucket(moments):
    """Compared with closes spread evenly from the first to the last."""
    first, last = min(moments), max(moments)
    width = max(last - first, DRAIN_SECONDS / 2) / BUCKETS
    buckets = collections.Counter(int((moment - first) / width) for moment in moments)
    return max(buckets.values()) / (len(moments) / BUCKETS)


async def replace_the_edge(shape, subprotocols):
    """All clients on one edge, which a new one replaces; the clients, once all are back."""
    old = shape.edges[0]
    host, port = old.address()
    comers = [Comer(f"ws://{host}:{port}/", subprotocols) for _ in range(CLIENTS)]
    tasks = [asyncio.create_task(comer.run()) for comer in comers]
    await asyncio.wait_for(asyncio.gather(*[comer.here.wait() for comer in comers]), PATIENCE)
    new = await asyncio.to_thread(shape.start_edge_at, f"{host}:{port}")
    old.signal(signal.SIGTERM)
    assert await asyncio.to_thread(old.wait) == 0
    shape.remove_edge(old)
    deadline = time.monotonic() + PATIENCE
    while not all(comer.failures or comer.back for comer in comers):
        assert time.monotonic() < deadline, f"{sum(not comer.back for comer in comers)} are not back"
        await asyncio.sleep(0.01)
    # Reconnected clients stay connected.
    await asyncio.sleep(0.5)
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()
    assert new.is_running(), new.tail()
    return comers


@pytest.mark.parametrize("subprotocols", [None, [V2]], ids=["native", "v2"])
def test_a_new_edge_on_the_port_takes_all_clients_over_without_a_refusal_or_a_rush(make_shape, subprotocols):
    shape = make_shape("--drain", f"{DRAIN_SECONDS}s")
    comers = asyncio.run(replace_the_edge(shape, subprotocols))
    failures = [failure for comer in comers for failure in comer.failures]
    assert not failures, f"{len(failures)} refused: {failures[:3]}"
    late = [comer.back - comer.due for comer in comers]
    assert max(late) < 1, f"{sorted(late)[-5:]} s after they were to come back"
    if subprotocols:
        waits = {round(comer.due, 3) for comer in comers}
        assert len(waits) > CLIENTS / 2, "many were told the same time"
    assert most_in_a_bucket([comer.back for comer in comers]) < 3.5
