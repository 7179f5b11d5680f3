"""Credentials of edges and operators: what they are bound to, how they are revoked, and how they are rotated."""
import contextlib
import signal

import pytest
from support.admin_api import Admin, Code
from support.admin_api import Authority as CertificateAuthority
from support.fake_lane import FakeLane, lane_id_of, new_hello, peer_id_of
from support.hostile_edge import TOKENS, assert_undisturbed, meet, world  # noqa: F401
from support.messages import new_topic
from support.ops import OPS, scrape
from support.process import run
from support.raw_client import RawClient
from support.revocation import revocation_list
from support.waiting import eventually


# ---- credentials


def test_a_credential_is_bound_to_the_edges_name(world):
    for name in ("north", "mallory2", "Mallory"):
        lane = FakeLane(world.mallory, name, wait=False)
        code, text = lane.await_end()
        assert code == Code.PERMISSION_DENIED and "--edge-name" in text, text
    assert world.refusals("edge_name") == 3
    assert {edge.edge for edge in world.operator().edges()} == {"north", "south"}


def test_one_edge_is_revoked_and_others_stay(world):
    topic, alice, bob = meet(world)
    lane = world.lane()
    lane.subscribe(topic)
    assert bob.receive()[0] == alice.receive()[0] == "Joined"
    world.allow("north", "south")
    world.core.signal(signal.SIGHUP)
    code, text = lane.await_end(within=2)
    assert code == Code.UNAUTHENTICATED, text
    world.core.wait_for_log("credentials_revoked calls=1 ")
    again = FakeLane(world.mallory, "mallory", wait=False)
    assert again.await_end()[0] == Code.UNAUTHENTICATED
    assert world.refusals("credential") == 2
    assert not any(edge.grep("core_link_lost") for edge in world.edges.values())
    assert_undisturbed(topic, alice, bob)


def test_a_reload_that_changes_nothing_ends_nothing(world):
    lane, feed = world.lane(), world.operator().watch()
    world.core.signal(signal.SIGHUP)
    world.core.wait_for_log("reloaded what=grpc_tokens")
    lane.subscribe(new_topic())
    assert feed.next().edge == "mallory" and lane.end is None
    feed.close()


def test_an_operator_who_is_revoked_sees_nothing_more(world):
    alices, bobs = world.operator("alice").watch(), world.operator("bob").watch()
    world.allow_operators("bob")
    world.core.signal(signal.SIGHUP)
    with pytest.raises(Exception) as ended:
        alices.next(within=2)
    assert ended.value.code() == Code.UNAUTHENTICATED
    host, port = world.edges["north"].address()
    RawClient((host, port)).close()
    assert bobs.next().edge == "north"
    with pytest.raises(Exception) as refused:
        world.operator("alice").status()
    assert refused.value.code() == Code.UNAUTHENTICATED
    bobs.close()


@pytest.fixture
def certificates(start, tmp_path):
    """(core, files, {edge's name: lane}) over mutual TLS, with a list of names."""
    ours, theirs = CertificateAuthority(tmp_path, "ours"), CertificateAuthority(tmp_path, "theirs")
    both, allowed = tmp_path / "both.crt", tmp_path / "allowed"
    both.write_bytes(ours.cert.read_bytes() + theirs.cert.read_bytes())
    allowed.write_text("north: edge.north.example.com\nsouth: edge.south.example.com\nedge\n")
    own = ours.issue("core")
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", "--grpc-tls-cert", str(own.cert), "--grpc-tls-key", str(own.key),
                 "--grpc-tls-ca", str(both), "--grpc-allow-file", str(allowed), env=OPS)
    callers = {"north": ours.issue("edge.north.example.com"), "south": theirs.issue("edge.south.example.com"), "any": ours.issue("edge"),
               "stranger": ours.issue("edge.west.example.com")}
    for identity in callers.values():
        identity.ca = ours  # whom they trust
    admins = {name: Admin(core.grpc_address(), tls=identity) for name, identity in callers.items()}
    yield core, {"ours": ours.cert, "ca": both, "allowed": allowed}, admins
    for admin in admins.values():
        admin.close()


