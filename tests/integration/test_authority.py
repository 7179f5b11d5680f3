"""Authorization on the core's gRPC port: every kind of caller, every method, over tokens, mutual TLS and both."""
import contextlib
import queue
import socket

import grpc
import pytest
from support.admin_api import Admin, Authority, Code, health, lane_pb, pb, reflection
from support.fake_lane import new_hello
from support.process import run
from support.waiting import PATIENCE

TOKENS = {kind: f"the-token-of-the-{kind}" for kind in ("edge", "operator", "viewer")}

# The kind of each method of the service: a new one must be added here. An unknown target is NOT_FOUND once the call is allowed.
LOOKS = {"GetStatus": {}, "ListPeers": {}, "GetPeer": {"id": "00000000000000ff"}, "ListTopics": {},
         "GetTopic": {"name": "nobody"}, "ListEdges": {}, "ListCores": {}, "Watch": {}, "Trace": {"topic": "nobody"}}
STEERS = {"Disconnect": {"id": "00000000000000ff"}, "DrainEdge": {"edge": "nobody"}, "DrainCore": {},
          "SetLogLevel": {"directives": "info"}}
# These last until they are cancelled.
ENDLESS = {"Watch", "Trace"}
METHODS = pb.DESCRIPTOR.services_by_name["Admin"].methods_by_name

# A core without a fleet cannot be drained.
ALLOWED = {Code.OK, Code.NOT_FOUND, Code.FAILED_PRECONDITION}
UNKNOWN = {what: Code.UNAUTHENTICATED for what in ("lane", "look", "steer", "describe")}
MAY = {"edge": {"look": Code.PERMISSION_DENIED, "steer": Code.PERMISSION_DENIED},
       "viewer": {"lane": Code.PERMISSION_DENIED, "steer": Code.PERMISSION_DENIED},
       "operator": {"lane": Code.PERMISSION_DENIED}}
# The connection is not made.
NO_CONNECTION = {what: Code.UNAVAILABLE for what in ("lane", "look", "steer", "open to all")}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def stranger(authority, tmp_path_factory):
    """A certificate named operator, of an authority that the core does not trust; its bearer trusts the core's."""
    identity = Authority(tmp_path_factory.mktemp("theirs")).issue("operator")
    identity.ca = authority
    return identity


@pytest.fixture(scope="module")
def token_flags(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tokens")
    for kind, token in TOKENS.items():
        (directory / kind).write_text(token + "\n")
    return [text for kind in TOKENS for text in (f"--grpc-{kind}-token-file", str(directory / kind))]


class NoCertificate:
    """A caller that trusts the core but has no credential."""

    def __init__(self, authority):
        self._authority = authority

    def channel_credentials(self):
        return grpc.ssl_channel_credentials(self._authority.cert.read_bytes())


@pytest.fixture
def make_core(start, token_flags, authority):
    """make_core(mode): a core, and the callers of it: {name: (credentials, what is refused to it)}."""
    def make(mode):
        tls = authority.issue("core").flags() if mode != "tokens" else []
        tokens = token_flags if mode != "mutual TLS" else []
        return start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *tls, *tokens)
    return make


@pytest.fixture
def callers_of(authority, stranger):
    def callers(mode):
        if mode == "mutual TLS":
            yield "no certificate", {"tls": NoCertificate(authority)}, NO_CONNECTION
            yield "certificate of another authority", {"tls": stranger}, NO_CONNECTION
            yield "no TLS", {}, NO_CONNECTION
            yield "certificate of no kind", {"tls": authority.issue("somebody")}, UNKNOWN
            yield "name that begins like a kind", {"tls": authority.issue("operators")}, UNKNOWN
            yield "name that ends like a kind", {"tls": authority.issue("not.operator")}, UNKNOWN
            yield "a token, which means nothing here", {
                "tls": authority.issue("somebody"), "token": TOKENS["operator"]}, UNKNOWN
            for kind, refused in MAY.items():
                yield kind, {"tls": authority.issue(kind)}, refused
                yield f"{kind}, by a name of several words", {"tls": authority.issue(f"{kind}.example.com")}, refused
                yield f"{kind}, by DNS name", {
                    "tls": authority.issue("somebody", names=f"DNS:{kind}.example.com,IP:127.0.0.1")}, refused
            return
        tls = {"tls": authority.issue("somebody")} if mode == "both" else {}
        yield "no token", tls, UNKNOWN
        yield "wrong token", {**tls, "token": "guess"}, UNKNOWN
        yield "part of a token", {**tls, "token": TOKENS["operator"][:-1]}, UNKNOWN
        for kind, refused in MAY.items():
            yield kind, {**tls, "token": TOKENS[kind]}, refused
        if mode == "both":
            yield "token without certificate", {"tls": NoCertificate(authority), "token": TOKENS["operator"]}, NO_CONNECTION
            yield "certificate without token", {"tls": authority.issue("viewer")}, MAY["viewer"]
    return callers


