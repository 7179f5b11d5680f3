"""What has to stand in several files stands in all of them, as CONTRIBUTING.md lists them: places_test.py SOURCE_DIR BINARY_DIR.

docs_test.py and the manual_test.py compare code and docs; this adds the tests, and the clients.
"""
import pathlib
import re
import subprocess
import sys

import docs_test

TESTS = ("integration", "hostile", "unit", "support", "deploy", "sim")
# Bounds that a test reaches without naming them: the test that does.
REACHED = {
    "deliveries_burst_factor": "unit/edge/token_bucket_test.cc",
    "max_roster_lanes": "hostile/test_edges.py::test_a_hello_that_no_edge_sends_is_refused",
    "max_name_bytes": "hostile/test_edges.py::test_strings_and_lists_above_an_edges_bounds_have_no_effect",
    "max_word_bytes": "hostile/test_edges.py::test_strings_and_lists_above_an_edges_bounds_have_no_effect",
    "max_address_bytes": "hostile/test_edges.py::test_strings_and_lists_above_an_edges_bounds_have_no_effect",
    "max_addresses": "hostile/test_edges.py::test_strings_and_lists_above_an_edges_bounds_have_no_effect",
    "max_counts": "hostile/test_edges.py::test_strings_and_lists_above_an_edges_bounds_have_no_effect",
    "max_fields": "hostile/test_edges.py::test_one_message_has_a_bounded_number_of_items",
    "rate_burst_factor": "unit/edge/token_bucket_test.cc",
    "max_record_cache_bytes": "unit/edge/record_cache_test.cc::TheOldestRecordsAreDroppedWhenThereIsNoRoom",
    "max_request_head_bytes": "integration/test_upgrade.py",
    "max_whole_bytes": "unit/link/link_random_test.cc",
}
# Bounds that no test reaches, and why.
NOT_REACHED = {"tcp_user_timeout": "takes a network that loses packets"}
# Flags of bounds that any value is right for, or whose values the flag itself checks.
UNCHECKED = {"--max-connections-per-ip", "--dialects"}
# Where a message of cairn.signal.v2 is written, described, read and tested.
V2_FILES = {
    "proto/wire/v2_writer.h": r'^//.*\{{"{0}":',
    "docs/PROTOCOL.md": r'^\| `\{{"{0}":',
    "clients/javascript/src/*.js": r"'{0}'",
    "clients/python/src/cairn_signal/*.py": r'"{0}"',
    "tests/unit/wire/v2_writer_test.cc": r"Append{1}\(",
    "tests/integration/test_v2.py": r'["\']{0}["\']|\b{0}\b',
}


def text_of(paths):
    return "\n".join(path.read_text(errors="replace") for path in sorted(paths))


def all_tests(root, *without):
    """The text of the tests of every kind, but of those that list what there is."""
    paths = (path for folder in TESTS for path in (root / "tests" / folder).rglob("*")
             if path.suffix in {".py", ".cc", ".h"} and path.name not in {"places_test.py", *without})
    return text_of(paths)


def commands(binary, *path):
    """Every command that does something, as words."""
    text = subprocess.run([binary, *path, "--help"], check=True, capture_output=True, text=True).stdout
    listed = re.search(r"^Commands:\n((?:  .*\n)+)", text, re.M)
    if not listed:
        return [path]
    return [found for name in re.findall(r"^  (\S+)", listed[1], re.M) for found in commands(binary, *path, name)]


def of_reasons(root):
    tests = all_tests(root, "reasons_test.cc")
    listed = (root / "tests/unit/edge/reasons_test.cc").read_text()
    header = (root / "edge/reasons.h").read_text()
    for macro in ("CAIRN_EDGE_CLOSE_REASONS", "CAIRN_EDGE_DROP_REASONS"):
        body = header.split(f"#define {macro}(X)", 1)[1].split("\n\n")[0]
        for enumerator, name in re.findall(r'X\((k\w+),\s*"(\w+)"', body):
            if not re.search(rf"\b(?:{enumerator}|{name})\b", tests):
                yield f"reason {name}: no test brings it about"
            if macro == "CAIRN_EDGE_CLOSE_REASONS" and f"CloseReason::{enumerator}," not in listed:
                yield f"reason {name}: its close code is missing in tests/unit/edge/reasons_test.cc"


