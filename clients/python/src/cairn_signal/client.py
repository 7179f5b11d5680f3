"""What an application holds: one client, which has a connection most of the time and keeps its subscriptions always."""
from __future__ import annotations

import asyncio
import random
import re
import time
from types import TracebackType
from typing import Any, Generator, Iterable

from .connection import Connection, Failed, encode, is_final
from .errors import Close, ClosedError, ConnectError, NotConnectedError
from .events import Connected, Disconnected, Draining, Event, EventQueue, Joined, Left, Missed, Relay, ServerError
from .subscriptions import Subscriptions

_PEER_ID = re.compile(r"[0-9a-f]{16}")
_LONG_WAIT = 3  # how often 1013, "too full", counts as a failed attempt
_WELCOME_TIMEOUT = 10.0


class connect:  # noqa: N801 - used as a function: await connect(…), or async with connect(…) as client
    """Connects to the first server that answers. Raises ConnectError if none does. See SignalClient for the options."""

    def __init__(self, urls: str | Iterable[str], **options: Any) -> None:
        self._client = SignalClient(urls, **options)

    def __await__(self) -> Generator[Any, None, SignalClient]:
        return self._client.open().__await__()

    async def __aenter__(self) -> SignalClient:
        return await self._client.open()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self._client.close()


class SignalClient:
    """Use connect(). Its methods are for the event loop in which it was opened."""

    def __init__(self, urls: str | Iterable[str], *, token: str | None = None, min_wait: float = 0.5,
                 max_wait: float = 30.0, max_queue_bytes: int = 1 << 20, max_receipts: int = 1000,
                 **websocket_options: Any) -> None:
        """min_wait, max_wait: bounds of the back-off in seconds. websocket_options, such as ssl, go to websockets."""
        self._urls = [urls] if isinstance(urls, str) else list(urls)
        self._token = token
        self._min_wait, self._max_wait = min_wait, max_wait
        self._max_receipts = max_receipts
        self._websocket_options = websocket_options
        self._events = EventQueue(max_queue_bytes)
        self._turn = 0
        self._connection: Connection | None = None  # once it has been welcomed
        self._welcome: dict[str, Any] = {}
        self._is_over = False
        self._topics = Subscriptions()
        self._receipts: dict[int, asyncio.Future[int]] = {}
        self._last_id = 0
        self._failures = 0
        self._drain_wait: float | None = None
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def peer(self) -> str | None:
        """Our own id, which is another after each reconnect; None while there is no connection."""
        return self._welcome["peer"] if self._connection else None

    @property
    def limits(self) -> dict[str, int]:
        """"message", "topic" and "topics" of the server that we were connected to last."""
        return self._welcome.get("limits", {})

    def __aiter__(self) -> SignalClient:
        return self

    async def __anext__(self) -> Event:
        return await self._events.next()

    # ---- what the application says

    async def subscribe(self, topic: str) -> int:
        """How many others there are, once the subscription counts; it is kept over reconnects."""
        size = len(topic.encode())
        if size > self.limits["topic"]:
            raise ValueError(f"a topic of {size} bytes: the server allows {self.limits['topic']}")
        if not self._topics.is_wanted(topic) and self._topics.count() >= self.limits["topics"]:
            raise ValueError(f"the server allows {self.limits['topics']} topics")
        if self._is_over:
            raise NotConnectedError("the client is closed")
        answer = self._topics.add(topic)
        await self._say("Subscribe", {"topic": topic})
        return await answer

    async def unsubscribe(self, topic: str) -> None:
        """The server does not answer it; what was on its way may still come. A subscribe() that waits raises
        NotConnectedError."""
        if not self._topics.is_wanted(topic):
            return
        self._topics.remove(topic)
        await self._say("Unsubscribe", {"topic": topic})

    async def relay(self, topic: str, payload: bytes, *, to: str | None = None, receipt: bool = False) -> int | None:
        """Sends to every other subscriber of the topic, or to the one peer `to`. With `receipt` it returns to how many it
        was routed, otherwise None when it is sent. Raises NotConnectedError: nothing is kept for later."""
        if to is not None and not _PEER_ID.fullmatch(to):
            raise ValueError(f"{to!r} is not a peer's id")
        if not self._connection:
            raise NotConnectedError("not connected now")
        if len(self._receipts) >= self._max_receipts:
            raise ValueError("too many receipts are awaited")
        self._last_id += receipt
        number = self._last_id
        fields = {"topic": topic, "payload": payload, "to": to, "id": number if receipt else None}
        size = len(encode("Relay", fields))
        if size > self.limits["message"]:
            raise ValueError(f"a message of {size} bytes: the server allows {self.limits['message']}")
        if not receipt:
            await self._connection_send(self._connection, fields)
            return None
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._receipts[number] = answer
        try:
            await self._connection_send(self._connection, fields)
            return await answer
        finally:
            self._receipts.pop(number, None)

    async def reconnect(self) -> None:
        """Connects anew at once, as after a change of networks."""
        self._hurry.set()
        if self._connection:
            await self._connection.close()

    async def close(self) -> None:
        self._finish(None)
        if self._connection:
            await self._connection.close()
        if self._task and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _connection_send(self, connection: Connection, fields: dict[str, Any]) -> None:
        try:
            await connection.send("Relay", fields)
        except Failed as failed:
            raise NotConnectedError(str(failed.close)) from failed

    async def _say(self, name: str, fields: dict[str, Any]) -> None:
        """What is said again on the next connection if this one is over."""
        if self._connection:
            try:
                await self._connection.send(name, fields)
            except Failed:
                pass

    # ---- the connection

    async def open(self) -> SignalClient:
        """connect() has done this."""
        attempts = []
        for _ in self._urls:
            welcomed = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._stay_connected(welcomed))
            try:
                close = await welcomed
            except BaseException:
                # Cancelled: nobody has the client that would go on. It closes what it has opened.
                self._finish(None)
                self._task.cancel()
                raise
            if close is None:
                return self
            attempts.append((self._urls[(self._turn - 1) % len(self._urls)], close))
        self._is_over = True
        raise ConnectError(attempts)

    async def _stay_connected(self, welcomed: asyncio.Future[Close | None]) -> None:
        """Sets `welcomed` to None with the first connection, or to why there is none, and then gives up."""
        while not self._is_over:
            since = time.monotonic()
            close = await self._connect_once(welcomed)
            was_open = self._connection is not None
            self._lose()
            if not welcomed.done():
                return welcomed.set_result(close)
            if self._is_over:
                return
            if is_final(close):
                return self._finish(ClosedError(close))
            # A server that takes us in and at once drops us must not be asked again and again.
            if was_open and time.monotonic() - since > self._max_wait:
                self._failures = 0
            wait = 0.0 if self._hurry.is_set() else self._next_wait(close)
            self._events.push(Disconnected(close.code, close.reason, wait))
            try:
                await asyncio.wait_for(self._hurry.wait(), wait)
            except asyncio.TimeoutError:
                pass
            self._hurry.clear()

    async def _connect_once(self, welcomed: asyncio.Future[Close | None]) -> Close:
        """From the upgrade to the close."""
        url = self._urls[self._turn % len(self._urls)]
        self._turn += 1
        connection = None
        try:
            connection = await Connection.open(url, self._token, **self._websocket_options)
            messages = connection.messages()
            name, fields = await asyncio.wait_for(messages.__anext__(), _WELCOME_TIMEOUT)
            if name != "Welcome":
                raise Failed(1002, f"the server began with {name}")
            self._welcome, self._connection = fields, connection
            self._events.push(Connected(fields["peer"], url))
            if not welcomed.done():
                welcomed.set_result(None)
            await self._subscribe_again(connection)
            async for name, fields in messages:
                try:
                    self._hear(name, fields)
                except (KeyError, TypeError):
                    pass  # A message that we know with fields that we do not.
        except Failed as failed:
            return failed.close
        except asyncio.TimeoutError:
            return Close(1006, "no welcome in time")
        finally:
            if connection and (self._is_over or self._connection is not connection):
                await connection.close()
        raise AssertionError("unreachable: messages() ends by Failed")

    def _next_wait(self, close: Close) -> float:
        """Full jitter, so that the clients of a server that ends do not come back all at once."""
        if close.code == 1013:
            self._failures = max(self._failures, _LONG_WAIT)
        wait = random.uniform(0, min(self._max_wait, self._min_wait * 2 ** min(self._failures, 30)))
        if self._drain_wait is not None:
            wait = self._drain_wait
        self._failures += 1
        self._drain_wait = None
        return wait

    def _lose(self) -> None:
        self._connection = None
        for answer in self._receipts.values():
            _fail(answer, NotConnectedError("the connection ended before the receipt"))
        self._receipts.clear()

    def _finish(self, error: Exception | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        for answer in self._receipts.values():
            _fail(answer, NotConnectedError("the client is closed"))
        self._topics.end(error or NotConnectedError("the client is closed"))
        self._hurry.set()
        self._events.end(error)

    # ---- what the server says

    def _hear(self, name: str, fields: dict[str, Any]) -> None:
        topic = fields.get("topic")
        if name == "Receipt":
            answer = self._receipts.pop(fields.get("id", 0), None)
            if answer and not answer.done():
                answer.set_result(fields["reached"])
        elif name == "Error":
            self._events.push(ServerError(fields["code"], fields["text"]))
        elif name == "Draining":
            wait: float = fields["wait"] / 1000
            self._drain_wait = wait
            self._events.push(Draining(wait))
        elif not isinstance(topic, str):
            pass
        elif name == "Subscribed":
            if self._topics.answer(topic, fields["others"]):
                self._events.push(Missed(topic, "reconnect", fields["others"]))
        elif name == "Joined":
            # Before our own Subscribed: it was there first, is among the others, and has heard of us.
            if self._topics.is_on(topic):
                self._events.push(Joined(topic, fields["peer"]))
        elif name == "Left":
            self._events.push(Left(topic, fields["peer"]))
        elif name == "Relay":
            self._events.push(Relay(topic, fields["payload"], fields["from"]))
        elif name == "Missed":
            self._events.push(Missed(topic, "server"))
        # Whatever else it says is of a later version.

    async def _subscribe_again(self, connection: Connection) -> None:
        for topic in self._topics.begin_again():
            if self._topics.is_wanted(topic):  # still: each send may let the application speak
                await connection.send("Subscribe", {"topic": topic})


def _fail(answer: asyncio.Future[int], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
