"""The docs name what the code has, and nothing else: docs_test.py SOURCE_DIR BINARY_DIR.

Flags and variables of --help, metrics of a process and log events of the sources against docs/OPERATIONS.md; close, drop
and record reasons against docs/PROTOCOL.md. Tests that SECURITY.md names, and links between documents, must exist;
it must have every linked library. Tables are whole.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request


def help_flags(binary):
    text = subprocess.run([binary, "--help"], check=True, capture_output=True, text=True).stdout
    flags = set(re.findall(r"^\s+(?:-\w,)?(--[a-z-]+)", text, re.M)) - {"--help", "--version"}
    variables = set(re.findall(r"\(Env:(CAIRN_[A-Z_]+)\)", text))
    return flags, variables


def table_rows(text, heading):
    """Cells of each row of the tables below a heading."""
    section = re.split(r"^## ", text.split(f"## {heading}\n", 1)[1], flags=re.M)[0]
    return [[cell.strip() for cell in row.split("|")] for row in re.findall(r"^\|(.+)\|$", section, re.M)]


def coded(cell):
    return re.findall(r"`([^` ]+)`", cell)


def table_column(text, heading, column=0):
    """Code-formatted first words of one column of the tables below a heading."""
    return {name for row in table_rows(text, heading) for name in coded(row[column])}


def documented_metrics(text):
    """(name, type, labels) of each."""
    return {(name, kind, " ".join(sorted(coded(labels))))
            for head, kind, labels, *_ in table_rows(text, "Metrics") for name in coded(head)}


def metrics_of(text):
    """The same of a scrape. A histogram's le is of its form, and not a label of its own."""
    found = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M):
        suffix = "_count" if kind == "histogram" else ""
        labels = re.search(rf"^{name}{suffix}(?:{{(.*)}})? ", text, re.M)[1] or ""
        found.add((name, kind, " ".join(sorted(re.findall(r'(\w+)="', labels)))))
    return found


def scrape(binary, *flags):
    """What a process that has just started says of itself."""
    server = subprocess.Popen([binary, "--ops-listen-addr", "127.0.0.1:0", *flags], stdout=subprocess.PIPE, text=True)
    # A server that never says where it listens is not waited for for ever.
    watchdog = threading.Timer(60, server.kill)
    watchdog.start()
    try:
        found = filter(None, (re.search(r" listening ops=(\S+) ", line) for line in server.stdout))
        with urllib.request.urlopen(f"http://{next(found)[1]}/metrics", timeout=60) as answer:
            return answer.read().decode()
    finally:
        watchdog.cancel()
        server.kill()
        server.wait()


def metrics_of_a_process(binary):
    with tempfile.TemporaryDirectory() as directory:
        key, cert = f"{directory}/key", f"{directory}/cert"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", cert, "-subj", "/CN=localhost"], check=True, capture_output=True)
        return metrics_of(scrape(binary, "--listen-addr", "127.0.0.1:0", "--grpc-listen-addr", "127.0.0.1:0",
                                 "--tls-cert", cert, "--tls-key", key,
                                 # A fleet whose NATS is away: its metrics are there.
                                 "--mesh", "nats://127.0.0.1:1", "--fleet", "docs"))


def documented_events(text):
    """(event, levels, fields) of each."""
    return {(name, " ".join(sorted(re.findall(r"\w+", levels))), " ".join(sorted(coded(fields))))
            for event, levels, fields, *_ in table_rows(text, "Log events") for name in coded(event)}


def events_in(root):
    """The same of all sources: of every statement log::LEVEL(log::MODULE(), "event", {{"field", …}})."""
    levels, fields = {}, {}
    for path in sorted(path for folder in ("base", "edge", "core", "server") for path in (root / folder).glob("*.[ch]*")):
        text = path.read_text()
        for statement in re.findall(r"\blog::(?:Log|Debug|Info|Warn|Error)\(\s*log::.*?\);\n", text, re.S):
            level, name = re.match(r"log::(\w+)\(\s*log::\w+\(\), (?:level, )?([\w\"]+)", statement).groups()
            # Which of several it is, is chosen by a function of the same file.
            names = [name.strip('"')] if '"' in name else re.findall(r'return "(\w+)";', text)
            for event in names:
                of_event = re.findall(r"return LogLevel::k(\w+)", text) if level == "Log" else [level]
                levels.setdefault(event, set()).update(map(str.lower, of_event))
                fields.setdefault(event, set()).update(re.findall(r'\{"(\w+)",', statement))
    return {(event, " ".join(sorted(levels[event])), " ".join(sorted(fields[event]))) for event in levels}


def macro_names(text, macro):
    body = text.split(f"#define {macro}(X)", 1)[1].split("\n\n")[0]
    return set(re.findall(r'X\(k\w+,\s*"(\w+)"', body))


