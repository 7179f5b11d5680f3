"""ServiceManager: the parts of systemd that a service sees, sd_listen_fds(3) and sd_notify(3).

Run as a program, it becomes the service: service_manager.py FD[,FD...] COMMAND...
"""
import os
import queue
import socket
import sys
import threading

FIRST_PASSED = 3


class ServiceManager:
    """Receives the notifications of a service: dictionaries, in order."""

    def __init__(self, directory):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(directory / "notify"))
        self._heard = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            text = self._socket.recv(4096).decode()
            self._heard.put(dict(line.split("=", 1) for line in text.splitlines()))

    @property
    def env(self):
        return {"NOTIFY_SOCKET": self._socket.getsockname()}

    def next(self):
        from support.waiting import PATIENCE  # not needed, nor found, by the program
        return self._heard.get(timeout=PATIENCE)

    def is_silent(self):
        return self._heard.empty()


def launcher(sockets):
    """The prefix of a service's command line that passes it these sockets, which must be inheritable."""
    return [sys.executable, __file__, ",".join(str(one.fileno()) for one in sockets)]


def become(numbers, command):
    # Duplicated first: a socket may have the number that another one is to get.
    moved = [os.dup(number) for number in numbers]
    while any(FIRST_PASSED <= number < FIRST_PASSED + len(moved) for number in moved):
        moved = [os.dup(number) for number in moved]
    for place, number in enumerate(moved):
        os.dup2(number, FIRST_PASSED + place, inheritable=True)
    passed = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(moved))}
    os.execve(command[0], command, {**os.environ, **passed})


if __name__ == "__main__":
    become([int(number) for number in sys.argv[1].split(",")], sys.argv[2:])
