"""Ports for programs that must be told theirs. Whoever can listen on port 0 and say where it does, as our servers can, should."""
import pathlib
import random
import socket

_LOWEST = 10_000
# The kernel gives those from here on to every connection and to whoever asks for port 0, at any moment.
_EPHEMERAL = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
_given = set()


def unused_port():
    """One that nobody listens on, and that the kernel gives to nobody else."""
    while True:
        port = random.randrange(_LOWEST, _EPHEMERAL)
        if port in _given:
            continue
        try:
            socket.create_server(("0.0.0.0", port)).close()
        except OSError:
            continue
        _given.add(port)
        return port
