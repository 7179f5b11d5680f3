"""The manual page of cairn-signal has every option and variable of --help: manual_test.py SOURCE_DIR BINARY_DIR."""
import pathlib
import re
import subprocess
import sys


def in_help(binary):
    """{option: variable}; the variable is empty where there is none."""
    text = subprocess.run([binary, "--help"], check=True, capture_output=True, text=True).stdout
    return {option: variable or ""
            for option, variable in re.findall(r"^  (?:-\w,)?(--[a-z-]+)[^\n(]*(?:\(Env:(\w+)\))?", text, re.M)}


def in_manual(page):
    found = {}
    for line in re.findall(r"^\.It (Fl .*)$", page, re.M):
        option = re.search(r"(?:Fl |, )-([a-z-]+)", line)[1]
        variable = re.search(r"Pq Ev (\w+)", line)
        found["--" + option] = variable[1] if variable else ""
    return found


def main():
    root, binaries = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    code = in_help(binaries / "cairn-signal")
    manual = in_manual((root / "docs/cairn-signal.1").read_text())
    if len(code) < 10:
        print(f"read only {len(code)} options from --help: has its form changed?")
        return 1
    problems = [f"{name}: {code.get(name, 'nothing')!r} in --help, {manual.get(name, 'nothing')!r} in the manual"
                for name in sorted(code.keys() | manual.keys()) if code.get(name) != manual.get(name)]
    print("\n".join(problems) or f"{len(code)} options are in the manual")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
