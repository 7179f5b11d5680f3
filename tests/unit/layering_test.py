"""A folder may include only what stands below it: layering_test.py SOURCE_DIR. Exit 1 names each line that does not."""
import pathlib
import re
import sys

# folder -> first path components of quoted includes that it may use
ALLOWED = {
    "proto": {"proto", "signaling"},
    "base": {"base"},
    "edge": {"edge", "base", "proto", "signaling"},
    "core": {"core", "base", "proto", "signaling"},
    "server": {"server", "edge", "core", "base", "proto", "signaling"},
    "admin-cli": {"admin-cli", "base", "proto", "signaling"},
}
# admin-cli's rooms -> the rooms that each may include. exit_code.h is for all; only rpc includes gRPC.
ROOMS = {
    "printing": {"printing"},
    "probe": {"probe", "printing"},
    "rpc": {"rpc"},
    "command_line": {"command_line", "printing", "rpc"},
    "commands": {"commands", "command_line", "printing", "probe", "rpc"},
}
# Slow to compile, so only in .cc files.
HEAVY = re.compile(r'#include\s+(<boost/beast/|<grpcpp/|".*\.grpc\.pb\.h")')
# A stream for Beast's, for beast_network.cc alone.
HEAVY_HEADERS = {"admin-cli/probe/probe_stream.h"}
# An edge speaks gRPC by itself.
NO_GRPC = {"edge"}
GRPC = re.compile(r'#include\s+(<grpc|".*\.grpc\.pb\.h")')
# A label of a header block that does not begin its line: a formatter joined two.
JOINED_LABEL = re.compile(r"^// .*\S +(Owner|Thread|Bounds|Errors|Source|Form|Units): ")
# What only adapters include; addresses of <sys/socket.h> and <netinet/in.h> are data.
ADAPTERS_ONLY = re.compile(r"#include\s+<(boost/(asio|beast)/|openssl/|grpc|sys/epoll|poll\.h|netdb)")
INCLUDE = re.compile(r'^\s*#include\s+"([^"]+)"')


def offences(root):
    for folder, allowed in ALLOWED.items():
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in {".h", ".cc"}:
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                include = INCLUDE.match(line)
                if include and include.group(1).split("/")[0] not in allowed:
                    yield f"{path.relative_to(root)}:{number}: {folder} must not include {include.group(1)}"
                if folder in NO_GRPC and GRPC.match(line):
                    yield f"{path.relative_to(root)}:{number}: {folder} must not include gRPC: {line.strip()}"
                heavy = path.suffix == ".h" and HEAVY.match(line)
                if heavy and str(path.relative_to(root)) not in HEAVY_HEADERS:
                    yield f"{path.relative_to(root)}:{number}: heavy include in a header: {line.strip()}"


def room_offences(root):
    for room, allowed in ROOMS.items():
        for path in sorted((root / "admin-cli" / room).glob("*")):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                where = f"{path.relative_to(root)}:{number}"
                include = re.match(r'\s*#include\s+"admin-cli/(\w+)/', line)
                if include and include.group(1) not in allowed:
                    yield f"{where}: {room} must not include {include.group(1)}"
                if room != "rpc" and GRPC.match(line):
                    yield f"{where}: only rpc may include gRPC"


def sources_of(root, library):
    """The names, without .cc, of what a cairn_library() in edge or core is made of."""
    text = (root / library.split("_")[0] / "CMakeLists.txt").read_text()
    return set(re.findall(r"(\w+)\.cc", re.search(rf"cairn_library\({library}\n([^)]*)\)", text)[1]))


def includes_of(root, path, seen):
    if path in seen or not (root / path).exists():
        return
    seen.add(path)
    for include in re.findall(r'^\s*#include\s+"([^"]+)"', (root / path).read_text(), re.M):
        includes_of(root, include, seen)


def impure(root):
    for folder in ("edge", "core"):
        for source in sorted(sources_of(root, f"{folder}_pure")):
            reached = set()
            includes_of(root, f"{folder}/{source}.cc", reached)
            for path in sorted(p for p in reached if p.startswith(folder)):
                for number, line in enumerate((root / path).read_text().splitlines(), 1):
                    if ADAPTERS_ONLY.match(line):
                        yield f"{path}:{number}: {folder}_pure must not include {line.split()[1]}"


def stale_table(root):
    """The adapters that docs/ARCHITECTURE.md names are those that CMake knows."""
    page = (root / "docs/ARCHITECTURE.md").read_text()
    for library in ("edge", "core"):
        row = re.search(rf"^\| `cairn::{library}` \| ([^|]*)\|", page, re.M)[1]
        named = {name for names in re.findall(r"`([^`]*)`", row) for name in names.split()}
        for name in sorted(named ^ sources_of(root, library)):
            yield f"docs/ARCHITECTURE.md: the row of cairn::{library} and {library}/CMakeLists.txt differ in {name}"


def joined_labels(root):
    for folder in [*ALLOWED, "tests"]:
        for path in sorted((root / folder).rglob("*.h")):
            for number, line in enumerate(path.read_text().split("#ifndef")[0].splitlines(), 1):
                if JOINED_LABEL.match(line):
                    yield f"{path.relative_to(root)}:{number}: a label of the header block must begin a line"


def main():
    root = pathlib.Path(sys.argv[1])
    seen = sum(1 for folder in ALLOWED for _ in (root / folder).rglob("*.cc"))
    if seen < 10:
        print(f"only {seen} sources below {root}: is that the project?")
        return 1
    found = [*offences(root), *room_offences(root), *impure(root), *stale_table(root), *joined_labels(root)]
    print("\n".join(found) or f"{seen} sources keep to the layers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
