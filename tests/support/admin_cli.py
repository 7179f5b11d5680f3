"""cairn-admin as a person or a script runs it, with an environment that has only what the test sets."""
import codecs
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
import unicodedata

from support import process
from support.waiting import PATIENCE, eventually

COLUMNS, ROWS = 80, 24


def binary():
    return process.binary().parent / "cairn-admin"


def clean_environment(extra=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith("CAIRN_") and k != "NO_COLOR"}
    # So that no configuration file of the user who runs the test is read.
    return {**env, "HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent", "TERM": "xterm", "LC_ALL": "C.UTF-8",
            **(extra or {})}


class Outcome:
    """Exit code and output of a finished cairn-admin."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr
        assert not process.SANITIZER_OUTPUT.search(self.err), self.err

    def json_lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def step(self, name):
        """(state, text) of a step of a probe, or None."""
        match = re.search(rf"^  {name} +(ok|warning|failed) +\S+  (.*)$", self.out, re.M)
        return match and (match[1], match[2])

    def __repr__(self):
        return f"exit code {self.code}\n{self.out}{self.err}"


def run(*arguments, env=None, stdin=subprocess.DEVNULL):
    return Outcome(subprocess.run([binary(), *map(str, arguments)], env=clean_environment(env), stdin=stdin, text=True,
                                  capture_output=True, timeout=PATIENCE, check=False))


def start(*arguments, env=None):
    """Starts a command that runs until it is interrupted."""
    return subprocess.Popen([binary(), *map(str, arguments)], env=clean_environment(env), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class LiveCommand:
    """A command that shows records, as lines of JSON, until it is interrupted."""

    def __init__(self, *arguments, env=None):
        self._popen = start(*arguments, "-o", "json", env=env)
        self.records = []  # so far
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._popen.stdout:
            self.records.append(json.loads(line))

    def send_signal(self, number):
        self._popen.send_signal(number)

    def has_ended(self):
        return self._popen.poll() is not None

    def await_record(self, condition, cause=lambda: None):
        """Until it has shown such a record. `cause` is called again and again: nothing says when a feed has begun."""
        def shown():
            assert not self.has_ended(), self._popen.stderr.read()
            if any(map(condition, self.records)):
                return True
            cause()
            return False

        eventually(shown, f"such a record, besides {self.records[-20:]}", every=0.05)

    def interrupt(self):
        """All records, after Ctrl-C ended it with exit code 0."""
        self.send_signal(signal.SIGINT)
        code = self._popen.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert code == 0, self._popen.stderr.read()
        return self.records


_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def cells(line):
    """The columns that a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


class Terminal:
    """cairn-admin on a terminal of 80 by 24."""

    def __init__(self, *arguments, env=None):
        self._master, slave = pty.openpty()
        self._slave = slave
        self._set_size(COLUMNS, ROWS)
        self.modes_before = termios.tcgetattr(slave)
        self.output = ""
        # A read may end within a character.
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        # In its own session, so that Ctrl-C of this terminal reaches it.
        self.popen = subprocess.Popen([binary(), *map(str, arguments)], env=clean_environment(env), stdin=slave,
                                      stdout=slave, stderr=slave, start_new_session=True,
                                      preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def wait_for(self, pattern):
        deadline = time.monotonic() + PATIENCE
        while not (match := re.search(pattern, self.output)):
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.output!r}"
            self._read(0.1)
        return match

    def read(self):
        """Reads the output that is available."""
        self._read(0)

    def _read(self, within):
        if select.select([self._master], [], [], within)[0]:
            self.output += self._decoder.decode(os.read(self._master, 65536))

    def pictures(self):
        """What has been drawn on the whole screen: the lines of each picture, the last of which may not be whole."""
        drawn = self.output.split("\x1b[H")[1:]
        return [[_ESCAPE.sub("", line) for line in picture.replace("\r", "").split("\n")] for picture in drawn]

    def wait_for_picture(self, condition):
        """The first complete picture drawn after this call for which the condition holds."""
        deadline, first = time.monotonic() + PATIENCE, len(self.pictures())
        while not (found := [picture for picture in self.pictures()[first:-1] if condition(picture)]):
            assert time.monotonic() < deadline, self.pictures()[-2:]
            self._read(0.1)
        return found[0]

    def _set_size(self, columns, rows):
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self._set_size(columns, rows)
        self.popen.send_signal(signal.SIGWINCH)

    def type(self, keys):
        os.write(self._master, keys.encode())

    def wait(self):
        """Its exit code; what it wrote until then is read."""
        deadline = time.monotonic() + PATIENCE
        while self.popen.poll() is None:
            assert time.monotonic() < deadline, f"still runs: {self.output!r}"
            self._read(0.05)
        self._read(0)
        return self.popen.returncode

    def modes(self):
        return termios.tcgetattr(self._slave)

    def close(self):
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()
        os.close(self._master)
        os.close(self._slave)
