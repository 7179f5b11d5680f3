"""The Admin API as any gRPC client sees it: grpcio, with stubs that grpc_tools makes of proto/ when tests begin."""
import atexit
import contextlib
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading

import grpc
from grpc_tools import protoc

from support.process import ROOT, ServerProcess, with_defaults
from support.shape import Shape
from support.waiting import PATIENCE, Stopwatch, eventually

EDGE_NAMES = ["north", "south", "east", "west"]

# What every gRPC server can be asked, as gRPC specifies it.
HEALTH_PROTO = """
syntax = "proto3";
package grpc.health.v1;
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse {
  enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
  ServingStatus status = 1;
}
service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }
"""
REFLECTION_PROTO = """
syntax = "proto3";
package grpc.reflection.v1alpha;
message ServerReflectionRequest {
  oneof message_request { string file_containing_symbol = 4; string list_services = 7; }
}
message FileDescriptorResponse { repeated bytes file_descriptor_proto = 1; }
message ServiceResponse { string name = 1; }
message ListServiceResponse { repeated ServiceResponse service = 1; }
message ServerReflectionResponse {
  oneof message_response {
    FileDescriptorResponse file_descriptor_response = 4;
    ListServiceResponse list_services_response = 6;
  }
}
service ServerReflection {
  rpc ServerReflectionInfo(stream ServerReflectionRequest) returns (stream ServerReflectionResponse);
}
"""


