"""Measurements of the tests of attacks: how long others wait, and metrics."""
import contextlib
import os
import statistics
import threading
import time
import urllib.request

from support.messages import new_topic, relay
from support.process import sanitizer
from support.raw_client import RawClient
from support.waiting import PATIENCE, Stopwatch, eventually

# How many times the memory and time of a release build a sanitizer's may take.
SANITIZER_FACTOR = {None: 1, "asan": 8, "tsan": 8}[sanitizer()]


def metric(server, name):
    host, port = server.ops_address()
    metrics = urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=10).read().decode()
    [value] = [line.split()[1] for line in metrics.splitlines() if line.split()[0] == name]
    return float(value)


def _cpu_seconds(process):
    """Finer than in /proc/PID/stat."""
    seconds = 0
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{process.pid}/task/{thread}/schedstat", encoding="ascii") as file:
            seconds += int(file.read().split()[0]) / 1e9
    return seconds


class Talk:
    """Two clients of an edge, one of which relays to the other all the time."""

    def __init__(self, edge, **options):
        """options: of the clients."""
        self._topic, self._over = new_topic(), threading.Event()
        self.seconds = []
        self._hears, self._talks = (RawClient(edge.address(), **options) for _ in range(2))
        self._hears.subscribe(self._topic)
        eventually(self._is_subscribed, "the subscription")
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _is_subscribed(self):
        """A relay that comes before the subscription, by another connection, goes to nobody."""
        self._talks.relay(self._topic, b"")
        self._hears.socket.settimeout(0.02)
        try:
            heard = self._hears.read_message()
        except TimeoutError:
            return False
        finally:
            self._hears.socket.settimeout(PATIENCE)
        # Those of earlier rounds come first.
        self._talks.relay(self._topic, b"last")
        while heard != relay(self._topic, b"last"):
            heard = self._hears.read_message()
        return True

    def _relay(self):
        watch, payload = Stopwatch(), os.urandom(8)
        self._talks.relay(self._topic, payload)
        assert self._hears.read_message() == relay(self._topic, payload)
        self.seconds.append(watch.seconds)
        return True

    def _run(self):
        while not self._over.wait(0.005):
            self._relay()

    def _slow(self, count=20):
        """What the slower ones take of the next relays, but for the slowest tenth: the machine has others to serve, too."""
        eventually(lambda: len(self.seconds) >= count, f"{count} relays")
        return statistics.quantiles(self.seconds, n=10)[-1]

    def calm(self):
        """The same before anything is done to the core; then it counts anew."""
        slow = self._slow()
        self.seconds.clear()
        return slow

    def end(self):
        slow = self._slow()
        self._over.set()
        self._thread.join()
        return slow


class Latency:
    """How long relays of a quiet client on one edge take to another on the other edge.

    One counts as long as it took, or as long as the servers ran meanwhile if that is less: on a busy machine they wait for
    others, which is not what is measured.
    """

    def __init__(self, shape, edges):
        self._shape = shape
        self._edges = edges
        self._seconds = []

    def __enter__(self):
        self._there, self._back = new_topic(), new_topic()
        self._one, self._two = self._shape.raw(self._edges[0]), self._shape.raw(self._edges[1])
        self._one.subscribe(self._back)
        self._two.subscribe(self._there)
        self._shape.settle(self._one, self._two)
        return self

    def __exit__(self, *_):
        self._one.close()
        self._two.close()

    def _ran(self):
        return sum(_cpu_seconds(process) for process in self._shape.processes())

    def measure(self, seconds, pause=0.002, at_least=200):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(self._seconds) < at_least:
            self._measure(self._one, self._there, self._two)
            self._measure(self._two, self._back, self._one)
            time.sleep(pause)

    def _measure(self, sender, topic, receiver):
        begin, ran = time.perf_counter(), self._ran()
        sender.relay(topic, b"ping")
        assert receiver.read_message() == relay(topic, b"ping")
        self._seconds.append(min(time.perf_counter() - begin, self._ran() - ran))

    @property
    def p99(self):
        ordered = sorted(self._seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]

    def __repr__(self):
        ordered = sorted(self._seconds)
        return f"p50 {1e3 * ordered[len(ordered) // 2]:.1f} ms, p99 {1e3 * self.p99:.1f} ms, max {1e3 * ordered[-1]:.1f} ms of {len(ordered)}"
