"""What NATS calls decentralized authentication: an operator's key signs accounts, an account's key its users.

https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt tells what is in a JWT.
"""
import base64
import importlib.machinery
import importlib.util
import json
import subprocess
import time

from support.process import ROOT

_loader = importlib.machinery.SourceFileLoader("make_nkey", str(ROOT / "deploy/nats/make-nkey"))
make_nkey = importlib.util.module_from_spec(importlib.util.spec_from_loader(_loader.name, _loader))
_loader.exec_module(make_nkey)

OPERATOR, ACCOUNT = 14 << 3, 0
UNLIMITED = {"subs": -1, "data": -1, "payload": -1}


def _base64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class _Key:
    """An Ed25519 key; `name` is its public half, as NATS writes it."""

    def __init__(self, directory, prefix):
        der = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-outform", "DER"], stdout=subprocess.PIPE, check=True).stdout
        public = make_nkey.openssl("-inform", "DER", "-pubout", stdin=der)
        self.name = make_nkey.encode((prefix,), public[-32:])
        self.seed = make_nkey.encode((make_nkey.SEED | prefix >> 5, (prefix & 31) << 3), der[-32:])
        self.directory, self._file = directory, directory / f"{self.name}.der"
        self._file.write_bytes(der)

    def sign(self, kind, subject, claims):
        """The JWT in which this key says so of `subject`."""
        now = int(time.time())
        body = {"jti": f"{subject}{now}", "iat": now, "iss": self.name, "name": kind, "sub": subject,
                "nats": {"type": kind, "version": 2, **claims}}
        parts = [{"typ": "JWT", "alg": "ed25519-nkey"}, body]
        text = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        message = self._file.with_suffix(".message")
        message.write_text(text)
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", self._file, "-in", message],
                                   stdout=subprocess.PIPE, check=True).stdout
        return f"{text}.{_base64(signature)}"


class Account:
    def __init__(self, operator):
        self._key = _Key(operator.directory, ACCOUNT)
        self.name = self._key.name
        limits = {**UNLIMITED, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
        self.jwt = operator.sign("account", self.name, {"limits": limits})

    def write_credentials(self, path):
        """A user of the account: its JWT and its seed."""
        user = _Key(self._key.directory, make_nkey.USER)
        jwt = self._key.sign("user", user.name, {"pub": {}, "sub": {}, **UNLIMITED})
        path.write_text(f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
                        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n")


class Operator(_Key):
    def __init__(self, directory):
        super().__init__(directory, OPERATOR)

    def make_account(self):
        return Account(self)

    def configuration(self, account):
        """Of a server that trusts this operator, and knows the account."""
        return f"""
operator: {self.sign("operator", self.name, {})}
resolver: MEMORY
resolver_preload: {{ {account.name}: {account.jwt} }}
"""