def _make_stubs():
    directory = pathlib.Path(tempfile.mkdtemp(prefix="cairn-stubs-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    (directory / "health.proto").write_text(HEALTH_PROTO)
    (directory / "reflection.proto").write_text(REFLECTION_PROTO)
    arguments = ["protoc", f"-I{ROOT / 'proto'}", f"-I{directory}", f"--python_out={directory}",
                 f"--grpc_python_out={directory}", "signaling/v1/lane.proto", "signaling/v1/admin.proto",
                 "health.proto", "reflection.proto"]
    assert protoc.main(arguments) == 0, arguments
    sys.path.insert(0, str(directory))


_make_stubs()
import health_pb2 as health  # noqa: E402
import health_pb2_grpc  # noqa: E402
import reflection_pb2 as reflection  # noqa: E402
import reflection_pb2_grpc  # noqa: E402
from signaling.v1 import admin_pb2 as pb  # noqa: E402
from signaling.v1 import admin_pb2_grpc  # noqa: E402
from signaling.v1 import lane_pb2 as lane_pb  # noqa: E402
from signaling.v1 import lane_pb2_grpc  # noqa: E402

Code = grpc.StatusCode
Kind = pb.Event.Kind


@contextlib.contextmanager
def refused(code, *words):
    """The call in this block must fail with that status, whose text contains all the words."""
    try:
        yield
    except grpc.RpcError as error:
        assert error.code() == code, error
        for word in words:
            assert word in error.details(), error.details()
    else:
        raise AssertionError(f"allowed; expected {code.name}")


class Feed:
    """The events of a Watch or a Trace, from when it was opened."""

    def __init__(self, call, read=True):
        self.call = call
        # Initial metadata: the core sends it once it has registered the listener.
        call.initial_metadata()
        self._records = queue.Queue()
        if read:
            self.start_reading()

    def start_reading(self):
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for record in self.call:
                self._records.put(record)
        except grpc.RpcError as error:
            self._records.put(error)

    def next(self, within=PATIENCE):
        try:
            record = self._records.get(timeout=within)
        except queue.Empty:
            raise AssertionError(f"nothing within {within:g} s") from None
        if isinstance(record, grpc.RpcError):
            raise record
        return record

    def waiting(self):
        """The number of records received and not yet taken."""
        return self._records.qsize()

    def take(self, count):
        return [self.next() for _ in range(count)]

    def until(self, condition, within=PATIENCE):
        """All records up to the first one for which the condition holds, with that one."""
        watch, taken = Stopwatch(), []
        while not taken or not condition(taken[-1]):
            assert watch.seconds < within, f"not among {len(taken)} records: {taken[-20:]}"
            taken.append(self.next(max(0.01, within - watch.seconds)))
        return taken

    def is_empty(self):
        """Whether all records received so far have been taken."""
        return self._records.empty()

    def close(self):
        self.call.cancel()


class Admin:
    """A caller of one core. tls: an Identity of its CA."""

    def __init__(self, address, token=None, tls=None, options=()):
        options = [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1), *options]
        # The target is an IPv4 address, as in the line of the log with the address that a server listens on.
        target = address.replace("0.0.0.0:", "127.0.0.1:")
        if tls:
            self.channel = grpc.secure_channel(target, tls.channel_credentials(), options)
        else:
            self.channel = grpc.insecure_channel(target, options)
        self.metadata = [("authorization", f"Bearer {token}")] if token else []
        self.stub = admin_pb2_grpc.AdminStub(self.channel)
        self.lanes = lane_pb2_grpc.LanesStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)
        self.reflection = reflection_pb2_grpc.ServerReflectionStub(self.channel)

    def close(self):
        self.channel.close()

    def _options(self):
        return {"timeout": PATIENCE, "metadata": self.metadata}

    def call(self, method, request):
        """All responses of a method, unary or streaming."""
        answer = getattr(self.stub, method)(request, **self._options())
        return list(answer) if isinstance(answer, grpc.Call) else [answer]

    # ---- calls that read

    def status(self):
        return self.stub.GetStatus(pb.GetStatusRequest(), **self._options())

    def pages(self, **request):
        return list(self.stub.ListPeers(pb.ListPeersRequest(**request), **self._options()))

    def peers(self, filter=None, **request):  # pylint: disable=redefined-builtin
        pages = self.pages(filter=filter or {}, **request)
        return [peer for page in pages for peer in page.peers]

    def peer(self, peer_id):
        return self.stub.GetPeer(pb.GetPeerRequest(id=peer_id), **self._options())

    def topics(self, **request):
        pages = list(self.stub.ListTopics(pb.ListTopicsRequest(**request), **self._options()))
        return [topic for page in pages for topic in page.topics]

    def topic(self, name):
        return self.stub.GetTopic(pb.GetTopicRequest(name=name), **self._options())

    def edges(self):
        return list(self.stub.ListEdges(pb.ListEdgesRequest(), **self._options()).edges)

    def edge(self, name):
        """That edge, or None."""
        return next((edge for edge in self.edges() if edge.edge == name), None)

    # ---- calls that change something

    def disconnect(self, **request):
        return self.stub.Disconnect(pb.DisconnectRequest(**request), **self._options()).disconnected

    def drain(self, edge):
        return self.stub.DrainEdge(pb.DrainEdgeRequest(edge=edge), **self._options()).peers

    def set_log(self, directives):
        """The old value."""
        request = pb.SetLogLevelRequest(directives=directives)
        return self.stub.SetLogLevel(request, **self._options()).previous

    # ---- streams of events

    def watch(self, read=True, **request):
        return Feed(self.stub.Watch(pb.WatchRequest(**request), metadata=self.metadata), read)

    def trace(self, read=True, **request):
        return Feed(self.stub.Trace(pb.TraceRequest(**request), metadata=self.metadata), read)

    # ---- waits

    def await_peers(self, count, within=PATIENCE, **filter_fields):
        """The peers that match, once there are that many."""
        def found():
            peers = self.peers(filter=filter_fields)
            return (peers or True) if len(peers) == count else None
        peers = eventually(found, f"{count} peers that fit {filter_fields}", within)
        return [] if peers is True else peers

    def await_id(self, topic):
        """The id of the only peer that is subscribed to the topic."""
        return self.await_peers(1, topic=topic)[0].id

    def await_closed(self, peer_id, within=PATIENCE):
        """The history entry of a peer that is disconnecting; waits for it."""
        def closed():
            peer = self.peer(peer_id)
            return peer if peer.closed_us else None
        return eventually(closed, f"{peer_id} in the history", within)

    def await_lanes(self, count, within=PATIENCE):
        return eventually(lambda: self.status().lanes == count, f"{count} lanes", within)


