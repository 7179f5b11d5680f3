"""Waits for conditions, with deadlines; and the time of day."""
import os
import time

# Only a failing test waits this long. CAIRN_TEST_PATIENCE raises it for sanitizers and loaded machines.
PATIENCE = float(os.environ.get("CAIRN_TEST_PATIENCE", "20"))


def eventually(condition, what, within=PATIENCE, every=0.01):
    """Calls condition() until it is true or the deadline has passed. Returns its value."""
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
    """Unix time in microseconds, as in the Admin API."""
    return time.time_ns() // 1000
