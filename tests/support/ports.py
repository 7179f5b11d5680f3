"""Ports for programs that must be told theirs. Whoever can listen on port 0 and say where it does, as our servers can, should."""
import pathlib
import random
import socket

_LOWEST = 10_000
# The kernel gives those from here on to every connection and to whoever asks for port 0, at any moment.
_EPHEMERAL = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
# One abstract unix socket a port that was given: its name is taken on the whole machine until this process ends.
_claims = {}


def _claim(port):
    """Whether it is ours now, and not that of a test in another process."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0cairn-test-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims[port] = claim
    return True


def unused_port():
    """One that nobody listens on, and that neither the kernel nor a test that runs beside this one gives to anybody else."""
    while True:
        port = random.randrange(_LOWEST, _EPHEMERAL)
        if not _claim(port):
            continue
        try:
            socket.create_server(("0.0.0.0", port)).close()
        except OSError:
            continue
        return port
