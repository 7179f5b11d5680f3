"""deploy/link-certificates makes what edges and core need, and revokes it."""
import shutil

import pytest
from support.process import ROOT
from support.tools import need, output

SCRIPT = ROOT / "deploy/link-certificates"


@pytest.fixture
def made(tmp_path):
    need("openssl", "openssl")
    output(SCRIPT, tmp_path, "localhost")
    return tmp_path


def flags(directory):
    return [text for option, name in (("cert", "tls.crt"), ("key", "tls.key"), ("ca", "ca.crt"))
            for text in (f"--grpc-tls-{option}", str(directory / name))]


def test_a_revoked_certificate_is_refused_and_its_successor_accepted(start, made):
    output(SCRIPT, made, "--revoke", made / "edge/tls.crt")
    shutil.move(made / "edge", made / "old")
    output(SCRIPT, made, "localhost")
    core = start("--role", "core", "--grpc-listen-addr", "127.0.0.1:0", *flags(made / "core"), "--grpc-tls-crl", str(made / "core/crl.pem"))
    edges = {name: start("--role", "edge", "--core", core.grpc_address(), "--threads", "1", *flags(made / name)) for name in ("old", "edge")}
    edges["old"].wait_for_log("core_link_lost .*the certificate has been revoked")
    edges["edge"].wait_for_log("core_link_up")
    assert not edges["old"].grep("core_link_up")
    # Another one is added to those.
    output(SCRIPT, made, "--revoke", made / "edge/tls.crt")
    output(SCRIPT, made, "--revoke", made / "edge/tls.crt")
    assert output("openssl", "crl", "-in", made / "core/crl.pem", "-noout", "-text").count("Serial Number") == 2


def test_only_certificates_of_this_authority_are_revoked(made, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    output(SCRIPT, other, "localhost")
    with pytest.raises(AssertionError, match="verification failed"):
        output(SCRIPT, made, "--revoke", other / "edge/tls.crt")
    assert not (made / "core/crl.pem").exists()
