"""What an application's loop is told, and the bounded queue in which it waits."""
from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Union

_EVENT_COST = 200


@dataclass(frozen=True)
class Connected:
    peer: str  # our own id, which is another after each reconnect
    url: str


@dataclass(frozen=True)
class Disconnected:
    code: int
    reason: str
    wait: float  # seconds until the next attempt


@dataclass(frozen=True)
class Joined:
    topic: str
    peer: str


@dataclass(frozen=True)
class Left:
    topic: str
    peer: str


@dataclass(frozen=True)
class Relay:
    topic: str
    payload: bytes
    sender: str


@dataclass(frozen=True)
class Missed:
    """Relays, Joined and Left of the topic may have been lost: in the "server", over a "reconnect", or in our "queue"."""

    topic: str
    why: str
    others: int | None = None  # after a reconnect: how many others are there now


@dataclass(frozen=True)
class ServerError:
    """A message of ours had no effect."""

    code: str
    text: str


@dataclass(frozen=True)
class Draining:
    wait: float  # seconds that the server asks us to stay away


Event = Union[Connected, Disconnected, Joined, Left, Relay, Missed, ServerError, Draining]


def _cost(event: Event) -> int:
    return _EVENT_COST + len(getattr(event, "topic", "")) + len(getattr(event, "payload", b""))


class EventQueue:
    """Bounded in bytes. When it is full the oldest event goes, and the next one that is taken says Missed."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._events: deque[Event] = deque()
        self._missed: dict[str, None] = {}
        self._changed = asyncio.Event()
        self._is_over = False
        self._error: Exception | None = None

    def push(self, event: Event) -> None:
        if self._is_over:
            return
        self._events.append(event)
        self._bytes += _cost(event)
        while self._bytes > self._max_bytes and len(self._events) > 1:
            lost = self._take()
            if not isinstance(lost, (Connected, Disconnected, ServerError, Draining)):
                self._missed[lost.topic] = None
        self._changed.set()

    def _take(self) -> Event:
        event = self._events.popleft()
        self._bytes -= _cost(event)
        return event

    def end(self, error: Exception | None = None) -> None:
        """Without an error, loops end once they have taken what is there; with one they raise it then."""
        if not self._is_over:
            self._is_over, self._error = True, error
            self._changed.set()

    async def next(self) -> Event:
        while True:
            if self._missed:
                topic = next(iter(self._missed))
                del self._missed[topic]
                return Missed(topic, "queue")
            if self._events:
                return self._take()
            if self._is_over:
                raise self._error or StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
