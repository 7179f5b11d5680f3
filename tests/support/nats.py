"""nats-server processes: one or a cluster, with a minimal configuration or the shipped one (deploy/nats)."""
import base64
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import urllib.request

from support.certificates import trusting
from support.ports import unused_port
from support.process import ROOT
from support.tools import need, output
from support.waiting import PATIENCE, eventually

SHIPPED = ROOT / "deploy/nats/nats.conf"
# The ping settings of deploy/nats/nats.conf, so that a process that hangs is noticed as soon as in production.
PLAIN = """
server_name: {name}
listen: 127.0.0.1:{port}
http: 127.0.0.1:{monitor}
ping_interval: "1s"
ping_max: 2
write_deadline: "2s"
lame_duck_duration: "30s"
lame_duck_grace_period: "2s"
cluster {{ name: test, listen: 127.0.0.1:{route}, routes: [{routes}] }}
"""


def make_nkey(path):
    """Writes the seed to the file. Returns the public key."""
    return output(ROOT / "deploy/nats/make-nkey", path).strip()


class Secure:
    """The files that the shipped configuration includes: certificates of servers and cores, and the cores' public keys."""

    def __init__(self, directory, certificate, *keys):
        self.directory, self.certificate = directory, certificate
        self.allow(*keys)

    def allow(self, *keys):
        users = ", ".join(f"{{nkey: {key}}}" for key in keys)
        (self.directory / "cores.conf").write_text(f'SUBJECTS: "sg.fleet.>"\nCORES: [{users}]\n')


class MadeCredentials:
    """Copies the files that deploy/nats/make-credentials has written to `made`."""

    class _Files:
        def __init__(self, directory):
            self.cert, self.key, self.ca = directory / "tls.crt", directory / "tls.key", directory / "ca.crt"

    def __init__(self, made):
        self.directory = made / "server"
        self.certificate = self._Files(self.directory)