class Fleet(Shape):
    """A Shape whose edges are named north and south; one process is north alone."""

    def start_edge(self, name=None, core=None):
        """core: the address for the edge's --core, if not the core's own."""
        name = name or EDGE_NAMES[len(self.edges)]
        edge = ServerProcess(*with_defaults(["--role", "edge", "--core", core or self.core_address, "--edge-name",
                                             name, *self._flags]), env=self._env)
        self.edges.append(edge)
        return edge

    def __init__(self, kind, *flags, **options):
        super().__init__(kind, *flags, *(["--edge-name", EDGE_NAMES[0]] if kind == "all" else []), **options)
        self._admins = []

    def admin(self, **options):
        """A new Admin client of the core that is running now."""
        process = self.core or self.edges[0]
        self._admins.append(Admin(process.grpc_address(), **options))
        return self._admins[-1]

    def edge_names(self):
        return EDGE_NAMES[:len(self.edges)]

    def finish(self):
        for admin in self._admins:
            admin.close()
        super().finish()


# ---- mutual TLS

def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Identity:
    """A key with a certificate of a CA."""

    def __init__(self, ca, stem):
        self.ca = ca
        self.key = stem.with_suffix(".key")
        self.cert = stem.with_suffix(".crt")

    def channel_credentials(self):
        return grpc.ssl_channel_credentials(self.ca.cert.read_bytes(), self.key.read_bytes(), self.cert.read_bytes())

    def flags(self):
        return ["--grpc-tls-cert", str(self.cert), "--grpc-tls-key", str(self.key), "--grpc-tls-ca", str(self.ca.cert)]


class Authority:
    """A CA made for a test."""

    def __init__(self, directory, name="ca"):
        self.directory = directory
        self.name = name
        self.key = directory / f"{name}.key"
        self.cert = directory / f"{name}.crt"
        self._new_key(self.key)
        _openssl("req", "-x509", "-key", self.key, "-out", self.cert, "-days", 2, "-subj", f"/CN={name}")

    @staticmethod
    def _new_key(path, kind=("EC", "-pkeyopt", "ec_paramgen_curve:P-256")):
        _openssl("genpkey", "-algorithm", *kind, "-out", path)

    def intermediate(self, name):
        """A CA whose own certificate is issued by this one."""
        made = Authority.__new__(Authority)
        made.directory, made.name = self.directory, name
        made.key, made.cert = self.directory / f"{name}.key", self.directory / f"{name}.crt"
        self._new_key(made.key)
        extensions, request = self.directory / f"{name}.ext", self.directory / f"{name}.csr"
        extensions.write_text("basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign,cRLSign\n")
        _openssl("req", "-new", "-key", made.key, "-out", request, "-subj", f"/CN={name}")
        _openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-out", made.cert, "-days", 2,
                 "-extfile", extensions)
        return made

    def issue(self, common_name, names="IP:127.0.0.1", **key):
        """names: the value of subjectAltName. kind: arguments of openssl genpkey for the key."""
        stem = self.directory / f"{self.name}-{len(list(self.directory.iterdir()))}"
        identity = Identity(self, stem)
        self._new_key(identity.key, **key)
        extensions = stem.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={names}\n")
        request = stem.with_suffix(".csr")
        _openssl("req", "-new", "-key", identity.key, "-out", request, "-subj", f"/CN={common_name}")
        _openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial",
                 "-out", identity.cert, "-days", 2, "-extfile", extensions)
        return identity