def missing_tests(root, text):
    """Tests that SECURITY.md names as `path` or `path::test`, and that do not exist."""
    claimed = re.findall(r"`((?:unit|integration|hostile|deploy|fuzz)/[^` ]+)`", text)
    if len(claimed) < 20:
        yield f"SECURITY.md names only {len(claimed)} tests: has its form changed?"
    for name in claimed:
        path, _, test = name.partition("::")
        path = root / "tests" / path
        source = path.read_text() if path.exists() else ""
        there = re.search(rf"def {test}\(|TEST(?:_F|_P)?\(\w+,\s*{test}\)", source) if test else source
        if not there:
            yield f"SECURITY.md names a test that does not exist: {name}"


def undocumented_libraries(binaries, text):
    """Libraries of others that a program is linked with. tests/deploy/test_hardening.py compares the whole table with the release."""
    table = text.split("## Linked libraries\n", 1)[1].split("\n## ")[0]
    documented = set(re.findall(r"^\| `(lib[^`]+)`", table, re.M))
    for name in ("cairn-signal", "cairn-admin"):
        dynamic = subprocess.run(["readelf", "-d", binaries / name], check=True, capture_output=True, text=True).stdout
        needed = re.findall(r"\(NEEDED\).*\[(lib[^\]]+)\]", dynamic)
        if len(needed) < 5:
            yield f"read only {len(needed)} libraries of {name}: has the form of readelf changed?"
        for library in sorted({re.sub(r"^libabsl_\w+", "libabsl_*", library) for library in needed} - documented):
            # Those of the C and C++ run-time come with every program.
            if not re.match(r"lib(c|m|dl|rt|pthread|resolv|atomic|gcc_s|stdc\+\+)\.", library):
                yield f"{name} is linked with {library}, which SECURITY.md (Linked libraries) does not have"


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.M)}


def broken_links(root):
    """Links of the documents to files and headings that do not exist."""
    pages = [*root.glob("*.md"), *(page for folder in ("docs", "clients", "deploy", "examples") for page in (root / folder).rglob("*.md"))]
    for page in sorted(page for page in pages if "node_modules" not in page.parts):
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            path, _, anchor = target.partition("#")
            if re.match(r"\w+:", target):
                continue
            linked = (page.parent / path).resolve() if path else page
            if not linked.exists():
                yield f"{page.relative_to(root)} links to {path}, which does not exist"
            elif anchor and anchor not in anchors(linked.read_text()):
                yield f"{page.relative_to(root)} links to a heading that does not exist: {target}"


def broken_tables(root):
    """Tables that do not begin with a heading and its rule, and rows in several lines: a browser shows their text as it is."""
    problems = []
    for document in [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("clients/*/*.md")]:
        text = re.sub(r"^```.*?^```", lambda block: "\n" * block[0].count("\n"), document.read_text(), flags=re.M | re.S)
        for table in re.finditer(r"(?:^\|.*\n)+(.*)", text, re.M):
            line = text.count("\n", 0, table.start()) + 1
            rows = table[0].splitlines()
            if len(rows) < 2 or not re.fullmatch(r"[|: -]+", rows[1]) or table[1].strip():
                problems.append(f"{document.relative_to(root)}:{line}: the table is broken")
    return problems


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
    metrics, events = metrics_of_a_process(binaries / "cairn-signal"), events_in(root)
    if min(map(len, (flags, in_code, metrics, events))) < 10:
        print(f"read only {len(flags)} flags, {len(in_code)} reasons, {len(metrics)} metrics, {len(events)} events: "
              "has their form changed?")
        return 1
    problems = [
        *compare("flag", flags, table_column(operations, "Options")),
        *compare("variable", variables, table_column(operations, "Options", 1)),
        *compare("metric", metrics, documented_metrics(operations)),
        *compare("event", events, documented_events(operations)),
        *compare("reason", in_code, reasons),
        *compare("record reason", macro_names(core, "CAIRN_CORE_RECORD_END_REASONS"), records),
        *compare("refusal", macro_names((root / "core/lane_refusal.h").read_text(), "CAIRN_CORE_LANE_REFUSALS"),
                 table_column(operations, "What a core refuses its edges")),
        *compare("connection refusal", macro_names((root / "core/connection_refusal.h").read_text(), "CAIRN_CORE_CONNECTION_REFUSALS"),
                 table_column(operations, "What a core refuses at its gRPC port")),
        *missing_tests(root, (root / "SECURITY.md").read_text()),
        *undocumented_libraries(binaries, (root / "SECURITY.md").read_text()),
        *broken_links(root),
        *broken_tables(root),
    ]
    print("\n".join(problems) or f"{len(flags)} flags, {len(in_code)} reasons, {len(metrics)} metrics and "
          f"{len(events)} log events are documented")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
