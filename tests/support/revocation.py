"""Revocation lists (CRLs) of the tests' authorities, made with the openssl command."""
import pathlib
import subprocess
import tempfile


def _openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def revocation_list(authority, *revoked, outdated=False):
    """The authority's CRL with the certificates of these identities, as PEM."""
    serials = [_openssl("x509", "-in", one.cert, "-noout", "-serial").strip().partition("=")[2] for one in revoked]
    when = ["-crl_lastupdate", "20260101000000Z", "-crl_nextupdate", "20260102000000Z"] if outdated else []
    with tempfile.TemporaryDirectory() as directory:
        index, config, made = (pathlib.Path(directory) / name for name in ("index", "config", "crl"))
        index.write_text("".join(f"R\t330101000000Z\t260101000000Z\t{serial}\tunknown\t/CN=x\n" for serial in serials))
        config.write_text(f"[ca]\ndefault_ca = ours\n[ours]\ndatabase = {index}\ndefault_md = sha256\ndefault_crl_days = 1\n")
        _openssl("ca", "-gencrl", "-config", config, "-cert", authority.cert, "-keyfile", authority.cert.with_suffix(".key"), "-out", made, *when)
        return made.read_bytes()
