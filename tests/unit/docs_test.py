"""The docs name what the code has, and nothing else: docs_test.py SOURCE_DIR BINARY_DIR.

Flags and variables of --help against docs/OPERATIONS.md; close, drop and record reasons against docs/PROTOCOL.md.
"""
import pathlib
import re
import subprocess
import sys


def help_flags(binary):
    text = subprocess.run([binary, "--help"], check=True, capture_output=True, text=True).stdout
    flags = set(re.findall(r"^\s+(?:-\w,)?(--[a-z-]+)", text, re.M)) - {"--help", "--version"}
    variables = set(re.findall(r"\(Env:(CAIRN_[A-Z_]+)\)", text))
    return flags, variables


def table_column(text, heading, column=0):
    """Code-formatted first words of one column of the first table below a heading."""
    section = re.split(r"^## ", text.split(f"## {heading}\n", 1)[1], flags=re.M)[0]
    found = set()
    for row in re.findall(r"^\|(.+)\|$", section, re.M):
        cell = row.split("|")[column]
        found.update(re.findall(r"`([^` ]+)`", cell))
    return found


def macro_names(text, macro):
    body = text.split(f"#define {macro}(X)", 1)[1].split("\n\n")[0]
    return set(re.findall(r'X\(k\w+,\s*"(\w+)"', body))


def compare(what, code, docs):
    for name in sorted(code - docs):
        yield f"{what} {name} is missing in the docs"
    for name in sorted(docs - code):
        yield f"{what} {name} is in the docs, but does not exist"


def main():
    root, binaries = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    operations = (root / "docs/OPERATIONS.md").read_text()
    protocol = (root / "docs/PROTOCOL.md").read_text()
    edge = (root / "edge/reasons.h").read_text()
    core = (root / "core/record_store.h").read_text()
    flags, variables = help_flags(binaries / "cairn-signal")
    reasons = table_column(protocol, "Reasons")
    records = set(re.findall(r"`(record_\w+)`", protocol))
    in_code = macro_names(edge, "CAIRN_EDGE_CLOSE_REASONS") | macro_names(edge, "CAIRN_EDGE_DROP_REASONS")
    if len(flags) < 10 or len(in_code) < 10:
        print(f"read only {len(flags)} flags and {len(in_code)} reasons: has their form changed?")
        return 1
    problems = [
        *compare("flag", flags, table_column(operations, "Options")),
        *compare("variable", variables, table_column(operations, "Options", 1)),
        *compare("reason", in_code, reasons),
        *compare("record reason", macro_names(core, "CAIRN_CORE_RECORD_END_REASONS"), records),
    ]
    print("\n".join(problems) or f"{len(flags)} flags and {len(in_code)} reasons are documented")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