def test_certificates_are_revoked_by_the_list_and_by_the_ca(certificates):
    core, files, admins = certificates
    assert FakeLane(admins["stranger"], "west", wait=False).await_end()[0] == Code.UNAUTHENTICATED
    assert FakeLane(admins["north"], "south", wait=False).await_end()[0] == Code.PERMISSION_DENIED
    north, south, anyone = FakeLane(admins["north"], "north"), FakeLane(admins["south"], "south"), FakeLane(admins["any"], "whatever")
    files["ca"].write_bytes(files["ours"].read_bytes())
    core.signal(signal.SIGHUP)
    code, text = south.await_end(within=2)
    assert code == Code.UNAUTHENTICATED and "CA" in text, text
    files["allowed"].write_text("edge\n")
    core.signal(signal.SIGHUP)
    code, text = north.await_end(within=2)
    assert code == Code.UNAUTHENTICATED, text
    anyone.open_peer()
    eventually(lambda: scrape(core).get("peers") == 1, "the one that is let in")
    anyone.close()


def test_one_certificate_is_revoked_and_another_of_its_name_is_not(start, tmp_path):
    ours, crl = CertificateAuthority(tmp_path, "ours"), tmp_path / "crl"
    stolen, renewed, other = ours.issue("edge.north"), ours.issue("edge.north"), ours.issue("edge.south")
    crl.write_bytes(revocation_list(ours, other))
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *ours.issue("core").flags(), "--grpc-tls-crl", str(crl), env=OPS)
    with contextlib.ExitStack() as stack:
        admins = [stack.enter_context(contextlib.closing(Admin(core.grpc_address(), tls=one))) for one in (stolen, renewed, other)]
        assert FakeLane(admins[2], "south", wait=False).await_end() == (Code.UNAUTHENTICATED, "the certificate has been revoked")
        taken, kept = FakeLane(admins[0], "north"), FakeLane(admins[1], "north")
        # One that is past its next update revokes nevertheless, and that is said.
        crl.write_bytes(revocation_list(ours, stolen, other, outdated=True))
        core.signal(signal.SIGHUP)
        assert taken.await_end(within=2) == (Code.UNAUTHENTICATED, "the certificate has been revoked")
        core.wait_for_log("credentials_revoked calls=1")
        core.wait_for_log("revocations_outdated next_update=2026-01-02")
        assert FakeLane(admins[0], "north", wait=False).await_end()[0] == Code.UNAUTHENTICATED
        kept.open_peer()
        eventually(lambda: scrape(core).get("peers") == 1, "the other one stays")
        # What cannot be used changes nothing.
        crl.write_bytes(revocation_list(CertificateAuthority(tmp_path, "theirs")))
        core.signal(signal.SIGHUP)
        core.wait_for_log("reload_failed what=grpc_tls error=.*signed by none of the CAs")
        assert FakeLane(admins[0], "north", wait=False).await_end()[0] == Code.UNAUTHENTICATED
        kept.close()


@pytest.mark.parametrize("who_has_it", ["the edge sends it", "the core has it in its CA file"])
def test_a_revoked_intermediate_ends_what_it_has_issued(start, tmp_path, who_has_it):
    root, crl, authorities = CertificateAuthority(tmp_path, "root"), tmp_path / "crl", tmp_path / "authorities"
    lost, kept = root.intermediate("lost"), root.intermediate("kept")
    crl.write_bytes(revocation_list(root))
    authorities.write_bytes(root.cert.read_bytes())
    callers = {name: issuer.issue("edge") for name, issuer in (("lost", lost), ("kept", kept))}
    for issuer, caller in zip((lost, kept), callers.values()):
        caller.ca = root  # whom they trust
        sent = caller.cert if who_has_it == "the edge sends it" else authorities
        sent.write_bytes(sent.read_bytes() + issuer.cert.read_bytes())
    own = root.issue("core")
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", "--grpc-tls-cert", str(own.cert), "--grpc-tls-key", str(own.key),
                 "--grpc-tls-ca", str(authorities), "--grpc-tls-crl", str(crl), env=OPS)
    with contextlib.ExitStack() as stack:
        admins = {name: stack.enter_context(contextlib.closing(Admin(core.grpc_address(), tls=one))) for name, one in callers.items()}
        lanes = {name: FakeLane(admin, name) for name, admin in admins.items()}
        crl.write_bytes(revocation_list(root, lost))
        core.signal(signal.SIGHUP)
        assert lanes["lost"].await_end(within=2) == (Code.UNAUTHENTICATED, "the certificate has been revoked")
        assert FakeLane(admins["lost"], "lost", wait=False).await_end()[0] == Code.UNAUTHENTICATED
        lanes["kept"].open_peer()
        eventually(lambda: scrape(core).get("peers") == 1, "the other one stays")
        lanes["kept"].close()


# ---- rotation


