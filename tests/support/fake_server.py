"""A TCP server whose connections are handled by a function of the test."""
import contextlib
import socket
import threading


@contextlib.contextmanager
def serving(handle):
    """The port of a server that calls handle(connection) in a thread for each connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=handle, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        # Wakes accept(), which close() alone does not.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def read_head(connection):
    """The bytes up to the end of a request's head; b"" if the connection ended before."""
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(4096)
        if not received:
            return b""
        head += received
    return head
