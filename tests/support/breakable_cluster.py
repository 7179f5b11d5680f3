"""BreakableCluster: a core and edges, each with its own link; processes can be killed or stopped, and links cut."""
import functools
import shutil
import signal
import tempfile

from support import process, raw_client
from support.ending import finish_all
from support.ops import OPS, scrape
from support.ports import unused_port
from support.process import ServerProcess, with_defaults
from support.tcp_link import TcpLink
from support.waiting import PATIENCE, eventually


@functools.lru_cache(maxsize=None)
def knows(flag):
    """Whether the server has such a flag."""
    return flag in process.run("--help").stdout


class BreakableCluster:
    """For a `with` block. A restarted edge listens on the same address as before."""

    def __init__(self, edges=3, *, loops=2, lane_timeout=None, core_flags=(), edge_flags=(), env=None):
        """loops: event loops of each edge. lane_timeout: given only to servers that have the flag."""
        self.loops = loops
        self._env = {**OPS, **(env or {})}
        self._directory = tempfile.mkdtemp(prefix="cairn-")
        self._core_flags = [*core_flags]
        if lane_timeout and knows("--lane-timeout"):
            self._core_flags += ["--lane-timeout", lane_timeout]
        self._edge_flags = edge_flags
        self._started = []
        self.links = []
        self.edges = []
        self.core = None
        self.start_core()
        self._addresses = [f"127.0.0.1:{unused_port()}" for _ in range(edges)]
        for index in range(edges):
            self.links.append(TcpLink(f"{self._directory}/core"))
            self.edges.append(None)
            self.start_edge(index)
        self.await_links()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Clients first: a stopped edge would not answer their Close.
        raw_client.close_all()
        # Edges end before the core, all at once: each flushes to the core, and may wait for it.
        for edge in self.running_edges():
            edge.signal(signal.SIGTERM)
        failures = finish_all(sorted(self._started, key=lambda one: one is self.core))
        for link in self.links:
            link.close()
        shutil.rmtree(self._directory)
        assert not failures, "\n".join(failures)

    def _start(self, *flags):
        self._started.append(ServerProcess(*flags, env=self._env))
        return self._started[-1]

    # ---- the core

    @property
    def core_address(self):
        return f"unix:{self._directory}/core"

    def start_core(self):
        self.core = self._start("--role", "core", "--grpc-listen-addr", self.core_address, *self._core_flags)
        self.core.grpc_address()

    def kill_core(self):
        self.core.kill()

    # ---- edges

    def addresses(self):
        return [edge.address() for edge in self.edges]

    def start_edge(self, index):
        self.edges[index] = self._start(*with_defaults([
            "--role", "edge", "--core", self.links[index].address, "--edge-name", f"edge{index}", "--threads", str(self.loops),
            "--listen-addr", self._addresses[index], *self._edge_flags]))
        self.edges[index].address()

    def kill_edge(self, index):
        self.edges[index].kill()

    def stop(self, one):
        one.send_signal(signal.SIGSTOP)

    def go_on(self, one):
        one.send_signal(signal.SIGCONT)

    # ---- its state

    def running_edges(self):
        return [edge for edge in self.edges if edge.is_running()]

    def are_links_up(self):
        """Waits until the core and every running edge are connected."""
        edges = self.running_edges()
        for edge in edges:
            metrics = scrape(edge)
            if any(not metrics.get("core_link_up", lane=str(lane)) for lane in range(self.loops)):
                return False
        metrics = scrape(self.core)
        return metrics.get("lanes") == self.loops * len(edges) and not metrics.get("absent_lanes")

    def await_links(self, within=PATIENCE):
        eventually(self.are_links_up, "all links up", within, every=0.05)

    def await_links_of_living(self, within=PATIENCE):
        """The same; the core may still have the state of edges that have ended."""
        def all_up():
            return all(scrape(edge).get("core_link_up", lane=str(lane)) for edge in self.running_edges()
                       for lane in range(self.loops))
        eventually(all_up, "links of edges that run", within, every=0.05)

    def await_peers(self, least, within=PATIENCE):
        """Waits until the core knows at least that many."""
        eventually(lambda: scrape(self.core).get("peers") > least, f"more than {least} peers", within, every=0.05)
