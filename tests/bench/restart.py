"""Measures what a restart of the core with very many peers costs: `./dev bench restart`, or with --help.

Edges with idle peers in three topics each, and besides a load of native, v2 and JSON clients that checks each of its relays.
The core is killed and started at once, again and again. Prints what was lost or doubled, how long it took until the new core
knew all lanes, peers and subscriptions again (from the kill on), and what processor time that cost it. Exit 1 when something
was lost, doubled, out of order or closed; 2 when it did not run.
"""
import argparse
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.load_room import rooms_over  # noqa: E402
from support.ports import unused_port  # noqa: E402
from support.process import ServerProcess, binary, with_defaults  # noqa: E402
from support.sequence_load import SequenceLoad  # noqa: E402

PATIENCE = 120
LOOK = 0.02


class System:
    """A core, edges, and their idle peers. For a `with` block."""

    def __init__(self, args, directory):
        self._args = args
        self._core_address = f"unix:{directory}/core"
        self._core_ops = f"127.0.0.1:{unused_port()}"
        self._started, self._crowds = [], []
        self.edges = []
        self.core = None

    def __enter__(self):
        try:
            self.start_core()
            for index in range(self._args.edges):
                self.edges.append(self._start(*with_defaults([
                    "--role", "edge", "--core", self._core_address, "--edge-name", f"edge{index}",
                    "--threads", str(self._args.threads), "--listen-addr", f"127.0.0.1:{unused_port()}"])))
            self._add_peers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for crowd in self._crowds:
            crowd.kill()
            crowd.communicate()
        for one in reversed(self._started):
            if one.is_running():
                one.kill()
            one.finish()

    def _start(self, *flags):
        self._started.append(ServerProcess(*flags))
        return self._started[-1]

    def start_core(self):
        self.core = self._start("--role", "core", "--grpc-listen-addr", self._core_address, "--ops-listen-addr",
                                self._core_ops)

    def _add_peers(self):
        """One process of clients for each edge: a process may have 20,000 files."""
        program = binary().parent / "cairn-load"
        share, rest = divmod(self._args.peers, len(self.edges))
        for index, edge in enumerate(self.edges):
            command = [program, "hold", "--ports", edge.address()[1], "--peers", share + (index < rest), "--topics",
                       self._args.topics]
            self._crowds.append(subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                 text=True))
        for crowd in self._crowds:
            if crowd.stdout.readline() != "ready\n":
                raise RuntimeError("not all idle peers could connect")

    def knows(self):
        """Lanes, peers and subscriptions that the core knows; nothing while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://{self._core_ops}/metrics", timeout=PATIENCE) as answer:
                text = answer.read().decode()
        except OSError:
            return None
        found = dict(re.findall(r"^cairn_signal_(lanes|absent_lanes|peers|subscriptions) (\S+)$", text, re.M))
        return {name: float(value) for name, value in found.items()}

    def closed_peers(self):
        """Of the idle ones, which it stops."""
        closed = 0
        for crowd in self._crowds:
            said, _ = crowd.communicate("", timeout=PATIENCE)
            closed += int(re.search(r'"disconnected": ?(\d+)', said)[1])
        return closed


def cpu_seconds(pid):
    """Of a process, user and system."""
    return time.clock_gettime((~pid << 3) | 2)


def restart(system, all_there):
    """Seconds until all are there again, and processor time that the new core has used until then."""
    killed = time.monotonic()
    system.core.kill()
    system.start_core()
    while system.knows() != all_there:
        if time.monotonic() - killed > PATIENCE:
            raise RuntimeError(f"not all are back: {system.knows()} of {all_there}")
        time.sleep(LOOK)
    return time.monotonic() - killed, cpu_seconds(system.core.pid)


def settled(system):
    """The core's counts, once they no longer change."""
    known, since = system.knows(), time.monotonic()
    while time.monotonic() - since < 1:
        time.sleep(0.1)
        if (now := system.knows()) != known:
            known, since = now, time.monotonic()
    return known


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench restart", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--peers", type=int, default=100_000, help="idle peers, of all edges together (100000)")
    add("--topics", type=int, default=3, help="of each idle peer (3)")
    add("--edges", type=int, default=8, help="edges; each has 19,000 idle peers at the most (8)")
    add("--threads", type=int, default=1, help="event loops of an edge (1)")
    add("--kills", type=int, default=20, help="of the core (20)")
    add("--rate", type=float, default=400, help="relays a second (400)")
    return parser.parse_args(arguments)


def measure(args, directory):
    begun = time.monotonic()
    with System(args, directory) as system:
        with SequenceLoad([edge.address() for edge in system.edges], rooms_over(args.edges), rate=args.rate) as load:
            # JSON clients ask on connections of their own.
            all_there = settled(system)
            print(f"{args.peers:,} idle peers on {args.edges} edges, {all_there['lanes']:.0f} lanes; the core knows "
                  f"{all_there['peers']:,.0f} peers and {all_there['subscriptions']:,.0f} subscriptions after "
                  f"{time.monotonic() - begun:.0f} s", flush=True)
            restarts = []
            for number in range(1, args.kills + 1):
                restarts.append(restart(system, all_there))
                load.run(1)
                found = load.counts().faults()
                print(f"{number:3}: all back after {restarts[-1][0]:5.2f} s, {restarts[-1][1]:5.2f} s of processor time"
                      f"{f', so far {found}' if found else ''}", flush=True)
            verdict = load.finish()
        closed = system.closed_peers()
    return restarts, verdict, closed, all_there["peers"]


def main(arguments):
    args = parse_arguments(arguments)
    with tempfile.TemporaryDirectory(prefix="cairn-bench-") as directory:
        restarts, verdict, closed, peers = measure(args, directory)
    seconds, cpu = ([one[index] for one in restarts] for index in range(2))
    print(f"\n{verdict}\n")
    print(f"| {args.peers:,} peers, {args.edges} edges, {args.kills} kills of the core, {args.rate:g} relays/s | |\n|---|---:|")
    for name, value in (("relays lost", verdict.lost), ("doubled", verdict.doubled), ("out of order", verdict.disordered),
                        ("connections closed", len(verdict.closed) + closed), ("receipts lost or twice",
                                                                               verdict.receipts_lost + verdict.receipts_doubled)):
        print(f"| {name} | {value:,} |")
    print(f"| all back after, p50, s | {statistics.median(seconds):.2f} |\n| … worst | {max(seconds):.2f} |\n"
          f"| the latest relay, s | {verdict.worst_delay:.2f} |\n"
          f"| core's CPU µs a peer to get back, p50 | {statistics.median(cpu) * 1e6 / peers:.1f} |")
    return 1 if verdict.faults() or closed else 0
