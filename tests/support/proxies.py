"""Runs the proxies of deploy/proxies with their shipped configuration, changed only in ports, paths and time-outs."""
import socket
import subprocess

from support.certificates import HOST_NAME
from support.ports import unused_port
from support.process import ROOT
from support.tools import need
from support.waiting import eventually

SNIPPETS = ROOT / "deploy/proxies"


def replaced(name, pairs):
    """A configuration in which each first text, which must be there, is replaced by the second."""
    text = (SNIPPETS / name).read_text()
    for old, new in pairs.items():
        assert old in text, f"{name} has no {old!r}"
        text = text.replace(old, new)
    return text


def nginx_paths(directory):
    """Directives that keep all files of nginx in a directory of the test."""
    return "\n    ".join(f"{name}_temp_path {directory}/{name.removeprefix('client_')};"
                        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))


class Proxy:
    """The proxy in front of `server`, with `certificate`. `cut_after`: its idle time-out in seconds, instead of 60."""

    # The server's flags, as the comment in the shipped file names them.
    flags = ["--trusted-proxies", "127.0.0.1/32"]

    def __init__(self, directory, server, certificate, cut_after=None):
        self.address = "127.0.0.1", unused_port()
        self._directory = directory
        self._log = open(directory / "log", "w+")
        command = self.configure(f"{server.address()[0]}:{server.address()[1]}", server, certificate, cut_after)
        self._popen = subprocess.Popen([str(word) for word in command], stdout=self._log, stderr=self._log,
                                       env={"HOME": str(directory), "PATH": "/usr/bin:/bin"})
        eventually(self._answers, "the proxy's port")

    def _answers(self):
        assert self._popen.poll() is None, f"ended with {self._popen.returncode}: {self.log()}"
        with socket.socket() as probe:
            return probe.connect_ex(self.address) == 0

    def write(self, name, text):
        path = self._directory / name
        path.write_text(text)
        return path

    def log(self):
        self._log.seek(0)
        return self._log.read()

    def stop(self):
        self._popen.terminate()
        self._popen.wait(20)
        self._log.close()


class Nginx(Proxy):
    def configure(self, upstream, server, certificate, cut_after):
        program = need("nginx", "nginx-light")
        site = self.write("site.conf", replaced("nginx.conf", {
            "listen 443 ssl": f"listen 127.0.0.1:{self.address[1]} ssl",
            "signal.example.com": HOST_NAME,
            "127.0.0.1:8443;": f"{upstream};",
            "/etc/cairn-signal/cert.pem": str(certificate.cert),
            "/etc/cairn-signal/key.pem": str(certificate.key),
            # HAProxy's default, which the shipped file relies on, or less.
            "proxy_buffering off;": "proxy_buffering off;" + (f" proxy_read_timeout {cut_after}s;" if cut_after else ""),
        }))
        main = self.write("nginx.conf", f"""
daemon off;
error_log stderr;
pid {self._directory}/pid;
events {{}}
http {{
    access_log off;
    {nginx_paths(self._directory)}
    include {site};
}}
""")
        return program, "-c", main, "-p", self._directory, "-e", "stderr"


class HaProxy(Proxy):
    flags = [*Proxy.flags, "--proxy-protocol", "--ops-listen-addr", "127.0.0.1:0"]

    def configure(self, upstream, server, certificate, cut_after):
        program = need("haproxy", "haproxy")
        bundle = self.write("haproxy.pem", certificate.cert.read_text() + certificate.key.read_text())
        shorter = {"timeout client 60s": f"timeout client {cut_after}s",
                   "timeout server 60s": f"timeout server {cut_after}s"} if cut_after else {}
        main = self.write("haproxy.cfg", replaced("haproxy.cfg", {
            "bind :443": f"bind 127.0.0.1:{self.address[1]}",
            # Without this it asks for more open files than a test may have.
            "maxconn 100000": "maxconn 1000",
            "server edge1 127.0.0.1:8443": f"server edge1 {upstream}",
            "check port 9090": f"check port {server.ops_address()[1]}",
            "crt /etc/cairn-signal/haproxy.pem": f"crt {bundle}",
            **shorter,
        }))
        return program, "-db", "-f", main


class Caddy(Proxy):
    def configure(self, upstream, server, certificate, cut_after):
        program = need("caddy", "caddy")
        site = replaced("Caddyfile", {
            "signal.example.com:443": f"{HOST_NAME}:{self.address[1]}",
            "reverse_proxy 127.0.0.1:8443": f"reverse_proxy {upstream}",
            "/etc/cairn-signal/cert.pem": str(certificate.cert),
            "/etc/cairn-signal/key.pem": str(certificate.key),
        })
        options = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
        return program, "run", "--adapter", "caddyfile", "--config", self.write("Caddyfile", options + site)


KINDS = {"nginx": Nginx, "haproxy": HaProxy, "caddy": Caddy}
