"""Which topics the application wants, and who waits for an answer to a Subscribe. No sockets."""
from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from .errors import NotConnectedError


@dataclass
class _Asked:
    """One Subscribe that was sent, or will be on the next connection."""

    takers: list[asyncio.Future[int]] = field(default_factory=list)
    is_again: bool = False


@dataclass
class _Topic:
    wanted: bool = True
    was_answered: bool = False
    is_on: bool = False  # on the present connection
    asked: list[_Asked] = field(default_factory=list)


class Subscriptions:
    def __init__(self) -> None:
        self._topics: dict[str, _Topic] = {}

    def count(self) -> int:
        return sum(one.wanted for one in self._topics.values())

    def is_wanted(self, topic: str) -> bool:
        return topic in self._topics and self._topics[topic].wanted

    def is_on(self, topic: str) -> bool:
        """The server has answered our Subscribe on the present connection."""
        return topic in self._topics and self._topics[topic].is_on

    def add(self, topic: str) -> asyncio.Future[int]:
        """The answer to the Subscribe that is about to be sent."""
        state = self._topics.setdefault(topic, _Topic())
        state.wanted = True
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        state.asked.append(_Asked([answer]))
        return answer

    def remove(self, topic: str) -> None:
        state = self._topics[topic]
        state.wanted = state.is_on = False
        self._forget_if_done(topic, state)

    def begin_again(self) -> list[str]:
        """On a new connection: what is to be subscribed, one Subscribe for all that were not answered."""
        for topic, state in list(self._topics.items()):
            state.is_on = False
            if state.wanted:
                takers = [taker for one in state.asked for taker in one.takers]
                state.asked = [_Asked(takers, is_again=state.was_answered)]
            else:
                self.give_up(topic)
        return list(self._topics)

    def give_up(self, topic: str) -> None:
        state = self._topics.pop(topic, None)
        if state:
            _fail(state, NotConnectedError("the connection ended before the answer"))

    def answer(self, topic: str, others: int) -> bool:
        """A Subscribed came. True if it is the first one of a new connection for a topic that was on before."""
        state = self._topics.get(topic)
        if not (state and state.asked):
            return False
        asked = state.asked.pop(0)
        state.was_answered = True
        state.is_on = state.wanted
        for taker in asked.takers:
            if not taker.done():
                taker.set_result(others)
        self._forget_if_done(topic, state)
        return asked.is_again

    def end(self, error: Exception) -> None:
        for state in self._topics.values():
            _fail(state, error)
        self._topics.clear()

    def _forget_if_done(self, topic: str, state: _Topic) -> None:
        if not state.wanted and not state.asked:
            self._topics.pop(topic, None)


def _fail(state: _Topic, error: Exception) -> None:
    for asked in state.asked:
        for taker in asked.takers:
            if not taker.done():
                taker.set_exception(error)
