"""How a server bears many clients, and whether it grows: 8 clients × 20 requests, then 200 generations.

python benchmarks/many_clients.py                    a server with the engine's twin
python benchmarks/many_clients.py --home ~/voices --voice narrator
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from statistics import median

import httpx

CLIENTS, REQUESTS, GENERATIONS = 8, 20, 200
OFF = {"check": {"check": "off"}}


@contextmanager
def server(home: Path) -> Iterator[tuple[str, int]]:
    """Its address and its process."""
    command = [sys.executable, "-m", "voicewright", "--home", str(home), "serve", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        line = process.stderr.readline()
        yield line.split(" is at ")[1].split()[0], process.pid
    finally:
        process.terminate()
        process.wait(30)


def memory_mb(pid: int) -> float:
    """What the process holds in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def twin(home: Path) -> str:
    """A voice of the engine's twin in a new home."""
    from voicewright.engines.options import EnrollOptions
    from voicewright.samples import samples
    from voicewright.studio import Studio

    studio = Studio(home, engine="kokoro-tiny", offline=True)
    studio.clone("twin", [each.path for each in samples()[:2]], options=EnrollOptions(preset="quick"))
    return "twin"


def speak(client: httpx.Client, voice: str, text: str) -> tuple[float, float, str]:
    """Seconds to the first sound, to the end, and what was heard (its hash)."""
    wish = {"model": "tts-1", "voice": voice, "input": text, "response_format": "pcm", "settings": OFF}
    began_s, first_s, heard = time.perf_counter(), 0.0, sha256()
    with client.stream("POST", "/v1/audio/speech", json=wish) as answer:
        answer.raise_for_status()
        for part in answer.iter_bytes():
            first_s = first_s or time.perf_counter() - began_s
            heard.update(part)
    return first_s, time.perf_counter() - began_s, heard.hexdigest()


def load(address: str, voice: str) -> dict[str, object]:
    """Eight clients at once, each with a text of its own; every answer of a client must be the same sound."""

    def one(number: int) -> list[tuple[float, float, str]]:
        with httpx.Client(base_url=address, timeout=300) as client:
            return [speak(client, voice, f"Client number {number} asks for this.") for _ in range(REQUESTS)]

    began_s = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        rows = list(clients.map(one, range(CLIENTS)))
    took_s = time.perf_counter() - began_s
    waits = [sum(last for _, last, _ in row) for row in rows]
    every = sorted(last for row in rows for _, last, _ in row)
    return {
        "requests": len(every),
        "mixed": sum(len({heard for _, _, heard in row}) != 1 for row in rows),
        "different_texts": len({row[0][2] for row in rows}),
        "per_second": round(len(every) / took_s, 2),
        "first_sound_s": round(median(first for row in rows for first, _, _ in row), 3),
        "whole_s": {"median": round(median(every), 3), "worst": round(every[-1], 3)},
        "slowest_client_over_fastest": round(max(waits) / min(waits), 3),
    }


def soak(address: str, voice: str, pid: int) -> dict[str, object]:
    """Generations one after the other, and the memory after each quarter."""
    held = []
    with httpx.Client(base_url=address, timeout=300) as client:
        for number in range(GENERATIONS):
            speak(client, voice, f"Generation number {number}. It is spoken and thrown away.")
            if number % (GENERATIONS // 8) == GENERATIONS // 8 - 1:
                held.append(round(memory_mb(pid), 1))
    return {"generations": GENERATIONS, "memory_mb": held, "grown_since_a_quarter_mb": round(held[-1] - held[1], 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--voice", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        home = given.home or Path(place)
        voice = given.voice or twin(home)
        with server(home) as (address, pid):
            with httpx.Client(base_url=address, timeout=300, transport=httpx.HTTPTransport(retries=5)) as client:
                time.sleep(2)
                speak(client, voice, "Warm up.")
            print(json.dumps({"load": load(address, voice), "soak": soak(address, voice, pid)}, indent=2))


if __name__ == "__main__":
    main()