def code_of(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return Code.OK


def open_lane(caller):
    """The code with which it is refused, or OK once the core has said Welcome."""
    requests = queue.SimpleQueue()
    requests.put(lane_pb.LaneToCore(hello=new_hello("test")))
    lane = caller.lanes.Open(iter(requests.get, None), metadata=caller.metadata, timeout=PATIENCE)

    def welcome():
        assert next(lane).HasField("welcome")
    code = code_of(welcome)
    lane.cancel()
    requests.put(None)
    return code


def ask_health(caller):
    caller.health.Check(health.HealthCheckRequest(), timeout=PATIENCE)


def ask_reflection(caller):
    requests = iter([reflection.ServerReflectionRequest(list_services="")])
    assert list(caller.reflection.ServerReflectionInfo(requests, timeout=PATIENCE))


def request_of(method, fields):
    return getattr(pb, METHODS[method].input_type.name)(**fields)


def test_every_method_looks_or_steers():
    assert set(METHODS.keys()) == set(LOOKS) | set(STEERS) and not set(LOOKS) & set(STEERS)


@pytest.mark.parametrize("mode", ["tokens", "mutual TLS", "both"])
def test_each_kind_of_caller_may_make_only_its_calls(make_core, callers_of, mode):
    core = make_core(mode)
    endless = []
    for name, credentials, refused in callers_of(mode):
        caller = Admin(core.grpc_address(), **credentials)

        def expect(what, which, code, refused=refused, name=name):
            allowed = {refused[what]} if what in refused else ALLOWED
            assert code in allowed, f"{name}: {which}: {code}, expected one of {allowed}"

        expect("lane", "Lanes.Open", open_lane(caller))
        for what, methods in (("look", LOOKS), ("steer", STEERS)):
            for method, fields in methods.items():
                request = request_of(method, fields)
                if method not in ENDLESS:
                    expect(what, method, code_of(lambda caller=caller, m=method, r=request: caller.call(m, r)))
                elif refused is not NO_CONNECTION:
                    call = getattr(caller.stub, method)(request, metadata=caller.metadata)
                    call.initial_metadata()
                    endless.append((f"{name}: {method}", call, refused.get(what)))
        expect("open to all", "health", code_of(lambda caller=caller: ask_health(caller)))
        # Without TLS a caller with an unknown token does not reach gRPC.
        what = "describe" if mode == "tokens" and refused is UNKNOWN else "open to all"
        expect(what, "reflection", code_of(lambda caller=caller: ask_reflection(caller)))
    # Allowed streams are ended only by the core.
    core.finish()
    for name, call, refusal in endless:
        code = code_of(lambda call=call: list(call))
        expected = {refusal} if refusal else {Code.UNAVAILABLE, Code.CANCELLED}
        assert code in expected, f"{name}: {code}"


def test_without_credentials_every_caller_on_loopback_may_do_everything(start):
    caller = Admin(start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0").grpc_address())
    assert open_lane(caller) == Code.OK
    for method, fields in [*LOOKS.items(), *STEERS.items()]:
        if method not in ENDLESS:
            request = request_of(method, fields)
            assert code_of(lambda m=method, r=request: caller.call(m, r)) in ALLOWED, method


def test_the_port_is_on_loopback_by_default():
    """Holds the default port, if it is free: a core without an address uses that port, and no other."""
    with contextlib.ExitStack() as stack:
        taker = stack.enter_context(socket.socket())
        with contextlib.suppress(OSError):
            taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taker.bind(("127.0.0.1", 7443))
            taker.listen()
        done = run("--role", "core")
    assert done.returncode == 1 and "127.0.0.1:7443" in done.stderr, done


# ---- addresses that others can reach

PUBLIC = ["0.0.0.0:0", "[::]:0"]


@pytest.mark.parametrize("role", ["core", "all"])
@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_without_credentials_is_refused_with_a_hint(role, address):
    done = run("--role", role, "--listen-addr", "127.0.0.1:0", "--grpc-listen-addr", address)
    assert done.returncode == 2
    line = done.stderr.splitlines()[0]
    for word in ("--grpc-listen-addr", address, "--grpc-tls-cert", "--grpc-edge-token-file", "unix:", "--grpc-insecure"):
        assert word in line, line


@pytest.mark.parametrize("address", PUBLIC)
@pytest.mark.parametrize("how", ["tokens", "mutual TLS", "insecure"])
def test_a_public_address_is_served_with_credentials_or_on_demand(start, authority, token_flags, address, how):
    flags = {"tokens": token_flags, "mutual TLS": authority.issue("core").flags(), "insecure": ["--grpc-insecure"]}
    core = start("--role", "core", "--grpc-listen-addr", address, *flags[how])
    assert not core.grpc_address().endswith(":0")


def test_incomplete_options_of_mutual_tls_are_refused(authority):
    cert, key, ca = (authority.issue("core").flags()[at:at + 2] for at in (0, 2, 4))
    for given in (cert + key, cert + ca, key + ca, cert, key, ca):
        done = run("--role", "core", "--grpc-listen-addr", "0.0.0.0:0", *given)
        assert done.returncode == 2 and "--grpc-tls-" in done.stderr, (given, done)


# ---- edges

@pytest.mark.parametrize("mode", ["tokens", "mutual TLS", "both"])
def test_an_edge_with_its_credential_gets_in_and_one_with_anothers_does_not(make_core, start, authority, tmp_path, mode):
    core = make_core(mode)

    def edge(kind):
        flags = authority.issue(kind if mode == "mutual TLS" else "somebody").flags() if mode != "tokens" else []
        if mode != "mutual TLS":
            token = tmp_path / f"presented-{kind}"
            token.write_text(TOKENS[kind] + "\n")
            flags += ["--grpc-edge-token-file", str(token)]
        # One that is refused tries again and ends while gRPC's threads are in a TLS handshake (support/lsan.supp).
        return start("--role", "edge", "--core", core.grpc_address(), "--threads", "1", *flags,
                     env={"ASAN_OPTIONS": "fast_unwind_on_malloc=0"})

    edge("edge").wait_for_log("core_link_up")
    for kind in ("operator", "viewer"):
        wrong = edge(kind)
        wrong.wait_for_log("core_link_lost")
        assert not wrong.grep("core_link_up")
    assert len(core.grep("lane_opened")) == 1
    for token in TOKENS.values():
        assert token not in core.tail(1000)
