"""Server processes: started with flags, observed through their log, ended by signals."""
import contextlib
import ctypes
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading

from support import service_manager
from support.waiting import PATIENCE, eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
SANITIZER_OUTPUT = re.compile(r"Sanitizer|runtime error:|CHECK failed")
PIDFD_GETFD = 438  # its number on every architecture; Python has no name for it
# The kernel chooses ports. No drain, unless the test is about it.
EDGE_DEFAULTS = {"--listen-addr": "127.0.0.1:0", "--drain": "0s"}
ALL_DEFAULTS = {**EDGE_DEFAULTS, "--grpc-listen-addr": "127.0.0.1:0"}

# Servers that are running, for the report of a failing test.
running = []


def binary():
    return ROOT / os.environ.get("CAIRN_BIN_DIR", "build/dev/bin") / "cairn-signal"


def sanitizer():
    """The name of the sanitizer that the server is built with, or None."""
    content = binary().read_bytes()
    return next((name for name in ("asan", "tsan") if f"__{name}_init".encode() in content), None)


def clean_environment(extra=None):
    """This process's environment without variables that configure a server, and with those of the test."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("CAIRN_SIGNAL_") and k != "RUST_LOG"}
    # AddressSanitizer keeps freed memory, which would count as the server's.
    env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"
    return {**env, **(extra or {})}


def run(*flags, env=None, sockets=()):
    """Runs a command that ends by itself. Returns exit code, stdout and stderr."""
    launcher = service_manager.launcher(sockets) if sockets else []
    done = subprocess.run([*launcher, str(binary()), *flags], env=clean_environment(env), stdin=subprocess.DEVNULL,
                          pass_fds=[one.fileno() for one in sockets], text=True, capture_output=True,
                          timeout=PATIENCE, check=False)
    assert not SANITIZER_OUTPUT.search(done.stderr), done.stderr
    return done


class ServerProcess:
    """One cairn-signal process. finish() ends it and asserts exit code 0."""

    def __init__(self, *flags, env=None, open_files=None, sockets=(), wrapper=(), command=None):
        """sockets: sockets passed as by a service manager. wrapper: a command that runs the server. command: program and
        arguments, if it is not our server."""
        prefix = ["prlimit", f"--nofile={open_files}:{open_files}"] if open_files else []
        prefix = [*wrapper, *prefix, *(service_manager.launcher(sockets) if sockets else [])]
        self._popen = subprocess.Popen([*prefix, *(command or [str(binary())]), *flags], env=clean_environment(env),
                                       pass_fds=[one.fileno() for one in sockets], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.log = []
        self.stderr = []
        self._changed = threading.Condition()
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                         for pair in ((self._popen.stdout, self.log), (self._popen.stderr, self.stderr))]
        for reader in self._readers:
            reader.start()
        self._was_asked_to_end = False
        self._was_killed = False
        running.append(self)

    def _read(self, stream, lines):
        for line in stream:
            with self._changed:
                lines.append(line.decode().rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    # ---- its log

    def grep(self, pattern):
        with self._changed:
            return [match for match in (re.search(pattern, line) for line in self.log) if match]

    def wait_for_log(self, pattern, count=1, within=PATIENCE):
        """The count-th match of the pattern in the log."""
        def enough_or_over():
            return len(self.grep(pattern)) >= count or not any(reader.is_alive() for reader in self._readers)

        eventually(enough_or_over, f"{count} log lines with {pattern!r} in\n{self.tail()}", within, every=0.005)
        matches = self.grep(pattern)
        assert len(matches) >= count, f"ended without a log line {pattern!r}:\n{self.tail()}"
        return matches[count - 1]

    def tail(self, lines=40):
        with self._changed:
            return "\n".join([*self.log[-lines:], *(f"stderr: {line}" for line in self.stderr[-lines:])])

    def address(self):
        """The address that clients connect to."""
        match = self._listening("url", r"wss?://(?:\[([^\]]+)\]|([^:]+)):(\d+)")
        return match[1] or match[2], int(match[3])

    def grpc_address(self):
        return self._listening("grpc", r"([^ \"]+)")[1]

    def ops_address(self):
        match = self._listening("ops", r"(\S+):(\d+)")
        return match[1], int(match[2])

    def _listening(self, field, value):
        """The value of a field in a log line of either format."""
        return self.wait_for_log(rf'listening(?: {field}=|","{field}":"){value}[ "]')

    # ---- measured by the kernel

    @property
    def pid(self):
        return self._popen.pid

    def is_running(self):
        return self._popen.poll() is None

    def resident_bytes(self):
        return self._status_bytes("VmRSS")

    def peak_resident_bytes(self):
        """The highest resident memory since the start, or since the last forget_peak()."""
        return self._status_bytes("VmHWM")

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _status_bytes(self, field):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) << 10

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def copy_of_socket(self, peer):
        """Duplicates the server's connection with that address into this process, as if the server had forked a child."""
        libc = ctypes.CDLL(None, use_errno=True)
        process = os.pidfd_open(self.pid)
        try:
            for name in os.listdir(f"/proc/{self.pid}/fd"):
                if not os.readlink(f"/proc/{self.pid}/fd/{name}").startswith("socket:"):
                    continue
                copy = libc.syscall(PIDFD_GETFD, process, int(name), 0)
                if copy < 0:
                    raise OSError(ctypes.get_errno(), "pidfd_getfd")
                copy = socket.socket(fileno=copy)
                with contextlib.suppress(OSError):
                    if copy.getpeername() == peer:
                        return copy
                copy.close()
        finally:
            os.close(process)
        raise AssertionError(f"no connection with {peer}")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def command_line(self):
        return pathlib.Path(f"/proc/{self.pid}/cmdline").read_bytes()

    # ---- its end

    def signal(self, number):
        self._was_asked_to_end |= number in (signal.SIGTERM, signal.SIGINT)
        self.send_signal(number)

    def send_signal(self, number):
        self._popen.send_signal(number)

    def kill(self):
        self._was_killed = True
        self._popen.kill()
        self.wait()

    def wait(self, within=PATIENCE):
        """Its exit code."""
        code = self._popen.wait(within)
        for reader in self._readers:
            reader.join(PATIENCE)
        return code

    def finish(self):
        """Ends the process if it still runs. A second call does nothing."""
        if self not in running:
            return
        running.remove(self)
        if self.is_running() and not self._was_asked_to_end:
            self.signal(signal.SIGTERM)
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still running {PATIENCE:g} s after SIGTERM:\n{self.tail()}") from None
        found = [line for line in self.stderr + self.log if SANITIZER_OUTPUT.search(line)]
        assert not found, "\n".join(self.stderr)
        assert code == (-signal.SIGKILL if self._was_killed else 0), f"exit code {code}:\n{self.tail()}"


def with_defaults(flags):
    """The flags of a process that serves clients: those of the test, and defaults for the others."""
    defaults = EDGE_DEFAULTS if "--role" in flags else ALL_DEFAULTS
    return [*(text for flag, value in defaults.items() if flag not in flags for text in (flag, value)), *flags]
