"""Certificates and keys of every kind, made with the openssl command, and TLS contexts of clients that trust them."""
import ssl
import subprocess

HOST_NAME = "signal.test"


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Certificate:
    """Self-signed, for HOST_NAME and 127.0.0.1. The key is written as PKCS#8 (key) and in the format of its type."""

    def __init__(self, directory, name, kind="ec", days=2):
        self.cert = directory / f"{name}.crt"
        self.key = directory / f"{name}.key"
        # SEC1 for EC, PKCS#1 for RSA.
        self.traditional_key = directory / f"{name}.traditional.key"
        new_key = {"ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                   "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}[kind]
        _openssl("genpkey", *new_key, "-out", self.key)
        _openssl("pkey", "-in", self.key, "-traditional", "-out", self.traditional_key)
        _openssl("req", "-x509", "-key", self.key, "-out", self.cert, "-days", days, "-subj", f"/CN={name}",
                 "-addext", f"subjectAltName=DNS:{HOST_NAME},IP:127.0.0.1")

    def flags(self, key=None):
        return ["--tls-cert", str(self.cert), "--tls-key", str(key or self.key)]

    @property
    def der(self):
        return ssl.PEM_cert_to_DER_cert(self.cert.read_text())


def trusting(*certificates, version=None):
    """A client's context that trusts only these certificates, and uses only the given TLS version if there is one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for certificate in certificates:
        context.load_verify_locations(certificate.cert)
    if version:
        # OpenSSL offers TLS versions before 1.2 only at security level 0.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
    return context
