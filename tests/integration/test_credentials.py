"""Which callers the core accepts as edges, by the credentials of the link between edge and core."""
import pytest
from support.authority import Authority
from support.ops import OPS, ask
from support.waiting import eventually


@pytest.fixture
def tokens(tmp_path):
    paths = {kind: tmp_path / f"{kind}.token" for kind in ("edge", "operator", "viewer", "unknown")}
    for kind, path in paths.items():
        path.write_text(f"{kind}-token\n")
    return paths


@pytest.fixture
def core(start, tokens):
    flags = [flag for kind in ("edge", "operator", "viewer") for flag in (f"--grpc-{kind}-token-file", str(tokens[kind]))]
    return start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *flags)


def edge_with(start, core, *flags):
    return start("--role", "edge", "--core", core.grpc_address(), *flags, env=OPS)


def test_an_edge_opens_a_lane_with_its_token(start, core, tokens):
    edge = edge_with(start, core, "--grpc-edge-token-file", str(tokens["edge"]))
    eventually(lambda: ask(edge, "/readyz").status == 200, "the lane")


@pytest.mark.parametrize("kind", ["operator", "viewer", "unknown", None])
def test_only_an_edge_may_open_a_lane(start, core, tokens, kind):
    edge = edge_with(start, core, *(["--grpc-edge-token-file", str(tokens[kind])] if kind else []))
    core.wait_for_log("lane_refused")
    edge.wait_for_log("core_link_lost")
    assert ask(edge, "/readyz").status == 503
    assert not core.grep("lane_opened")


def grpc_flags(authority, certificate):
    return ["--grpc-tls-cert", str(certificate.cert), "--grpc-tls-key", str(certificate.key), "--grpc-tls-ca", str(authority.cert)]


def test_an_edge_without_tls_is_told_that_its_core_may_want_it(start, tmp_path):
    authority = Authority(tmp_path)
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *grpc_flags(authority, authority.issue("core")))
    edge_with(start, core).wait_for_log(r"core_link_lost .*does it want TLS \(--grpc-tls-cert")


@pytest.mark.parametrize("name, ready", [("edge", True), ("edge.north", True), ("operator", False), ("viewer", False)])
def test_a_certificates_name_decides(start, tmp_path, name, ready):
    authority = Authority(tmp_path)
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *grpc_flags(authority, authority.issue("core")))
    edge = edge_with(start, core, *grpc_flags(authority, authority.issue(name)))
    if ready:
        eventually(lambda: ask(edge, "/readyz").status == 200, "the lane")
    else:
        core.wait_for_log("lane_refused")
        assert ask(edge, "/readyz").status == 503
