"""deploy/nats: a cluster with the shipped configuration lets the fleet's cores in, and nobody else."""
import ssl

import pytest
from support.certificates import Certificate
from support.nats import NatsClient, NatsCluster, Secure, make_nkey
from support.waiting import eventually


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    directory = tmp_path_factory.mktemp("nats")
    certificate = Certificate(directory, "nats")
    keys = [make_nkey(directory / f"core-{index}.nk") for index in range(2)]
    secure = Secure(directory, certificate, *keys)
    with NatsCluster(directory, 3, secure) as cluster:
        yield directory, certificate, keys, secure, cluster


def core(fleet, server=0, key=0):
    directory, certificate, keys, _, cluster = fleet
    return NatsClient(cluster.servers[server], certificate, keys[key], directory / f"core-{key}.nk")


def test_cores_hear_each_other_across_servers(fleet):
    one, other = core(fleet, 0, 0), core(fleet, 2, 1)
    assert one.said == other.said == []
    assert one.subscribe("sg.fleet.c.1") == []
    # A subscription is in force elsewhere a little after it is acknowledged.
    eventually(lambda: other.publish("sg.fleet.c.1", "hello") == [] and one.hear(), "a message")


def test_other_subjects_are_refused(fleet):
    client = core(fleet)
    assert "Permissions Violation for Subscription" in client.subscribe(">")[0]
    assert "Permissions Violation for Publish" in client.publish("other.subject", "x")[0]
    assert "Permissions Violation for Publish" in client.publish("sg.other-fleet.all", "x")[0]
    assert "Permissions Violation for Subscription" in client.subscribe("$SYS.>")[0]


def test_who_has_no_key_is_refused(fleet):
    _, certificate, _, _, cluster = fleet
    assert "Authorization Violation" in NatsClient(cluster.servers[0], certificate).said[0]


def test_who_has_another_key_is_refused(fleet, tmp_path):
    _, certificate, _, _, cluster = fleet
    key = make_nkey(tmp_path / "x.nk")
    assert "Authorization Violation" in NatsClient(cluster.servers[0], certificate, key, tmp_path / "x.nk").said[0]


def test_who_has_no_certificate_is_refused(fleet, tmp_path):
    _, certificate, _, _, cluster = fleet
    stranger = Certificate(tmp_path, "stranger")
    with pytest.raises(ssl.SSLError):
        NatsClient(cluster.servers[0], stranger, trusted=certificate)


def test_a_key_is_taken_away_by_a_reload(fleet):
    directory, _, keys, secure, cluster = fleet
    client = core(fleet, 0, 1)
    assert client.said == []
    secure.allow(keys[0])
    cluster.servers[0].reload()
    eventually(lambda: "Reloaded" in cluster.servers[0].log(), "a reload")
    eventually(client.is_closed, "the end of its connection")
    assert "Authorization Violation" in core(fleet, 0, 1).said[0]
    assert core(fleet, 0, 0).said == []


def test_a_seed_is_never_overwritten(tmp_path):
    make_nkey(tmp_path / "k.nk")
    before = (tmp_path / "k.nk").read_text()
    with pytest.raises(AssertionError, match="never overwritten"):
        make_nkey(tmp_path / "k.nk")
    assert (tmp_path / "k.nk").read_text() == before and (tmp_path / "k.nk").stat().st_mode & 0o777 == 0o600
