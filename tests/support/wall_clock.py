"""WallClock: sets the wall clock of servers, not their steady clock, by a preloaded library."""
import pathlib
import shutil
import struct
import subprocess

from support.process import sanitizer

HOUR = 3600


def why_not():
    """The reason why this machine cannot run such a test, or None."""
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
        """Sets the wall clock off by that many seconds."""
        with open(self._offset, "r+b") as file:
            file.write(struct.pack("=q", int(seconds * 1_000_000_000)))
