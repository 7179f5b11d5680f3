"""WallClock: a clock of the servers' that a test sets, while the steady one goes on. Made of a library that is preloaded."""
import pathlib
import shutil
import struct
import subprocess

from support.process import sanitizer

HOUR = 3600


def why_not():
    """Why a test cannot have one, or None."""
    if not shutil.which("cc"):
        return "needs a C compiler"
    return "a sanitizer must be the first library" if sanitizer() else None


class WallClock:
    def __init__(self, directory):
        source = pathlib.Path(__file__).with_name("wall_clock.c")
        library, self._offset = directory / "wall_clock.so", directory / "clock_offset"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        self._offset.write_bytes(bytes(8))
        self.env = {"LD_PRELOAD": str(library), "CAIRN_TEST_CLOCK": str(self._offset)}

    def set(self, seconds):
        """Off by so many."""
        with open(self._offset, "r+b") as file:
            file.write(struct.pack("=q", int(seconds * 1_000_000_000)))
