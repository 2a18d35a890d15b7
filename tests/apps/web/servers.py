"""Servers in processes of their own, as users have them."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

TONEHOUSE = Path(__file__).with_name("tonehouse.py")


class Server:
    """`voicewright serve`, or a program that ends with it; killed and started again at the same address."""

    def __init__(self, command: Sequence[str | Path], home: Path) -> None:
        self.home, self.address = home, ""
        self._command, self._log = [sys.executable, *map(str, command)], home / "log.txt"

    def start(self) -> None:
        port = self.address.rpartition(":")[2] or "0"
        with self._log.open("w") as out:
            self._process = subprocess.Popen(
                [*self._command, "--port", port],
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | {"HF_HUB_OFFLINE": "1"},
            )
        for _ in range(600):
            said = re.search(r"http://[\d.]+:\d+", self._log.read_text())
            if said:
                self.address = said[0]
                return
            assert self._process.poll() is None, self._log.read_text()
            time.sleep(0.1)
        raise AssertionError(f"the server did not start: {self._log.read_text()}")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(20)

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@contextmanager
def running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.end()


def tones(home: Path, *flags: str) -> Server:
    """The studio that speaks in tones; see `tonehouse`."""
    return Server([TONEHOUSE, home, *flags], home)
