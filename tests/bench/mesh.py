"""What several cores cost and carry: `./dev bench mesh`, or with --help.

Pairs of clients exchange messages of 200 bytes; processor time is counted apart for cores, NATS and edges. `alone`: one core and no fleet.
`same core`: the clients' two edges are at one core of a fleet of two; `across`: at one each; NATS is one server. With --tls also `across, TLS`:
NATS as it is shipped, with TLS and a key for each core. Then fleets of 1, 2, … cores,
each with an edge of its own, among which all pairs are mixed evenly: a core more costs NATS more than it brings as long as all of them share so few
processors; so the table says what the busiest core spends on a message, and how many it would carry on a processor of its own.

Then a core that knows so many idle peers, in three topics each, is killed while clients of all three edges exchange relays: how long the
slowest of these took. At last clients of one core subscribe to a million topics and leave: what NATS knows of that, and what the other
core spends.

The shapes take turns, so that their ratios are of the same minutes. Exit 1 when a message was lost, doubled or changed.
"""
import argparse
import contextlib
import itertools
import json
import os
import pathlib
import platform
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.certificates import Certificate  # noqa: E402
from support.load_room import rooms_over  # noqa: E402
from support.meshed_fleet import MeshedFleet  # noqa: E402
from support.nats import NatsCluster, Secure, make_nkey  # noqa: E402
from support.ops import scrape  # noqa: E402
from support.ports import unused_port  # noqa: E402
from support.process import clean_environment  # noqa: E402
from support.sequence_load import SequenceLoad  # noqa: E402
from support.waiting import eventually  # noqa: E402

FAULTS = ("lost", "duplicates", "reordered", "corrupt", "disconnected")
PATIENCE_SECONDS = 20
# A core that has joined takes lanes two seconds later at the latest; another may have to hear of the lanes first.
SETTLED_SECONDS = 2.5
# Of a crowd: a process may have 20,000 files.
PEERS_AN_EDGE = 12_500
TOPICS_A_PEER = 1_000
# Name: cores in a fleet (0: one core without a fleet), and the core of each edge.
PAIR_SHAPES = {"alone": (0, (0, 0)), "same core": (2, (0, 0)), "across": (2, (0, 1))}
TLS_SHAPES = {"across, TLS": (2, (0, 1), True)}


class Fleet:
    """Cores and edges; for a `with` block."""

    def __init__(self, args, cores, core_of_edge, tls=False):
        self._args, self._directory = args, tempfile.TemporaryDirectory(prefix="cairn-bench-")
        self._log = open(pathlib.Path(self._directory.name, "log"), "w")
        self.cores, self.edges, self.ports = [], [], []
        secure, credentials = self._secure() if tls else (None, [])
        self.nats = NatsCluster(pathlib.Path(self._directory.name), args.servers, secure) if cores else None
        addresses = [f"127.0.0.1:{unused_port()}" for _ in range(max(cores, 1))]
        for index, address in enumerate(addresses):
            mesh = ["--mesh", self.nats.url, "--fleet", "fleet", "--core-name", f"core{index}"] if cores else []
            self.cores.append(self._spawn(address, "--role", "core", "--grpc-listen-addr", address, *mesh, *credentials))
        time.sleep(SETTLED_SECONDS if cores else 0)
        for index, core in enumerate(core_of_edge):
            self.ports.append(unused_port())
            address = f"127.0.0.1:{self.ports[-1]}"
            self.edges.append(self._spawn(address, "--role", "edge", "--core", addresses[core], "--listen-addr", address,
                                          "--edge-name", f"edge{index}", "--threads", "1", "--rate-messages", "0",
                                          "--rate-deliveries", "0"))
        time.sleep(SETTLED_SECONDS if cores else 0.5)

    def _secure(self):
        directory = pathlib.Path(self._directory.name)
        certificate, key = Certificate(directory, "nats"), make_nkey(directory / "core.nk")
        flags = ["--mesh-tls-ca", certificate.cert, "--mesh-tls-cert", certificate.cert, "--mesh-tls-key", certificate.key,
                 "--mesh-nkey-file", directory / "core.nk"]
        return Secure(directory, certificate, key), list(map(str, flags))

    def _spawn(self, address, *flags):
        process = subprocess.Popen([str(self._args.bin / "cairn-signal"), *flags], stdout=self._log, stderr=self._log,
                                   env=clean_environment())
        host, port = address.split(":")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while socket.socket().connect_ex((host, int(port))) != 0:
            assert process.poll() is None and time.monotonic() < deadline, f"{flags} did not start"
            time.sleep(0.02)
        return process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in [*self.edges, *self.cores]:
            process.kill()
            process.wait()
        if self.nats:
            self.nats.finish()
        self._log.close()
        self._directory.cleanup()

    def measure(self, ports, *flags):
        """cairn-load's report, with processor time by role: of all its processes, and of the busiest core."""
        groups = {"cores": [core.pid for core in self.cores], "edges": [edge.pid for edge in self.edges],
                  "nats": [server.pid for server in self.nats.servers] if self.nats else []}
        pids = [pid for group in groups.values() for pid in group]
        sleeps = sum(map(sleeps_of, groups["cores"]))
        command = [str(self._args.bin / "cairn-load"), "pairs", *flags, "--seconds", str(self._args.seconds), "--warmup", "1",
                   "--ports", ",".join(map(str, ports)), "--servers", ",".join(map(str, pids))]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        assert done.stdout, f"{' '.join(command)} ended with {done.returncode}"
        report = json.loads(done.stdout)
        each = dict(zip(pids, report["each_server_cpu_us"]))
        for name, group in groups.items():
            report[name] = sum(each[pid] for pid in group)
        report["busiest"] = max(each[pid] for pid in groups["cores"])
        # The load warms up for a second, at the same rate.
        messages = report["messages_per_second"] * (self._args.seconds + 1)
        report["wake-ups"] = (sum(map(sleeps_of, groups["cores"])) - sleeps) / messages
        return report


