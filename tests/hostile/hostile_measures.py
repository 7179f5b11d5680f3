"""What the tests of attacks measure: how long others wait, and metrics."""
import time
import urllib.request

from support.messages import new_topic, relay


def metric(server, name):
    host, port = server.ops_address()
    metrics = urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=10).read().decode()
    [value] = [line.split()[1] for line in metrics.splitlines() if line.split()[0] == name]
    return float(value)


class Latency:
    """How long relays of a quiet client on one edge take to another on the other edge, and back."""

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

    def measure(self, seconds, pause=0.005):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            begin = time.perf_counter()
            self._one.relay(self._there, b"ping")
            assert self._two.read_message() == relay(self._there, b"ping")
            self._seconds.append(time.perf_counter() - begin)
            self._two.relay(self._back, b"pong")
            assert self._one.read_message() == relay(self._back, b"pong")
            time.sleep(pause)

    @property
    def p99(self):
        ordered = sorted(self._seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]

    def __repr__(self):
        ordered = sorted(self._seconds)
        return f"p50 {1e3 * ordered[len(ordered) // 2]:.1f} ms, p99 {1e3 * self.p99:.1f} ms, max {1e3 * ordered[-1]:.1f} ms of {len(ordered)}"
