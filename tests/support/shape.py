"""Shape: one of the ways to run the server, which must look the same to clients."""
import itertools
import pathlib
import shutil
import tempfile

from support import messages
from support.ending import finish_all
from support.nats import NatsCluster
from support.peer import RETRY_SECONDS, Peer
from support.process import ServerProcess, with_defaults
from support.raw_client import RawClient, RawConnection
from support.waiting import PATIENCE, Stopwatch

SETTLE_TOPIC = "settle"
# More than one, so that relays between the loops of one edge are tested too.
LOOPS = ["--threads", "2"]


class Shape:
    """One process ("all"), one core and two edges ("cluster"), or three cores with an edge each ("fleet"). Clients connect to the edges in
    turn."""

    def __init__(self, kind, *flags, env=None, tls=None):
        """tls: the clients' context, if the flags turn TLS on."""
        self.kind = kind
        self._tls = tls
        self._flags = [*flags, *([] if "--threads" in flags else LOOPS)]
        self._env = env
        self._directory = tempfile.mkdtemp(prefix="cairn-")
        self._turn = itertools.count()
        self._tokens = itertools.count()
        self._witnesses = []
        self.core = None
        # Of a fleet: the other cores, and the flags that all of its cores share.
        self._other_cores, self._nats = [], None
        self.edges = []
        self._ended = []
        if kind == "all":
            self.edges.append(ServerProcess(*with_defaults(self._flags), env=env))
        elif kind == "fleet":
            self._nats = NatsCluster(pathlib.Path(self._directory))
            self.core, *self._other_cores = (self._start_core_of_fleet(name) for name in ("core", "second-core", "third-core"))
            self.start_edge()
            for core in self._other_cores:
                self.start_edge(core=core.grpc_address())
        else:
            self.start_core()
            self.start_edge()
            self.start_edge()
        for edge in self.edges:
            edge.address()
        self.await_links()

    # ---- processes

    @property
    def core_address(self):
        return f"unix:{self._directory}/core"

    def start_core(self):
        """Starts the core, or a new one in place of one that has ended."""
        if self.core:
            self._ended.append(self.core)
        self.core = ServerProcess("--role", "core", "--grpc-listen-addr", self.core_address, env=self._env)
        self.core.grpc_address()

    def _start_core_of_fleet(self, name):
        core = ServerProcess("--role", "core", "--grpc-listen-addr", f"unix:{self._directory}/{name}", "--mesh", self._nats.url, "--fleet",
                             "test", "--core-name", name, env=self._env)
        core.grpc_address()
        return core

    def start_edge(self, *flags, core=None):
        """core: the address for --core, if not the core's own; it must lead to the core."""
        link = ["--role", "edge", "--core", core or self.core_address]
        edge = ServerProcess(*with_defaults([*link, *self._flags, *flags]), env=self._env)
        self.edges.append(edge)
        return edge

    def start_edge_at(self, listen_address):
        """Starts another process on the same address. Returns when it is ready for clients."""
        flags = ["--listen-addr", listen_address]
        if self.kind == "all":
            edge = ServerProcess(*with_defaults([*self._flags, *flags]), env=self._env)
            self.edges.append(edge)
        else:
            edge = self.start_edge(*flags)
        edge.address()
        return edge

    def remove_edge(self, edge):
        """Removes a process that has ended or is about to end."""
        self.edges.remove(edge)
        self._ended.append(edge)

    def await_links(self, times=1):
        """Waits until every lane has connected to its core that many times."""
        if self.kind != "all":
            loops = int(self._flags[self._flags.index("--threads") + 1])
            for edge in self.edges:
                edge.wait_for_log("core_link_up", count=loops * times)

    def processes(self):
        """In the order in which they are to end: edges flush to the core."""
        return [*self.edges, *self._cores(), *self._ended]

    def _cores(self):
        return [core for core in (self.core, *self._other_cores) if core]

    def assert_running(self):
        for process in [*self.edges, *self._cores()]:
            assert process.is_running(), process.tail()

    def finish(self):
        failures = finish_all(self.processes())
        if self._nats:
            self._nats.finish()
        shutil.rmtree(self._directory)
        assert not failures, "\n".join(failures)

    # ---- clients

    def address(self, edge=None):
        """A client of the edge with that index, or of the next edge in turn."""
        index = next(self._turn) if edge is None else edge
        return self.edges[index % len(self.edges)].address()

    def peer(self, edge=None, **options):
        options = {"ssl": self._tls, **options}
        host, port = self.address(edge)
        return Peer(f"{'wss' if self._tls else 'ws'}://{host}:{port}/", **options)

    def raw(self, edge=None, **options):
        return RawClient(self.address(edge), **{"tls": self._tls, **options})

    def connection(self, edge=None, **options):
        return RawConnection(self.address(edge), **options)

    def settle(self, *clients):
        """Returns when everything that the clients have sent is in effect on every edge.

        A client's messages take effect in order. Each relays a token after them until a witness has received it.
        """
        if not self._witnesses:
            # The cores of a fleet learn of it at different times.
            edges = range(len(self.edges)) if self.kind == "fleet" else [0]
            self._witnesses = [self.peer(edge, outlives_test=True) for edge in edges]
            for witness in self._witnesses:
                witness.subscribe(SETTLE_TOPIC)
        for witness in self._witnesses:
            self._await_hearing(witness, clients)

    def _await_hearing(self, witness, clients):
        waiting = {str(next(self._tokens)).encode(): client for client in clients}
        watch = Stopwatch()
        while waiting:
            assert watch.seconds < PATIENCE, f"{len(waiting)} clients are not heard"
            for token, client in waiting.items():
                client.relay(SETTLE_TOPIC, token)
            # Repeated, because the witness's own subscription may not be in effect yet.
            while waiting and (message := witness.poll(RETRY_SECONDS)):
                waiting.pop(messages.decode_relay(message)[1], None)