def test_an_edges_token_is_rotated_while_clients_stay(world, tmp_path):
    """Both, then the edge's, then the new one alone: the core ends what used the old one, and the edge is back with the new."""
    topic, alice, bob = meet(world)
    tokens = tmp_path / "edges"
    old = tokens.read_text()
    tokens.write_text(old + "north: the-new-token-of-north\n")
    world.core.signal(signal.SIGHUP)
    world.core.wait_for_log("reloaded what=grpc_tokens")
    (tmp_path / "north").write_text("north: the-new-token-of-north\n")
    north = world.edges["north"]
    north.signal(signal.SIGHUP)
    north.wait_for_log("reloaded what=grpc_tokens")
    assert not north.grep("core_link_lost")
    tokens.write_text(tokens.read_text().replace(f"north: {TOKENS['north']}\n", ""))
    world.core.signal(signal.SIGHUP)
    north.wait_for_log("core_link_lost .*code=16 ")
    north.wait_for_log("core_link_up .*outcome=RESUMED")
    assert_undisturbed(topic, alice, bob)
    assert not world.edges["south"].grep("core_link_lost")


def test_a_token_of_another_edge_is_not_taken_at_a_reload(world, tmp_path):
    (tmp_path / "north").write_text(f"south: {TOKENS['south']}\n")
    world.edges["north"].signal(signal.SIGHUP)
    world.edges["north"].wait_for_log("reload_failed what=grpc_tokens .*restarted")
    assert scrape(world.edges["north"]).get("reload_failures_total") == 1


def test_an_edges_certificate_and_ca_are_rotated(start, tmp_path):
    first, second = CertificateAuthority(tmp_path, "first"), CertificateAuthority(tmp_path, "second")
    files = {name: tmp_path / f"live-{name}" for name in ("core.crt", "core.key", "edge.crt", "edge.key", "ca")}

    def put(name, identity):
        files[f"{name}.crt"].write_bytes(identity.cert.read_bytes())
        files[f"{name}.key"].write_bytes(identity.key.read_bytes())

    def flags(name):
        return ["--grpc-tls-cert", str(files[f"{name}.crt"]), "--grpc-tls-key", str(files[f"{name}.key"]), "--grpc-tls-ca", str(files["ca"])]

    put("core", first.issue("core"))
    put("edge", first.issue("edge"))
    files["ca"].write_bytes(first.cert.read_bytes())
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *flags("core"))
    edge = start("--role", "edge", "--core", core.grpc_address(), "--threads", "1", *flags("edge"), env=OPS)
    edge.wait_for_log("core_link_up")
    # Both CAs; new certificates; the new CA alone.
    for content in (first.cert.read_bytes() + second.cert.read_bytes(), second.cert.read_bytes()):
        files["ca"].write_bytes(content)
        put("core", second.issue("core"))
        put("edge", second.issue("edge"))
        for number, process in enumerate((edge, core), 1):
            process.signal(signal.SIGHUP)
            eventually(lambda p=process: len(p.grep("reloaded what=grpc_tls")) >= 1, f"{number}")
    # The lane was made with a certificate of the first CA.
    edge.wait_for_log("core_link_lost .*code=16 ")
    edge.wait_for_log("core_link_up .*outcome=RESUMED")
    files["edge.key"].write_bytes(b"nothing\n")
    edge.signal(signal.SIGHUP)
    edge.wait_for_log("reload_failed what=grpc_tls")
    assert scrape(edge).get("reload_failures_total") == 1 and scrape(edge).get("core_link_up", lane="0") == 1


def test_an_edge_is_named_by_its_credential(world, tmp_path):
    assert {edge.edge for edge in world.operator().edges()} == {"north", "south"}
    done = run("--role", "edge", "--core", "127.0.0.1:1", "--listen-addr", "127.0.0.1:0", "--edge-name", "west",
               "--grpc-edge-token-file", str(tmp_path / "north"))
    assert done.returncode == 1 and done.stderr.startswith("error: --grpc-edge-token-file: ") and "'west'" in done.stderr, done
    assert TOKENS["north"] not in done.stderr


def test_the_fake_speaks_the_ids_of_real_lanes():
    """Golden values of tests/unit/link/identity_test.cc."""
    hello = new_hello("x", secret=bytes(range(16)))
    assert hello.lane_id == lane_id_of(bytes(range(16))) == 0xac0d6ab6c4e9ea29
    assert peer_id_of(bytes(range(16)), 0x0102030405060708) == 0x9203c3dd281f0360
