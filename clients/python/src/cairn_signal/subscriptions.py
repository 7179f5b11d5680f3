"""Which topics the application wants, and who waits for an answer to a Subscribe. No sockets."""
from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from .errors import NotConnectedError


@dataclass
class _Topic:
    was_answered: bool = False
    is_on: bool = False  # on the present connection
    is_again: bool = False  # it was on before, and the present connection has yet to answer
    takers: list[asyncio.Future[int]] = field(default_factory=list)


class Subscriptions:
    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}

    def count(self) -> int:
        return len(self._topics)

    def is_wanted(self, topic: str) -> bool:
        return topic in self._topics

    def is_on(self, topic: str) -> bool:
        """The server has answered our Subscribe on the present connection."""
        return topic in self._topics and self._topics[topic].is_on

    def add(self, topic: str) -> asyncio.Future[int]:
        """The answer to the Subscribe that is about to be sent."""
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._topics.setdefault(topic, _Topic()).takers.append(answer)
        return answer

    def remove(self, topic: str) -> None:
        """The server need not answer a Subscribe that an Unsubscribe follows."""
        _fail(self._topics.pop(topic), NotConnectedError("unsubscribed before the answer"))

    def begin_again(self) -> list[str]:
        """On a new connection: what is to be subscribed, one Subscribe for all that were not answered."""
        for state in self._topics.values():
            state.is_on, state.is_again = False, state.was_answered
        return list(self._topics)

    def answer(self, topic: str, others: int) -> bool:
        """A Subscribed came, perhaps one for several Subscribes. True if it is the first one of a new connection for a
        topic that was on before."""
        state = self._topics.get(topic)
        if not state:
            return False
        is_again, state.is_again = state.is_again, False
        state.was_answered = state.is_on = True
        takers, state.takers = state.takers, []
        for taker in takers:
            if not taker.done():
                taker.set_result(others)
        return is_again

    def end(self, error: Exception) -> None:
        for state in self._topics.values():
            _fail(state, error)
        self._topics.clear()


def _fail(state: _Topic, error: Exception) -> None:
    for taker in state.takers:
        if not taker.done():
            taker.set_exception(error)
