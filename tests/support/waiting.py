"""Waiting for conditions, with deadlines instead of sleeps; and the time of day."""
import os
import time

# Only a failing test waits this long. Sanitizers and loaded machines are slow: CAIRN_TEST_PATIENCE raises it.
PATIENCE = float(os.environ.get("CAIRN_TEST_PATIENCE", "20"))


def eventually(condition, what, within=PATIENCE, every=0.01):
    """The first true value of condition(), which is asked until the deadline."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(every)


class Stopwatch:
    def __init__(self):
        self._start = time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self._start


def now_us():
    """Unix microseconds, as the API has them."""
    return time.time_ns() // 1000
