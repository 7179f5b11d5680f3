"""The units are valid for systemd, sandbox the process, and set only variables that the server knows."""
import pathlib
import re
import shutil
import subprocess

import pytest
from support import peer
from support.peer import Peer, await_hearing
from support.process import ROOT, ServerProcess, run, with_defaults
from support.tools import need, output

UNITS = ROOT / "deploy/systemd"
SERVICES = sorted(UNITS.glob("*.service"))
HOST_UNITS = pathlib.Path("/usr/lib/systemd/system")
# The exposure levels of systemd-analyze, 0 to 10, times ten: today's, as upper bounds.
MAX_EXPOSURE = 18


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A file system with the files that the units name, and the units of systemd that they refer to."""
    need("systemd-analyze", "systemd")
    root = tmp_path_factory.mktemp("root")
    installed = root / "usr/lib/systemd/system"
    shutil.copytree(HOST_UNITS, installed, symlinks=True, ignore_dangling_symlinks=True)
    for program in "usr/bin/cairn-signal", "usr/sbin/nats-server", "bin/kill":
        path = root / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/true\n")
        path.chmod(0o755)
    for unit in UNITS.glob("cairn-signal*.*"):
        shutil.copy(unit, installed)
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("cairn-signal:x:900:900::/:/bin/false\n")
    (root / "etc/group").write_text("cairn-signal:x:900:\n")
    return root


def verify(root, unit):
    """The complaints of systemd-analyze; empty if there are none."""
    return subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root}", unit], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.glob("*.service")) +
                         sorted(path.name for path in UNITS.glob("*.socket")))
def test_systemd_analyze_accepts_the_unit(root, unit):
    assert verify(root, unit.replace("@.", "@1.")) == ""


def test_systemd_analyze_reports_a_mistake(root):
    mistaken = (UNITS / "cairn-signal.service").read_text().replace("ProtectHome=", "ProtectHoem=")
    (root / "usr/lib/systemd/system/mistaken.service").write_text(mistaken)
    assert "ProtectHoem" in verify(root, "mistaken.service")


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_the_sandbox_leaves_little_open(service):
    need("systemd-analyze", "systemd")
    output("systemd-analyze", "security", "--offline=yes", "--no-pager", f"--threshold={MAX_EXPOSURE}", service)


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_no_core_dumps(service):
    assert "LimitCORE=0" in service.read_text().splitlines()


def sandbox(service):
    """The settings between the sandbox's comment and the end of its section, in order."""
    text = service.read_text().split("# What the process cannot do", 1)[1].split("\n[Install]")[0]
    return [line for line in text.splitlines()[1:] if line and line != "PrivateUsers=yes"]


def test_every_service_has_the_same_sandbox():
    assert len({tuple(sandbox(service)) for service in SERVICES}) == 1
    assert len(sandbox(SERVICES[0])) > 20


def settings(path):
    """{variable: value} of an environment file, those in comments included."""
    return dict(re.findall(r"^#?(CAIRN_\w+)=(.*)$", path.read_text(), re.M))


@pytest.mark.parametrize("name", ["default", "default-edge", "default-core"])
def test_the_environment_files_set_only_known_variables(name):
    known = set(re.findall(r"\(Env:(CAIRN_\w+)\)", run("--help").stdout))
    assert settings(UNITS / name).keys() <= known
    assert settings(UNITS / name)


@pytest.mark.parametrize("role, name", [("edge", "default-edge"), ("core", "default-core")])
def test_a_role_starts_with_the_settings_that_are_not_comments(start, role, name):
    active = dict(re.findall(r"^(CAIRN_\w+)=(.*)$", (UNITS / name).read_text(), re.M))
    if role == "core":
        active["CAIRN_SIGNAL_GRPC_LISTEN_ADDR"] = "127.0.0.1:0"  # a test does not take ports that others may want
    start("--role", role, env=active).wait_for_log("listening")


def system_calls(group):
    """Names in a group of systemd's, the groups in it included."""
    names = set()
    for line in output("systemd-analyze", "syscall-filter", "--no-pager", group).splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            names |= system_calls(word)
        elif word and not word.startswith("#"):
            names.add(word)
    return names


def test_a_server_at_work_makes_only_system_calls_that_the_units_allow(tmp_path):
    need("systemd-analyze", "systemd")
    strace = need("strace", "strace")
    allowed = system_calls("@system-service") - system_calls("@privileged")
    trace = tmp_path / "trace"
    # LeakSanitizer, in builds that have it, wants to trace the process itself.
    server = ServerProcess(*with_defaults([]), wrapper=[strace, "-D", "-f", "-qq", "-o", str(trace)],
                           env={"ASAN_OPTIONS": "detect_leaks=0"})
    try:
        host, port = server.address()
        listener, sender = Peer(f"ws://{host}:{port}/"), Peer(f"ws://{host}:{port}/")
        listener.subscribe("topic")
        await_hearing(listener, sender, "topic")
        peer.close_all()
    finally:
        server.finish()
    made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.M))
    assert {"epoll_wait", "accept4", "clone3"} <= made, made
    assert made <= allowed, made - allowed
