"""Peer: a well-behaved client, on the websockets library. Its methods block; a thread runs the event loop."""
import asyncio
import itertools
import queue
import threading

import websockets

from support import messages
from support.waiting import PATIENCE

# Peers that the running test has opened; they are closed after it.
opened = []
_CLOSED = object()
# How long to wait for a message that may have been lost before it is sent again.
RETRY_SECONDS = 0.2


class PeerClosed(Exception):
    """The connection has ended; code 1006: without a Close frame."""

    def __init__(self, code, reason):
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


class _Loop:
    """The event loop of all peers."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)


_loop = _Loop()


class Peer:
    def __init__(self, url, *, ssl=None, token=None, subprotocols=None, ping_interval=None, ping_timeout=None,
                 server_hostname=None, host=None, names_itself=True, outlives_test=False):
        """host: the host to connect to, if not the URL's. names_itself: sends a User-Agent."""
        self._inbox = queue.Queue()
        options = {"ssl": ssl, "server_hostname": server_hostname} if ssl else {}
        if not names_itself:
            options["user_agent_header"] = None
        if host:
            options["host"] = host
        headers = {"Authorization": f"Bearer {token}"} if token else None
        self._socket = _loop.run(self._connect(url, extra_headers=headers, subprotocols=subprotocols, max_size=None,
                                               ping_interval=ping_interval, ping_timeout=ping_timeout,
                                               close_timeout=PATIENCE, open_timeout=PATIENCE, **options))
        self._pump = asyncio.run_coroutine_threadsafe(self._receive_all(), _loop.loop)
        if not outlives_test:
            opened.append(self)

    @staticmethod
    async def _connect(url, **options):
        return await websockets.connect(url, **options)

    async def _receive_all(self):
        try:
            async for message in self._socket:
                self._inbox.put(message)
        except websockets.ConnectionClosed:
            pass
        self._inbox.put(_CLOSED)

    @property
    def subprotocol(self):
        return self._socket.subprotocol

    # ---- sends

    def send(self, *batch):
        async def send_all():
            for message in batch:
                await self._socket.send(message)
        try:
            _loop.run(send_all())
        except websockets.ConnectionClosed as closed:
            raise PeerClosed(closed.code, closed.reason) from None

    def subscribe(self, *topics):
        self.send(*(messages.subscribe(topic) for topic in topics))

    def unsubscribe(self, *topics):
        self.send(*(messages.unsubscribe(topic) for topic in topics))

    def relay(self, topic, *payloads):
        self.send(*(messages.relay(topic, payload) for payload in payloads))

    def ping(self):
        """Returns when the pong has been received."""
        async def ping():
            await (await self._socket.ping())
        _loop.run(ping())

    # ---- receives

    def poll(self, within):
        """The next message, undecoded, or None."""
        try:
            message = self._inbox.get(timeout=within)
        except queue.Empty:
            return None
        if message is _CLOSED:
            self._inbox.put(_CLOSED)
            raise PeerClosed(self._socket.close_code, self._socket.close_reason)
        return message

    def receive(self):
        """The next message, undecoded."""
        message = self.poll(PATIENCE)
        assert message is not None, f"no message within {PATIENCE:g} s"
        return message

    def receive_relay(self):
        """(topic, payload) of the next message, which must be a canonical Relay."""
        return messages.decode_relay(self.receive())

    def receive_payloads(self, topic, count):
        """The payloads of that many relays, all of the topic."""
        received = [self.receive_relay() for _ in range(count)]
        assert {name for name, _ in received} <= {topic}
        return [payload for _, payload in received]

    def receive_rest(self):
        """All messages until the connection ends, and the PeerClosed that tells how it ended."""
        rest = []
        while True:
            try:
                rest.append(self.receive())
            except PeerClosed as closed:
                return rest, closed

    def has_received(self):
        """Whether a message or the end of the connection can be received without waiting."""
        return not self._inbox.empty()

    # ---- ends

    def is_open(self):
        return self._socket.open

    def wait_closed(self):
        """Waits for the end of the connection, discards messages until then, and returns its PeerClosed."""
        return self.receive_rest()[1]

    def close(self, code=1000):
        _loop.run(self._socket.close(code))

    def abandon(self):
        """Ends the TCP connection without a Close frame."""
        _loop.loop.call_soon_threadsafe(self._socket.transport.abort)


def await_hearing(receiver, sender, topic):
    """Returns when the receiver gets the sender's relays to the topic, and none is still on its way."""
    for number in itertools.count():
        sender.relay(topic, b"are you there %d" % number)
        if receiver.poll(RETRY_SECONDS):
            break
        assert number * RETRY_SECONDS < PATIENCE, "never heard"
    sender.relay(topic, b"there you are")
    while receiver.receive_relay() != (topic, b"there you are"):
        pass


def close_all():
    for peer in opened:
        peer.abandon()
    opened.clear()
