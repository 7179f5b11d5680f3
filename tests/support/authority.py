"""A certificate authority for one test, made with the openssl command: chains and validity periods of every kind."""
import datetime
import subprocess

_CONFIG = """
[ca]
default_ca = authority
[authority]
database = {directory}/index.txt
new_certs_dir = {directory}
serial = {directory}/serial
default_md = sha256
policy = policy
unique_subject = no
copy_extensions = copy
[policy]
commonName = supplied
"""


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class IssuedCertificate:
    def __init__(self, cert, key):
        self.cert, self.key = cert, key

    def flags(self):
        return ["--tls-cert", str(self.cert), "--tls-key", str(self.key)]


class Authority:
    def __init__(self, directory, name="test authority"):
        self._directory = directory
        self.cert, self._key = directory / "authority.crt", directory / "authority.key"
        (directory / "index.txt").write_text("")
        (directory / "serial").write_text("01\n")
        self._config = directory / "authority.cnf"
        self._config.write_text(_CONFIG.format(directory=directory))
        self._new_key(self._key)
        _openssl("req", "-x509", "-key", self._key, "-out", self.cert, "-days", 30, "-subj", f"/CN={name}")

    @staticmethod
    def _new_key(path):
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)

    def issue(self, name, *, starts=datetime.timedelta(days=-60), ends=datetime.timedelta(days=90), names=None):
        """A certificate for the names (127.0.0.1 and localhost); its validity begins and ends at the given offsets from now."""
        key, request, cert = (self._directory / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
        self._new_key(key)
        names = names or "DNS:localhost,IP:127.0.0.1"
        _openssl("req", "-new", "-key", key, "-out", request, "-subj", f"/CN={name}", "-addext",
                 f"subjectAltName={names}")
        now = datetime.datetime.now(datetime.timezone.utc)
        start, end = ((now + span).strftime("%Y%m%d%H%M%SZ") for span in (starts, ends))
        _openssl("ca", "-batch", "-config", self._config, "-cert", self.cert, "-keyfile", self._key, "-in", request,
                 "-out", cert, "-notext", "-startdate", start, "-enddate", end)
        return IssuedCertificate(cert, key)
