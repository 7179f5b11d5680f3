"""MeshedFleet: NATS servers, cores connected by them, and edges that know every core; each can be killed or stopped."""
import pathlib
import shutil
import signal
import tempfile

from support import raw_client
from support.ending import finish_all
from support.nats import NatsCluster
from support.ops import OPS, scrape
from support.ports import unused_port
from support.process import ServerProcess, with_defaults
from support.waiting import PATIENCE, eventually


class MeshedFleet:
    """For a `with` block. A restarted process has the same addresses as before.

    Clients connect to `edges`: separate processes, or (edges=0) the cores themselves, with --role all. An edge prefers the core
    that `prefers` has at its position, or else the next in turn.
    """

    def __init__(self, cores=3, servers=3, edges=3, *, prefers=(), loops=1, core_flags=(), edge_flags=()):
        self._loops = loops
        self._prefers = [*prefers, *(index % cores for index in range(len(prefers), edges))]
        self._core_flags, self._edge_flags = [*core_flags], [*edge_flags]
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="cairn-"))
        self._started = []
        self.nats = NatsCluster(self._directory, servers)
        self.cores = [None] * cores
        self.core_addresses = [f"127.0.0.1:{unused_port()}" for _ in range(cores)]
        self._is_all = edges == 0
        self.client_addresses = [f"127.0.0.1:{unused_port()}" for _ in range(edges or cores)]
        self.edges = [None] * edges
        for index in range(cores):
            self.start_core(index)
        for index in range(edges):
            eventually(lambda i=index: self._start_edge_where_it_belongs(i), "an edge at the core that it prefers")
        if self._is_all:
            self.edges = self.cores
        self.await_links()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Clients first: a stopped edge would not answer their Close.
        raw_client.close_all()
        for one in self._started:
            if one.is_running():
                one.send_signal(signal.SIGCONT)
        # Edges end before the cores, all at once: each flushes to its core.
        for one in [one for one in self.edges if one and one.is_running()]:
            one.signal(signal.SIGTERM)
        failures = finish_all(sorted(self._started, key=lambda one: one in self.cores))
        self.nats.finish()
        shutil.rmtree(self._directory)
        assert not failures, "\n".join(failures)

    def _start(self, *flags):
        self._started.append(ServerProcess(*flags, env=OPS))
        return self._started[-1]

    def start_core(self, index):
        flags = ["--grpc-listen-addr", self.core_addresses[index], "--mesh", self.nats.url, "--fleet", "test", "--core-name",
                 f"core{index}", *self._core_flags]
        if self._is_all:
            flags = with_defaults(["--role", "all", "--listen-addr", self.client_addresses[index], "--edge-name", f"edge{index}",
                                   "--threads", str(self._loops), *flags])
        else:
            flags = ["--role", "core", *flags]
        self.cores[index] = self._start(*flags)
        self.cores[index].grpc_address()

    def start_edge(self, index):
        first = self._prefers[index]
        cores = ",".join(self.core_addresses[first:] + self.core_addresses[:first])
        self.edges[index] = self._start(*with_defaults([
            "--role", "edge", "--core", cores, "--edge-name", f"edge{index}", "--threads", str(self._loops),
            "--listen-addr", self.client_addresses[index], *self._edge_flags]))
        self.edges[index].address()

    def _start_edge_where_it_belongs(self, index):
        """Waits until all cores have joined: one that is joining accepts no lanes, and edges return to it only after a minute."""
        if self.edges[index]:
            self.edges[index].kill()
        self.start_edge(index)
        self.await_links()
        return self._prefers[index] in self.busy_cores()

    def addresses(self):
        return [edge.address() for edge in self.edges]

    # ---- its state

    def are_links_up(self):
        if self._is_all:
            return True
        return all(scrape(edge).get("core_link_up", lane=str(lane)) for edge in self.edges if edge and edge.is_running()
                   for lane in range(self._loops))

    def busy_cores(self):
        """Indexes of the cores that have lanes."""
        return [index for index, core in enumerate(self.cores) if core.is_running() and scrape(core).get("lanes")]

    def await_links(self, within=PATIENCE):
        eventually(self.are_links_up, "all links up", within, every=0.05)
