"""The Debian package, installed into a Debian 12 made for it, used there, removed and purged."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from support.process import ROOT
from support.tools import need, output

PROGRAMS = ["cairn-signal", "cairn-admin"]
CONFIGURATION = {f"/etc/default/cairn-signal{suffix}" for suffix in ("", "-edge", "-core")}


@pytest.fixture(scope="module")
def package():
    path = os.environ.get("CAIRN_TEST_PACKAGE")
    if not path:
        pytest.skip("CAIRN_TEST_PACKAGE names no package: ./dev test-deploy builds one and tests it")
    return pathlib.Path(path)


class Root:
    """A Debian 12 of its own below a directory."""

    def __init__(self, directory):
        self.path = directory
        # debootstrap's second steps, apt and dpkg need to be root, and device nodes.
        if os.geteuid() != 0:
            pytest.skip("only root can make a Debian to install into")
        program = need("debootstrap", "debootstrap")
        cached = os.environ.get("CAIRN_TEST_ROOT")
        if cached:
            output("cp", "-a", f"{cached}/.", directory)
        else:
            output(program, "--variant=minbase", "bookworm", directory)
        # A root made for images leaves out manual pages.
        (directory / "etc/dpkg/dpkg.cfg.d/docker").unlink(missing_ok=True)
        shutil.copy("/etc/resolv.conf", directory / "etc/resolv.conf")
        self.run("apt-get", "update", "-q")

    def run(self, *command, check=True):
        done = subprocess.run(["chroot", self.path, *map(str, command)], text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                                                             "DEBIAN_FRONTEND": "noninteractive"})
        assert not check or done.returncode == 0, done.stdout
        return done.stdout

    def install(self, *packages):
        return self.run("apt-get", "install", "-q", "-y", "--no-install-recommends", *packages)

    def files(self):
        found = self.run("find", "/etc", "/usr", "/var/lib", "/opt", "-xdev", "!", "-path", "/var/lib/dpkg/*", "!", "-path",
                         "/var/lib/apt/*", "!", "-name", "*.pyc")
        return set(found.splitlines())


@pytest.fixture(scope="module")
def root(package, tmp_path_factory):
    root = Root(tmp_path_factory.mktemp("debian"))
    # Its dependencies, and the tools of this test, so that before and after differ only in the package.
    output("cp", package, root.path / "cairn-signal.deb")
    root.install("systemd-standalone-sysusers", "./cairn-signal.deb", "mandoc")
    root.run("apt-get", "purge", "-q", "-y", "cairn-signal")
    root.run("userdel", "cairn-signal")
    root.before = root.files()
    root.log = root.install("./cairn-signal.deb")
    return root


def test_programs_run_without_anything_else_to_be_installed(root):
    version = re.search(r"project\(cairn-signal VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
    for program in PROGRAMS:
        assert version in root.run(program, "--version")


def test_its_user_is_there_and_cannot_log_in(root):
    assert re.search(r"^cairn-signal:x:\d+:\d+:.*:/usr/sbin/nologin$", (root.path / "etc/passwd").read_text(), re.M)


def test_units_configuration_and_completions_are_where_they_are_looked_for(root):
    listed = set(root.run("dpkg", "-L", "cairn-signal").splitlines())
    units = {unit.name for unit in (ROOT / "deploy/systemd").glob("cairn-signal*.*")}
    # A machine of NATS needs nothing else of the package (docs/OPERATIONS.md).
    assert {path.name for path in map(pathlib.PurePath, listed) if path.match("/usr/lib/systemd/system/*")} == units - {
        "cairn-signal-nats.service"}
    assert {"/usr/lib/sysusers.d/cairn-signal.conf", "/usr/share/bash-completion/completions/cairn-admin",
            "/usr/share/zsh/vendor-completions/_cairn-admin", "/usr/share/fish/vendor_completions.d/cairn-admin.fish",
            *CONFIGURATION} <= listed
    completion = (root.path / "usr/share/bash-completion/completions/cairn-admin").read_text()
    assert "complete" in completion and "peers" in completion
    output("bash", "-n", root.path / "usr/share/bash-completion/completions/cairn-admin")


def test_settings_files_are_not_readable_for_everyone(root):
    assert all((root.path / path.strip("/")).stat().st_mode & 0o7 == 0 for path in CONFIGURATION)
    assert (root.path / "etc/cairn-signal").stat().st_mode & 0o7 == 0


@pytest.mark.parametrize("program", PROGRAMS)
def test_manual_pages_are_readable(root, program):
    page = root.path / f"usr/share/man/man1/{program}.1.gz"
    assert page.exists()
    assert program.upper() in root.run("mandoc", f"/usr/share/man/man1/{program}.1.gz")


def test_nothing_but_the_package_and_its_user_has_come(root):
    came = root.files() - root.before
    listed = set(root.run("dpkg", "-L", "cairn-signal").splitlines())
    assert came - listed <= {"/etc/cairn-signal"}, came - listed


def test_a_setting_that_somebody_changed_survives_an_upgrade(root):
    settings = root.path / "etc/default/cairn-signal"
    settings.write_text("CAIRN_SIGNAL_DRAIN=7s\n")
    root.run("dpkg", "--force-confold", "-i", "/cairn-signal.deb")
    assert settings.read_text() == "CAIRN_SIGNAL_DRAIN=7s\n"


def test_removed_it_leaves_its_configuration_and_purged_nothing(root):
    root.run("apt-get", "remove", "-q", "-y", "cairn-signal")
    left = root.files() - root.before
    assert left == CONFIGURATION | {"/etc/cairn-signal"}
    root.run("apt-get", "purge", "-q", "-y", "cairn-signal")
    assert root.files() - root.before == set()


def test_keys_that_somebody_put_there_survive_a_purge(root):
    root.install("./cairn-signal.deb")
    key = root.path / "etc/cairn-signal/key.pem"
    key.write_text("a key\n")
    root.run("apt-get", "purge", "-q", "-y", "cairn-signal")
    assert key.exists()