def of_v2_messages(root):
    names = re.findall(r"^void Append(\w+)\(", (root / "proto/wire/v2_writer.h").read_text(), re.M)
    if len(names) < 8:
        yield f"read only {len(names)} messages from proto/wire/v2_writer.h: has its form changed?"
    for function in names:
        name = function.removesuffix("From")  # Relay, with who it is from
        for where, pattern in V2_FILES.items():
            if not re.search(pattern.format(name, function), text_of(root.glob(where)), re.M):
                yield f"message {name} of cairn.signal.v2 is missing in {where}"


def of_commands(root, binaries):
    tests = text_of((root / "tests/integration").glob("test_*.py"))
    found = commands(binaries / "cairn-admin")
    if len(found) < 10:
        yield f"read only {len(found)} commands from --help: has its form changed?"
    for words in found:
        pattern = '"' + r'",\s*"'.join(words) + '"|"' + " ".join(words) + r"\b"
        if not re.search(pattern, tests):
            yield f"command {' '.join(words)}: no test in tests/integration runs it"


def of_bounds(root):
    tests, fields = all_tests(root), []
    checks = (root / "edge/limits.cc").read_text()
    for path in ("edge/limits.h", "core/limits.h"):
        for comment, name in re.findall(r"((?:^  //.*\n)*)^  [\w:]+ (\w+) = .*;", (root / path).read_text(), re.M):
            fields.append(name)
            flag = re.search(r"--[a-z-]+", comment)
            named = re.search(rf"\b{name}\b", tests) or (flag and flag[0] in tests)
            if not named and name not in NOT_REACHED and name not in REACHED:
                yield f"bound {name} of {path}: no test names it or its flag"
            if path == "edge/limits.h" and flag and flag[0] not in UNCHECKED and flag[0] not in checks:
                yield f"bound {name} has the flag {flag[0]}, whose range is missing in edge/limits.cc"
    if len(fields) < 20:
        yield f"read only {len(fields)} bounds: has the form of limits.h changed?"
    for name in sorted((REACHED.keys() | NOT_REACHED.keys()) - set(fields)):
        yield f"bound {name} does not exist any more: places_test.py names it"
    for name, where in REACHED.items():
        path, _, test = where.partition("::")
        path = root / "tests" / path
        if not path.exists() or test not in path.read_text():
            yield f"bound {name}: {where} does not exist"


def of_metrics(root, binaries):
    tests = all_tests(root, "docs_test.py")
    for name, _, _ in sorted(docs_test.metrics_of_a_process(binaries / "cairn-signal")):
        if name.removeprefix("cairn_signal_").removesuffix("_total") not in tests:
            yield f"metric {name}: no test looks at it"


def of_flags(root, binaries):
    tests = all_tests(root)
    flags, _ = docs_test.help_flags(binaries / "cairn-signal")
    for flag in sorted(flags):
        if flag not in tests and flag[2:].replace("-", "_") not in tests:
            yield f"flag {flag}: no test gives it"


def of_files(root):
    """Those that CONTRIBUTING.md names, under "Where a new … goes"."""
    text = (root / "CONTRIBUTING.md").read_text()
    part = re.search(r"^\*\*Where something new goes\.\*\*.*?(?=^\*\*[A-Z])", text, re.M | re.S)
    if not part:
        yield "CONTRIBUTING.md does not say where something new goes"
        return
    for name in re.findall(r"`([\w.*-]+/[\w./*-]*|\w+\.md)`", part[0]):
        if not list(root.glob(name.replace("NAME", "*"))):
            yield f"CONTRIBUTING.md names a file that does not exist: {name}"


def of_documents(root):
    listed = (root / "docs/README.md").read_text()
    for path in sorted((root / "docs").glob("*.md")):
        if path.name != "README.md" and f"({path.name})" not in listed:
            yield f"docs/README.md does not say for whom docs/{path.name} is"


def main():
    root, binaries = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    problems = [*of_reasons(root), *of_v2_messages(root), *of_commands(root, binaries), *of_bounds(root),
                *of_metrics(root, binaries), *of_flags(root, binaries), *of_files(root), *of_documents(root)]
    print("\n".join(problems) or "every reason, message, command, bound, metric and flag is where it has to be")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
