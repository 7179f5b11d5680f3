"""What TLS costs: `./dev bench tls`, or with --help.

Memory of idle connections in three topics each, plaintext and TLS; what OpenSSL holds of it, by purpose
(tests/bench/tls_memory.cc); the server's processor time for a relay between two clients, one at a time; and that to accept a
client: without TLS, with a full handshake of each kind of key, and with one that resumes a session. The clients' time is not in it.
"""
import argparse
import pathlib
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.certificates import HOST_NAME, Certificate, trusting  # noqa: E402
from support.messages import relay, subscribe  # noqa: E402
from support.process import ServerProcess, with_defaults  # noqa: E402
from support.raw_client import BINARY, binary, frame, upgrade_request  # noqa: E402

TOPICS = 3


class Clients:
    """Connections to a server, of which each is upgraded and subscribed before the next."""

    def __init__(self, server, context=None):
        self._address = server.address()
        self._context = context
        self._session = None
        self.sockets = []
        self.resumed = 0

    def open_one(self, resume=False, subscribes=True):
        one = socket.create_connection(self._address)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._context:
            one = self._context.wrap_socket(one, server_hostname=HOST_NAME, session=self._session if resume else None)
            self.resumed += one.session_reused
        one.sendall(upgrade_request())
        assert b" 101 " in one.recv(4096)
        self._session = one.session if self._context else None
        if subscribes:
            number = len(self.sockets)
            one.sendall(b"".join(binary(subscribe(f"topic-{number}-{n}")) for n in range(TOPICS)))
        self.sockets.append(one)

    def close(self):
        for one in self.sockets:
            one.close()


def start(flags=()):
    server = ServerProcess(*with_defaults(["--threads", "1", "--max-connections-per-ip", "0", "--ping-interval", "1h", *flags]))
    server.address()
    return server


def cpu_seconds(server):
    # As clock_getcpuclockid(3) makes a clock of a process's number.
    return time.clock_gettime((~server.pid << 3) | 2)


def memory(count, flags=(), context=None):
    """Resident bytes a connection, beyond those that the first hundred cost."""
    server = start(flags)
    clients = Clients(server, context)
    for _ in range(100):
        clients.open_one()
    time.sleep(0.3)
    before = server.resident_bytes()
    for _ in range(count):
        clients.open_one()
    time.sleep(1)
    used = (server.resident_bytes() - before) / count
    clients.close()
    server.finish()
    return used


def read_exactly(one, length):
    received = b""
    while len(received) < length:
        received += one.recv(length - len(received))
    return received


def relays(count, flags=(), context=None):
    """Microseconds of the server's processor for a relay of 200 bytes: received from one client, and sent to another."""
    server = start(("--rate-messages", "0", *flags))
    clients = Clients(server, context)
    for _ in range(2):
        clients.open_one(subscribes=False)
    sender, receiver = clients.sockets
    receiver.sendall(binary(subscribe("topic")))
    time.sleep(0.3)
    message = relay("topic", b"x" * 200)
    expected = frame(BINARY, message, key=None)
    for number in range(count + 100):
        if number == 100:
            before = cpu_seconds(server)
        sender.sendall(binary(message))
        assert read_exactly(receiver, len(expected)) == expected
    used = (cpu_seconds(server) - before) / count * 1e6
    clients.close()
    server.finish()
    return used


def handshakes(count, flags=(), context=None, resume=False):
    """Microseconds of the server's processor to accept and upgrade one, and how many were resumed."""
    server = start(flags)
    clients = Clients(server, context)
    for _ in range(20):
        clients.open_one(resume, subscribes=False)
    clients.resumed = 0
    before = cpu_seconds(server)
    for _ in range(count):
        clients.open_one(resume, subscribes=False)
    used = (cpu_seconds(server) - before) / count * 1e6
    resumed = clients.resumed
    clients.close()
    server.finish()
    assert resumed == (count if resume else 0), f"{resumed} of {count} were resumed"
    return used


def main(arguments):
    parser = argparse.ArgumentParser(prog="./dev bench tls", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=4000, help="idle ones (4000)")
    parser.add_argument("--relays", type=int, default=5000, help="of each kind (5000)")
    parser.add_argument("--handshakes", type=int, default=1000, help="of each kind (1000)")
    args = parser.parse_args(arguments)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with tempfile.TemporaryDirectory(prefix="cairn-bench-") as directory:
        certificates = {kind: Certificate(pathlib.Path(directory), kind, kind) for kind in ("ec", "rsa")}
        ec = certificates["ec"]
        print("| Resident memory of an idle connection in three topics | bytes |\n|---|---:|")
        print(f"| plaintext | {memory(args.connections):,.0f} |", flush=True)
        print(f"| TLS 1.3 | {memory(args.connections, ec.flags(), trusting(ec)):,.0f} |", flush=True)
        two = trusting(ec, version=ssl.TLSVersion.TLSv1_2)
        print(f"| TLS 1.2 | {memory(args.connections, ec.flags(), two):,.0f} |\n", flush=True)
        sys.stdout.flush()
        subprocess.run([ROOT / "build/dev/bin/tls_memory", ec.cert, ec.key], check=True)
        print("| Server's CPU for a relay from one client to another | µs |\n|---|---:|")
        print(f"| plaintext | {relays(args.relays):,.1f} |", flush=True)
        print(f"| TLS 1.3 | {relays(args.relays, ec.flags(), trusting(ec)):,.1f} |", flush=True)
        print(f"| TLS 1.2 | {relays(args.relays, ec.flags(), two):,.1f} |\n", flush=True)
        print("| Server's CPU to accept one, up to the answer of its upgrade | µs |\n|---|---:|")
        print(f"| plaintext | {handshakes(args.handshakes):,.0f} |", flush=True)
        for kind, name in (("ec", "ECDSA P-256"), ("rsa", "RSA 2048")):
            one = certificates[kind]
            print(f"| TLS 1.3, {name} | {handshakes(args.handshakes, one.flags(), trusting(one)):,.0f} |", flush=True)
        print(f"| TLS 1.2, ECDSA P-256 | {handshakes(args.handshakes, ec.flags(), two):,.0f} |", flush=True)
        print(f"| TLS 1.3, resumed | {handshakes(args.handshakes, ec.flags(), trusting(ec), resume=True):,.0f} |")
    return 0
