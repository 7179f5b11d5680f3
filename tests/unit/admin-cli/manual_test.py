"""The manual page of cairn-admin has every command and option of --help: manual_test.py SOURCE_DIR BINARY_DIR."""
import os
import pathlib
import re
import subprocess
import sys

EVERYWHERE = "Options of every command"


def help_of(binary, path):
    env = {key: value for key, value in os.environ.items() if not key.startswith("CAIRN_ADMIN_")}
    return subprocess.run([binary, *path, "--help"], check=True, capture_output=True, text=True, env=env).stdout


def section(text, heading):
    match = re.search(rf"^{heading}:\n((?:  .*\n)+)", text, re.M)
    return match[1] if match else ""


def commands_in_help(binary, path=()):
    """{"peers list": {"--edge", ...}}, without commands that only lead to others; options of all under EVERYWHERE."""
    text = help_of(binary, path)
    options = set(re.findall(r"(?<!\S)(--?[a-z][a-z-]*|-V)", "\n".join(
        re.match(r"  (\S.*?)(?:  |$)", line)[1] for line in section(text, "Options").splitlines() if line[2] != " ")))
    names = re.findall(r"^  (\S+)", section(text, "Commands"), re.M)
    found = {} if path and names else {" ".join(path) or EVERYWHERE: options - ({"-h", "--help"} if path else set())}
    for name in names:
        found.update(commands_in_help(binary, (*path, name)))
    return found


def options_of_line(line):
    names = set()
    # ".It Fl o , -output Ar form": what follows Fl, up to an argument, are options with a dash left out.
    for words in re.findall(r"\bFl ((?:-?[A-Za-z][a-z-]*(?: [,|] )?)+)", line):
        names.update("-" + word for word in re.split(r" ?[,|] ", words) if word)
    return names


def commands_in_manual(page):
    found = {}
    body = re.search(r"^\.Sh DESCRIPTION\n(.*?)^\.Sh ENVIRONMENT", page, re.M | re.S)[1]
    for part in re.split(r"^\.Ss ", body, flags=re.M)[1:]:
        heading, *lines = part.splitlines()
        name = EVERYWHERE if heading == EVERYWHERE else re.match(r"[a-z-]+(?: (?:list|show|kick|drain)\b)?", heading)[0]
        found[name] = set().union(*(options_of_line(line) for line in [heading, *lines]
                                    if line == heading or line.startswith(".It Fl")))
    return found


def differences(code, manual):
    for name in sorted(code.keys() | manual.keys()):
        if name not in manual or name not in code:
            yield f"'{name}' is in {'--help' if name in code else 'the manual'} only"
            continue
        for option in sorted(code[name] ^ manual[name]):
            yield f"'{name}': {option} is in {'--help' if option in code[name] else 'the manual'} only"


def main():
    root, binaries = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    code = commands_in_help(binaries / "cairn-admin")
    manual = commands_in_manual((root / "docs/cairn-admin.1").read_text())
    count = sum(map(len, code.values()))
    if len(code) < 10 or count < 40:
        print(f"read only {len(code)} commands and {count} options from --help: has its form changed?")
        return 1
    problems = list(differences(code, manual))
    print("\n".join(problems) or f"{len(code)} commands and {count} options are in the manual")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
