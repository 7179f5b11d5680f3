"""FrameLink: a TcpLink that parses the HTTP/2 frames from the core, and can insert a frame between them."""
import contextlib
import socket
import struct
import time

from support.tcp_link import TcpLink

GOAWAY, RST_STREAM = 7, 3


def frame(kind, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, 0, stream) + payload


def goaway(error=0, debug=b""):
    return frame(GOAWAY, 0, struct.pack(">II", 0x7FFFFFFF, error) + debug)


def reset(error):
    return frame(RST_STREAM, 1, struct.pack(">I", error))


class FrameLink(TcpLink):
    def __init__(self, path, byte_by_byte=False):
        self._byte_by_byte = byte_by_byte
        self._to_insert = []
        super().__init__(path)

    def insert(self, data):
        """Inserts a frame after the next frame of every open connection."""
        with self._mutex:
            waiting = self._to_insert
            for one in waiting:
                one.append(data)

    def _pump(self, source, sink, heard):
        if source.family != socket.AF_UNIX:
            return super()._pump(source, sink, heard)
        waiting = []
        with self._mutex:
            self._to_insert.append(waiting)
        with contextlib.suppress(OSError):
            self._pass_frames(source, sink, waiting)
        with self._mutex:
            self._to_insert.remove(waiting)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _pass_frames(self, source, sink, waiting):
        data = b""
        while more := source.recv(65536):
            data += more
            out = b""
            while len(data) >= 9 and len(data) >= (size := 9 + int.from_bytes(data[:3], "big")):
                out, data = out + data[:size], data[size:]
                while waiting:
                    out += waiting.pop()
            if self._byte_by_byte:
                for byte in out:
                    sink.sendall(bytes([byte]))
            else:
                sink.sendall(out)


class SlowLink(TcpLink):
    """Passes on that many bytes at a time, with a pause after each piece."""

    def __init__(self, path, size, pause):
        self._size, self._pause = size, pause
        super().__init__(path)

    def _pump(self, source, sink, heard):
        with contextlib.suppress(OSError):
            while data := source.recv(self._size):
                sink.sendall(data)
                time.sleep(self._pause)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
