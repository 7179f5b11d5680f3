"""The compiler and linker options that limit the damage of memory errors, read from the release binaries."""
import os
import platform
import re

import pytest
from support.process import ROOT, binary
from support.tools import need, output

BINARIES = ["cairn-signal", "cairn-admin"]
X86 = platform.machine() == "x86_64"


@pytest.fixture(scope="module", autouse=True)
def hardened():
    need("readelf", "binutils")
    if os.environ.get("CAIRN_HARDENED") != "1":
        pytest.skip("built without CAIRN_HARDEN: ./dev test-deploy looks at the release build")


@pytest.fixture(scope="module", params=BINARIES)
def path(request):
    return binary().with_name(request.param)


def readelf(option, path):
    return output("readelf", option, "-W", path)


def imported(path):
    return set(re.findall(r"UND (\w+)(?:@|$)", readelf("--dyn-syms", path), re.M))


def test_it_is_loaded_anywhere(path):
    assert re.search(r"Type:\s+DYN", readelf("-h", path))
    assert re.search(r"\(FLAGS_1\).*\bPIE\b", readelf("-d", path))


def test_relocations_are_read_only(path):
    assert "GNU_RELRO" in readelf("-l", path)
    assert re.search(r"\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*\bNOW\b", readelf("-d", path))


def test_nothing_is_writable_and_executable(path):
    segments = re.findall(r"^\s+(LOAD|GNU_STACK)\s+(?:0x\w+\s+){5}([R ][W ][E ])", readelf("-l", path), re.M)
    assert {"LOAD", "GNU_STACK"} == {kind for kind, _ in segments}
    assert not [one for one in segments if "W" in one[1] and "E" in one[1]]


def test_libraries_come_only_from_where_the_system_has_them(path):
    assert not re.search(r"\((RPATH|RUNPATH)\)", readelf("-d", path))


def test_stacks_and_copies_are_checked(path):
    symbols = imported(path)
    assert "__stack_chk_fail" in symbols
    assert {name for name in symbols if name.startswith("__") and name.endswith("_chk")}, "no FORTIFY"
    assert {name for name in symbols if "glibcxx_assert_fail" in name}, "no assertions of the C++ library"


@pytest.mark.skipif(not X86, reason="other instructions than x86-64's")
def test_jumps_land_only_where_they_may_and_stacks_grow_page_by_page(path):
    code = output(need("objdump", "binutils"), "-d", "--no-show-raw-insn", path)
    assert re.search(r"<main>:\n\s+\w+:\s+endbr64", code), "no CET"
    assert re.search(r"\bor[ql]?\s+\$0x0,(?:0x\w+)?\(%rsp", code), "no probes of large stack frames"


def test_no_path_of_the_building_machine_is_in_it(path):
    assert str(ROOT).encode() not in path.read_bytes()


def documented_libraries():
    table = (ROOT / "SECURITY.md").read_text().split("## Linked libraries\n", 1)[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(lib[^`]+)`", table, re.M))


def test_the_linked_libraries_are_those_that_are_documented():
    needed = set()
    for name in BINARIES:
        needed |= set(re.findall(r"\(NEEDED\).*\[(lib[^\]]+)\]", readelf("-d", binary().with_name(name))))
    needed = {re.sub(r"^libabsl_\w+", "libabsl_*", name) for name in needed}
    # The C and C++ run-time libraries come with every program.
    assert {name for name in needed if not re.match(r"lib(c|m|gcc_s|stdc\+\+)\.", name)} == documented_libraries()