class NatsServer:
    def __init__(self, directory, name, routes, route, secure=None, more=""):
        self.name, self.port, self._secure, self._monitor = name, unused_port(), secure, unused_port()
        self._log_path = directory / f"{name}.log"
        config = directory / f"{name}.conf"
        if secure:
            config = self._use_shipped(secure, name, routes, route)
        else:
            self._env = dict(os.environ)
            config.write_text(PLAIN.format(name=name, port=self.port, monitor=self._monitor, route=route, routes=", ".join(routes)) + more)
        self._command = [need("nats-server", "nats-server"), "-c", str(config)]
        self.start()

    def _use_shipped(self, secure, name, routes, route):
        """The shipped configuration with other ports, on 127.0.0.1 only."""
        certificate, key = str(secure.certificate.cert), str(secure.certificate.key)
        authority = str(getattr(secure.certificate, "ca", certificate))
        self._env = {**os.environ, "NATS_NAME": name, "NATS_ROUTES": json.dumps(routes), "NATS_CERT": certificate,
                     "NATS_KEY": key, "NATS_CA": authority}
        text = SHIPPED.read_text()
        for shipped, port in {"0.0.0.0:4222": self.port, "0.0.0.0:6222": route, "127.0.0.1:8222": self._monitor}.items():
            assert shipped in text
            text = text.replace(shipped, f"127.0.0.1:{port}")
        config = secure.directory / f"{name}.conf"
        config.write_text(text)
        return config

    def start(self):
        """Starts the server; after kill() or stop(), on the same port."""
        with open(self._log_path, "a") as log:
            self._popen = subprocess.Popen(self._command, env=self._env, stdout=log, stderr=log)
        eventually(self._accepts, f"NATS server {self.name}")

    def _accepts(self):
        assert self._popen.poll() is None, self.log()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(5) == b"INFO "
        except OSError:
            return False

    @property
    def url(self):
        return f"{'tls' if self._secure else 'nats'}://127.0.0.1:{self.port}"

    def subscriptions(self):
        """The number of subscriptions of all clients of this server."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._monitor}/subsz", timeout=PATIENCE) as answer:
            return json.load(answer)["num_subscriptions"]

    @property
    def pid(self):
        return self._popen.pid

    def log(self):
        return self._log_path.read_text()

    def _signal(self, number):
        self._popen.send_signal(number)

    def kill(self):
        self._signal(signal.SIGKILL)
        self._popen.wait(PATIENCE)

    def hang(self):
        self._signal(signal.SIGSTOP)

    def go_on(self):
        self._signal(signal.SIGCONT)

    def reload(self):
        self._signal(signal.SIGHUP)

    def lame_duck(self):
        """Lame-duck mode: the server asks its clients to leave, and ends 30 s later."""
        self._signal(signal.SIGUSR2)

    def finish(self):
        if self._popen.poll() is None:
            self._signal(signal.SIGKILL)
            self._popen.wait(PATIENCE)


class NatsCluster:
    def __init__(self, directory, count=1, secure=None, more=""):
        """`more`: added to the configuration of each server."""
        ports = [unused_port() for _ in range(count)]
        routes = [f"nats://127.0.0.1:{port}" for port in ports]
        self.servers = []
        try:
            for index, port in enumerate(ports):
                self.servers.append(NatsServer(directory, f"n{index + 1}", routes, port, secure, more))
        except AssertionError:
            self.finish()
            raise
        if count > 1:
            eventually(self._is_whole, "a cluster of NATS servers")

    def _is_whole(self):
        """Waits until the log of each server shows a route to each other one."""
        return all(len(set(re.findall(r"rid:(\d+) - Route connection created", server.log()))) >= len(self.servers) - 1
                   for server in self.servers)

    @property
    def url(self):
        """The URLs of all servers, as the value of --mesh."""
        scheme, rest = self.servers[0].url.split("://")[0], [server.url.split("://")[1] for server in self.servers]
        return f"{scheme}://{','.join(rest)}"

    def finish(self):
        for server in self.servers:
            server.finish()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.finish()


class NatsClient:
    """A client with the part of the text protocol that tests need: https://docs.nats.io/reference/reference-protocols/nats-protocol"""

    def __init__(self, server, certificate=None, public=None, seed=None, trusted=None):
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        info = json.loads(self._line(self._socket)[5:])
        options = {"verbose": False, "pedantic": False, "lang": "python", "version": "0", "protocol": 1}
        if info.get("tls_required"):
            context = trusting(trusted or certificate)
            context.load_cert_chain(certificate.cert, certificate.key)
            self._socket = context.wrap_socket(self._socket, server_hostname="127.0.0.1")
        if public:
            options |= {"nkey": public, "sig": sign(seed, info["nonce"])}
        self.said = self._ask(f"CONNECT {json.dumps(options)}\r\nPING\r\n")

    @staticmethod
    def _line(source):
        """Reads a line byte by byte, because the bytes after it may be TLS."""
        line = b""
        while not line.endswith(b"\r\n"):
            byte = source.recv(1)
            if not byte:
                break
            line += byte
        return line.decode().strip()

    def _ask(self, text):
        """The lines received until a PONG, or the end of the connection."""
        self._socket.sendall(text.encode())
        lines = []
        while (line := self._line(self._socket)) not in ("PONG", ""):
            if line == "PING":
                self._socket.sendall(b"PONG\r\n")
            elif not line.startswith("INFO"):
                lines.append(line)
        self._ended = line == ""
        return lines

    def subscribe(self, subject):
        return self._ask(f"SUB {subject} 1\r\nPING\r\n")

    def publish(self, subject, text):
        return self._ask(f"PUB {subject} {len(text)}\r\n{text}\r\nPING\r\n")

    def hear(self):
        """The lines received so far; a message is two, its head and its text."""
        return self._ask("PING\r\n")

    def is_closed(self):
        try:
            self._ask("PING\r\n")
            return self._ended
        except OSError:
            return True

    def close(self):
        self._socket.close()


def sign(seed_path, nonce):
    """base64url of the nonce's Ed25519 signature by an nkey."""
    seed = seed_path.read_text().strip()
    key = base64.b32decode(seed + "=" * (-len(seed) % 8))[2:34]
    # RFC 8410: the 16 bytes before the key of a PKCS #8 Ed25519 key are always these.
    pem = seed_path.with_suffix(".der")
    pem.write_bytes(bytes.fromhex("302e020100300506032b657004220420") + key)
    data = seed_path.with_suffix(".nonce")
    data.write_bytes(nonce.encode())
    signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", pem, "-in", data],
                               stdout=subprocess.PIPE, check=True).stdout
    return base64.urlsafe_b64encode(signature).decode().rstrip("=")
