"""TcpLink: a TCP proxy that a test can cut, slow down, or make silent, like a network that loses every packet."""
import contextlib
import socket
import struct
import threading
import time

# SO_LINGER with a time of 0: close() sends RST instead of FIN.
_NO_LINGER = struct.pack("ii", 1, 0)


class TcpLink:
    """Passes bytes on. Threads: its own; close() ends them."""

    def __init__(self, target):
        """target: the path of a unix socket, or (host, port)."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "%s:%d" % self._listener.getsockname()
        self._mutex = threading.Lock()
        self._sockets = []
        # For each connection, the times at which the side that opened it sent bytes.
        self.heard = []
        self._up = True
        # Seconds by which each read is delayed, and bytes a second; 0: no limit.
        self._delay, self._rate = 0.0, 0
        self._passing = threading.Event()
        self._passing.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                if not self._connect(near):
                    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                    near.close()

    def _connect(self, near):
        """Connects to the other side. False: it cannot be reached."""
        far = socket.socket(socket.AF_UNIX if isinstance(self._target, str) else socket.AF_INET)
        try:
            far.connect(self._target)
        except OSError:
            far.close()
            return False
        with self._mutex:
            if not self._up:
                far.close()
                return False
            self._sockets += [near, far]
            self.heard.append([])
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, sink, heard in ((near, far, self.heard[-1]), (far, near, [])):
            threading.Thread(target=self._pump, args=(source, sink, heard), daemon=True).start()
        return True

    def _pump(self, source, sink, heard):
        with contextlib.suppress(OSError):
            while data := source.recv(max(1, self._rate // 20) if self._rate else 65536):
                heard.append(time.monotonic())
                if self._delay or self._rate:
                    time.sleep(self._delay + (len(data) / self._rate if self._rate else 0))
                self._passing.wait()
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Resets all connections, and new ones too until restore()."""
        with self._mutex:
            self._up = False
            sockets, self._sockets = self._sockets, []
        for one in sockets:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                # Wakes the thread that reads from the socket, which close() does not.
                one.shutdown(socket.SHUT_RD)
                one.close()
        self._passing.set()

    def silence(self):
        """Passes nothing on, without closing anything, until cut(), or until resume() delivers it late."""
        self._passing.clear()

    def resume(self):
        self._passing.set()

    def slow(self, *, delay=0.0, rate=0):
        """Sets the delay in seconds and the bytes a second of each direction of each connection; without arguments: no limit."""
        self._delay, self._rate = delay, rate

    def restore(self):
        with self._mutex:
            self._up = True

    def close(self):
        self._listener.close()
        self.cut()
