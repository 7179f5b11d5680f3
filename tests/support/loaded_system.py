"""A core and two edges with TLS, clients that connect, relay and disconnect all the time, and a Prometheus that scrapes them.
Beside them a core that is one of a fleet, for its metrics.
"""
import threading

from support.certificates import HOST_NAME, Certificate, trusting
from support.nats import NatsCluster
from support.peer import Peer
from support.ports import unused_port
from support.process import ServerProcess, with_defaults
from support.prometheus import Prometheus

OPS = ["--ops-listen-addr", "127.0.0.1:0"]
PAYLOAD = b"x" * 200
RELAYS_IN_A_ROW = 20
SILENT_CLIENTS = 20  # on each edge
TOPIC = "load"


class LoadedSystem:
    """For a `with` block."""

    def __init__(self, directory):
        self._certificate = Certificate(directory, "load")
        self._core_address = f"unix:{directory}/core"
        # The core keeps its ops port when it is restarted, so that Prometheus finds it again.
        self._core_ops = f"127.0.0.1:{unused_port()}"
        self._ended = threading.Event()
        self._started = []
        self._load = []
        self.core = self._start_core()
        self.edges = [self._start(*with_defaults([
            "--role", "edge", "--core", self._core_address, "--edge-name", f"edge{i}", "--rate-messages", "0", "--rate-deliveries", "0", *OPS,
            *self._certificate.flags()]))
            for i in (1, 2)]
        self._nats = NatsCluster(directory)
        self.fleet_core = self._start("--role", "core", "--grpc-listen-addr", f"unix:{directory}/fleet", *OPS,
                                      "--mesh", self._nats.url, "--fleet", "load")
        self.prometheus = Prometheus(directory, {
            "fleet:9090": self.fleet_core.ops_address(), "core:9090": self.core.ops_address(), "edge1:9090": self.edges[0].ops_address(),
            "edge2:9090": self.edges[1].ops_address()})

    def _start(self, *flags):
        self._started.append(ServerProcess(*flags))
        return self._started[-1]

    def _start_core(self):
        return self._start("--role", "core", "--grpc-listen-addr", self._core_address, "--ops-listen-addr", self._core_ops)

    def __enter__(self):
        self._load = [threading.Thread(target=self._relay_on, args=[edge.address()[1]]) for edge in self.edges]
        for thread in self._load:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._load:
            thread.join()
        self.prometheus.stop()
        for process in reversed(self._started):
            process.finish()
        self._nats.finish()

    def restart_core(self):
        """Kills the core and starts another one at once."""
        self.core.kill()
        self.core = self._start_core()

    def _connect(self, port):
        return Peer(f"wss://{HOST_NAME}:{port}/", ssl=trusting(self._certificate), server_hostname=HOST_NAME,
                    host="127.0.0.1", outlives_test=True)

    def _relay_on(self, port):
        silent = [self._connect(port) for _ in range(SILENT_CLIENTS)]
        listener, sender = self._connect(port), self._connect(port)
        listener.subscribe(TOPIC)
        while not self._ended.wait(0.01):
            # One client after the other connects and disconnects.
            self._connect(port).close()
            sender.relay(TOPIC, *[PAYLOAD] * RELAYS_IN_A_ROW)
            while listener.has_received():
                listener.receive()
        for client in [*silent, listener, sender]:
            client.abandon()