def sleeps_of(pid):
    """How often a thread of the process has waited."""
    lines = (path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/status"))
    return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M)[1]) for text in lines)


def loads(args):
    yield from ((f"{rate:,} messages/s", ["--rate", str(rate), "--pairs", str(args.pairs)]) for rate in args.rates)
    yield from ((f"{count} in flight a pair", ["--in-flight", str(count), "--pairs", str(args.pairs)]) for count in (1, 16))


def shapes(args):
    return PAIR_SHAPES | (TLS_SHAPES if args.tls else {})


def measure_pairs(args):
    """{(load, shape): [report, ...]}"""
    results = {}
    for _ in range(args.repeat):
        for shape, fleet_of in shapes(args).items():
            with Fleet(args, *fleet_of) as fleet:
                for name, flags in loads(args):
                    results.setdefault((name, shape), []).append(fleet.measure(fleet.ports, *flags))
    return results


def measure_fleets(args):
    """{cores: [report, ...]}; clients come in pairs, and each pair of edges has as many."""
    results = {}
    for _, cores in itertools.product(range(args.repeat), args.cores):
        with Fleet(args, cores, range(cores)) as fleet:
            ports = [port for pair in itertools.product(fleet.ports, repeat=2) for port in pair]
            pairs = cores * cores * max(1, args.pairs // (cores * cores))
            results.setdefault(cores, []).append(fleet.measure(ports, "--in-flight", "16", "--pairs", str(pairs)))
    return results


def cpu_seconds(processes):
    # As clock_getcpuclockid(3) makes a clock of a process's number.
    return sum(time.clock_gettime((~process.pid << 3) | 2) for process in processes)


def metric(core, name):
    """-1 while its router has too much to do to say."""
    with contextlib.suppress(KeyError):
        return scrape(core).get(name)
    return -1


@contextlib.contextmanager
def crowds(args, members):
    """Idle clients, for each member: an edge's port, how many, topics of each. They leave at the end."""
    started = []
    try:
        for port, peers, topics in members:
            command = [args.bin / "cairn-load", "hold", "--ports", port, "--peers", peers, "--topics", topics]
            started.append(subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        for one in started:
            assert one.stdout.readline() == "ready\n", "the crowd is not there"
        yield
    finally:
        for one in started:
            one.communicate()


def measure_failover(args, peers):
    """Seconds: of the slowest relay without a kill and over one, until all peers are known again, of processor time that the core to which
    they go, the third core and the edges of the peers use until then; and the load's verdict."""
    shares = [min(PEERS_AN_EDGE, peers - begin) for begin in range(0, peers, PEERS_AN_EDGE)]
    os.environ["CAIRN_BIN_DIR"] = str(args.bin.absolute())
    # The first of the crowd's edges has clients of the load too.
    prefers = [0, 1, 2, *(0 for _ in shares[1:])]
    with MeshedFleet(edges=len(prefers), prefers=prefers, edge_flags=["--rate-messages", "0", "--max-connections-per-ip", "0"]) as fleet:
        crowded = [fleet.edges[0], *fleet.edges[3:]]
        with crowds(args, [(edge.address()[1], share, 3) for edge, share in zip(crowded, shares)]):
            with SequenceLoad(fleet.addresses()[:3], rooms_over(3, json=False), rate=200) as load:
                load.run(2)
                without = load.take_slowest()
                workers = [fleet.cores[1:2], fleet.cores[2:], crowded]
                used = [cpu_seconds(group) for group in workers]
                fleet.cores[0].kill()
                killed = time.monotonic()
                eventually(lambda: sum(metric(core, "peers") for core in fleet.cores[1:]) > peers, "all peers", 120, every=0.02)
                back = time.monotonic() - killed
                used = [cpu_seconds(group) - before for group, before in zip(workers, used)]
                load.run(2)
                slowest = load.take_slowest()
                verdict = load.finish()
    return without, slowest, back, *used, verdict


def print_failovers(args):
    print("\n| peers at the killed core | slowest relay before, ms | slowest relay over the kill, ms | all peers at another core after, ms | "
          "CPU ms until then: that core | a third | the peers' edges |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    faults = []
    for peers in args.peers:
        *seconds, verdict = measure_failover(args, peers)
        print(f"| {peers:,} | " + " | ".join(f"{1000 * one:.0f}" for one in seconds) + " |", flush=True)
        faults += [f"{peers} peers: {verdict}"] if verdict.faults() else []
    return faults


def resident_bytes(process):
    return int(re.search(r"^VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{process.pid}/status").read_text(), re.M)[1]) * 1024


class Looks:
    """What NATS and two cores have and have used, of which the first has the clients."""

    def __init__(self, fleet):
        self.nats_subscriptions = sum(server.subscriptions() for server in fleet.nats.servers)
        self.nats_cpu = cpu_seconds(fleet.nats.servers)
        self.other_cpu = cpu_seconds(fleet.cores[1:])
        self.other_bytes = resident_bytes(fleet.cores[1])
        self.known = metric(fleet.cores[1], "mesh_subscriptions")


def measure_topics(args):
    """Before, with all topics, and after them: Looks; and what NATS had while they came and went."""
    peers = args.topics // TOPICS_A_PEER
    os.environ["CAIRN_BIN_DIR"] = str(args.bin.absolute())
    with MeshedFleet(cores=2, servers=args.servers, edges=2,
                     edge_flags=["--rate-messages", "0", "--max-connections-per-ip", "0"]) as fleet:
        looks, meanwhile, over = [Looks(fleet)], [], threading.Event()

        def count():
            while not over.wait(0.1):
                meanwhile.append(sum(server.subscriptions() for server in fleet.nats.servers))

        counting = threading.Thread(target=count)
        counting.start()
        try:
            with crowds(args, [(fleet.addresses()[0][1], peers, TOPICS_A_PEER)]):
                eventually(lambda: metric(fleet.cores[1], "mesh_subscriptions") == peers * TOPICS_A_PEER, "all topics", 120)
                looks.append(Looks(fleet))
            eventually(lambda: all(metric(core, "mesh_subscriptions") == 0 for core in fleet.cores), "no topic", 120)
            looks.append(Looks(fleet))
        finally:
            over.set()
            counting.join()
    return looks, meanwhile


def print_topics(args):
    looks, meanwhile = measure_topics(args)
    counts = [look.nats_subscriptions for look in looks]
    topics = args.topics // TOPICS_A_PEER * TOPICS_A_PEER
    print("\n| | before | with all | after |\n|---|---:|---:|---:|")
    rows = [("subscriptions of NATS", counts), ("subscriptions that the other core knows", [look.known for look in looks]),
            ("MiB resident of the other core", [look.other_bytes / 2**20 for look in looks])]
    for name, values in rows:
        print(f"| {name} | " + " | ".join(f"{value:,.0f}" for value in values) + " |")
    print(f"\n{len(meanwhile)} looks meanwhile: {min(meanwhile)} to {max(meanwhile)} subscriptions of NATS. For each of {topics:,} topics that "
          "came and went:")
    first, whole, last = looks
    print(f"the other core {1e6 * (whole.other_cpu - first.other_cpu) / topics:.2f} and {1e6 * (last.other_cpu - whole.other_cpu) / topics:.2f} µs "
          f"of CPU, NATS {1e6 * (whole.nats_cpu - first.nats_cpu) / topics:.2f} and {1e6 * (last.nats_cpu - whole.nats_cpu) / topics:.2f} µs, "
          f"{(whole.other_bytes - first.other_bytes) / topics:.0f} bytes of the other core.")
    # Fewer while a core that is too busy has lost its server.
    return [f"NATS had {max(meanwhile)} subscriptions, not {counts[0]}"] if max(meanwhile) > counts[0] else []


def middle(reports, value_of):
    return statistics.median(value_of(report) for report in reports)


def print_pairs(args, results):
    ratios = [("across", "same core"), ("same core", "alone")] + [("across, TLS", "across")] * args.tls
    print("| | " + " | ".join([*shapes(args), *map(" ÷ ".join, ratios)]) + " |")
    print("|---|" + "---:|" * (len(shapes(args)) + len(ratios)))
    figures = [("p50 µs", lambda report: report["latency_us"]["p50"]), ("CPU µs a message: cores", lambda report: report["cores"]),
               ("… NATS", lambda report: report["nats"]), ("… edges", lambda report: report["edges"]),
               ("threads of cores that it wakes", lambda report: report["wake-ups"])]
    for name, _ in loads(args):
        for label, value_of in figures:
            if "µs" == label[-2:] and "in flight" in name:
                continue
            values = {shape: middle(results[name, shape], value_of) for shape in shapes(args)}
            cells = [f"{value:.2f}" for value in values.values()]
            cells += [f"{values[one] / values[other]:.2f}" if values[other] else "" for one, other in ratios]
            print(f"| {name}, {label} | " + " | ".join(cells) + " |")


def print_fleets(results):
    print("\n| cores | model | messages/s here | CPU µs a message: all cores | busiest core | NATS | edges | messages/s at a CPU a core | ÷ one core |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    one = None
    for cores, reports in results.items():
        busiest = middle(reports, lambda report: report["busiest"])
        carries = 1e6 / busiest
        one = one or carries
        cells = [middle(reports, lambda report, name=name: report[name]) for name in ("cores", "busiest", "nats", "edges")]
        rate = middle(reports, lambda report: report["messages_per_second"])
        # A message across costs two cores what one within costs one; N² pairs of edges, of which N are within.
        model = cores * cores / (2 * cores - 1)
        print(f"| {cores} | {model:.2f} | {rate:,.0f} | " + " | ".join(f"{cell:.2f}" for cell in cells) +
              f" | {carries:,.0f} | {carries / one:.2f} |")


def faults_of(reports):
    return [f"{report[fault]} {fault}" for report in reports for fault in FAULTS if report[fault]]


def main(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench mesh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    counts = lambda text: [int(part) for part in text.split(",")]
    add = parser.add_argument
    add("--bin", type=pathlib.Path, default=ROOT / "build/dev/bin", help="where the programs are")
    add("--seconds", type=float, default=3, help="of each load (3)")
    add("--repeat", type=int, default=3, help="measure all so often and show medians (3)")
    add("--pairs", type=int, default=100, help="pairs of connections (100)")
    add("--rates", type=counts, default=[1000], help="messages a second of all pairs together (1000)")
    add("--cores", type=counts, default=[1, 2, 3, 4], help="sizes of fleets (1,2,3,4)")
    add("--peers", type=counts, default=[0, 1000, 10000, 100000], help="at a core that is killed (0,1000,10000,100000)")
    add("--topics", type=int, default=1_000_000, help="that come and go (1000000)")
    add("--only", choices=("pairs", "fleets", "failover", "topics"), help="one of the tables")
    add("--tls", action="store_true", help="pairs across cores also with TLS to NATS")
    add("--servers", type=int, default=1, help="NATS servers (1)")
    args = parser.parse_args(arguments)
    pairs = measure_pairs(args) if args.only in (None, "pairs") else {}
    fleets = measure_fleets(args) if args.only in (None, "fleets") else {}
    print(f"{os.cpu_count()} processors, Linux {platform.release()}, load average {os.getloadavg()[0]:.1f}; medians of {args.repeat}; "
          f"{args.servers} NATS server{'s' if args.servers > 1 else ''}\n")
    if pairs:
        print_pairs(args, pairs)
    if fleets:
        print_fleets(fleets)
    faults = faults_of(report for reports in [*pairs.values(), *fleets.values()] for report in reports)
    faults += print_failovers(args) if args.only in (None, "failover") else []
    faults += print_topics(args) if args.only in (None, "topics") else []
    print("\n" + ("\n".join(faults) if faults else "Nothing was lost, doubled, reordered, changed or closed."))
    return 1 if faults else 0
