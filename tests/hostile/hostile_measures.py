"""Measurements of the tests of attacks: how long others wait, and metrics."""
import contextlib
import os
import time
import urllib.request

from support.messages import new_topic, relay


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
