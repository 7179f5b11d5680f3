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
# Class templates over gRPC's reactors, for core/admin_service.cc alone.
HEAVY_HEADERS = {"core/feed_reactor.h", "core/list_reactor.h"}
# An edge speaks gRPC by itself.
NO_GRPC = {"edge"}
GRPC = re.compile(r'#include\s+(<grpc|".*\.grpc\.pb\.h")')
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


def main():
    root = pathlib.Path(sys.argv[1])
    seen = sum(1 for folder in ALLOWED for _ in (root / folder).rglob("*.cc"))
    if seen < 10:
        print(f"only {seen} sources below {root}: is that the project?")
        return 1
    found = [*offences(root), *room_offences(root)]
    print("\n".join(found) or f"{seen} sources keep to the layers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
