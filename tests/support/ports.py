"""Ports for programs that take a fixed one. Servers that can listen on port 0 and report it, as ours, need none of these."""
import pathlib
import random
import socket

_LOWEST = 10_000
# From this port on, the kernel assigns ports to outgoing connections and to listeners on port 0, at any moment.
_EPHEMERAL = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
# An abstract unix socket for each port handed out: its name is reserved on the whole machine until this process ends.
_claims = {}


def _claim(port):
    """Reserves the port for this process. False: a test in another process has it."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0cairn-test-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims[port] = claim
    return True


def unused_port():
    """A port that is free, and that neither the kernel nor another test that runs at the same time hands out."""
    while True:
        port = random.randrange(_LOWEST, _EPHEMERAL)
        if not _claim(port):
            continue
        try:
            socket.create_server(("0.0.0.0", port)).close()
        except OSError:
            continue
        return port
