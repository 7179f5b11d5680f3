"""./dev: each command is in its help, a port in use is skipped, and a build is announced with about how long it takes."""
import re
import shutil
import socket
import subprocess

import pytest
from support.ports import unused_port
from support.process import ROOT
from support.waiting import PATIENCE


def in_dev(script, *arguments):
    """What bash does with the functions of ./dev."""
    return subprocess.run(["bash", "-c", f"source ./dev; {script}", "bash", *map(str, arguments)], cwd=ROOT, text=True,
                          capture_output=True, timeout=PATIENCE, check=False)


def test_every_command_is_in_the_help_and_every_command_of_the_help_exists():
    text = (ROOT / "dev").read_text()
    listed = set(re.findall(r"^  ([a-z-]+)(?:,| )", in_dev("help").stdout, re.M)) | {"tsan", "sim-mutations"}
    there = {name for names in re.findall(r"^  ([a-z-]+(?: \| -?-?[a-z-]+)*)\)$", text, re.M) for name in names.split(" | ")}
    there |= {name for names in re.findall(r"^  (\w+(?: \| -?-?\w+)*)\) ", text, re.M) for name in names.split(" | ")}
    assert listed == {name for name in there if not name.startswith("-")} - {"help"}


def test_an_unknown_command_lists_the_commands():
    done = subprocess.run([ROOT / "dev", "teest"], text=True, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("./dev: unknown command 'teest'\nusage: ./dev COMMAND\n")


def test_a_port_in_use_is_skipped_with_a_message():
    port = unused_port()
    with socket.create_server(("127.0.0.1", port)):
        done = in_dev('free_port "$1"', port)
    found = int(done.stdout)
    assert found > port
    assert done.stderr == f"port {port} is in use: this one listens on {found}\n"


def test_a_free_port_is_used_without_a_message():
    port = unused_port()
    done = in_dev('free_port "$1"', port)
    assert (done.stdout, done.stderr) == (f"{port}\n", "")


@pytest.mark.parametrize("flags, given", [
    ([], ["--listen-addr", "--grpc-listen-addr"]), (["--listen-addr", "127.0.0.1:1"], ["--grpc-listen-addr"]),
    (["--listen-addr=127.0.0.1:1", "--grpc-listen-addr=127.0.0.1:2"], []), (["--role", "edge", "--core", "x"], ["--listen-addr"])])
def test_ports_are_chosen_unless_the_flags_say_which(flags, given):
    done = in_dev('choose_ports "$@"; echo "${listen[@]}"', *flags)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[::2] == given


@pytest.mark.parametrize("seconds, words", [(0, "a minute or less"), (60, "a minute or less"), (61, "about 2 minutes"), (280, "about 5 minutes")])
def test_times_are_in_words(seconds, words):
    assert in_dev('about "$1"', seconds).stdout == f"{words}\n"


def test_shellcheck_finds_nothing():
    if not shutil.which("shellcheck"):
        pytest.skip("no shellcheck: apt install shellcheck")
    done = subprocess.run(["shellcheck", "dev", ".ci/run", "tests/bench/timed_compiler", "tests/browser/run"], cwd=ROOT, text=True,
                          capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout


def test_a_tree_that_is_only_configured_has_files_to_compile(tmp_path):
    subprocess.run(["cmake", "--preset", "dev", "-B", tmp_path], cwd=ROOT, check=True, capture_output=True)
    server, everything = (int(in_dev('files_to_compile "$@"', tmp_path, *targets).stdout) for targets in (["cairn-signal"], []))
    assert 40 < server < everything


def test_a_precompiled_header_follows_its_headers():
    """With -fpch-preprocess, the last one would hide from ccache what has changed in them."""
    build = ROOT / "build/dev/build.ninja"
    if not build.exists():
        pytest.skip("no build/dev: ./dev test makes it")
    made = re.findall(r"^build \S+\.gch: .*\n(?:  .*\n)*", build.read_text(), re.M)
    assert len(made) == 2
    assert not [one for one in made if "-fpch-preprocess" in one]
