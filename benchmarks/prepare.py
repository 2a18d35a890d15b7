"""How fast recordings become a dataset, and with how much memory.

    python benchmarks/prepare.py RECORDINGS --minutes 10 --minutes 60 --words -o benchmarks/prepare.json

One recording of the wanted length is made of the clips in RECORDINGS, over and over, with pauses, and prepared by one
process. The factor is seconds of sound by seconds of processor time, so other work on the machine does not count.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from voicewright.audio.clip import Clip
from voicewright.audio.files import SoundWriter, read_clip
from voicewright.data.sources import find_recordings
from voicewright.home import Home
from voicewright.studio import Studio

RATE = 24_000


def main(
    recordings: Path,
    minutes: Annotated[list[float], typer.Option(help="Lengths to try.")],
    words: Annotated[bool, typer.Option(help="Hear the words too, with the smallest recogniser.")] = False,
    every_s: Annotated[float, typer.Option(help="One clip for so many seconds is marked for naturalness.")] = 60.0,
    out: Annotated[Path | None, typer.Option("-o", help="Add the rows to this file.")] = None,
) -> None:
    rows = [measured(recordings, length, words=words, every_s=every_s) for length in minutes]
    for row in rows:
        print(json.dumps(row))
    if out:
        held = json.loads(out.read_text("utf-8")) if out.is_file() else []
        out.write_text(json.dumps([*held, *rows], indent=1) + "\n", "utf-8")


def measured(recordings: Path, minutes: float, *, words: bool, every_s: float) -> dict[str, object]:
    """One length, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "long.wav"
        seconds = write_long(recordings, sound, minutes * 60)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall = datetime.now(UTC)
        command = [sys.executable, __file__, "--one", str(sound), f"{folder}/made", str(every_s), str(int(words))]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        told = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took_s = (datetime.now(UTC) - wall).total_seconds()
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} cores, {platform.platform()}",
            "minutes": round(seconds / 60, 1),
            "words": words,
            "naturalness_every_s": every_s,
            "cpu_s": round(cpu_s, 1),
            "wall_s": round(took_s, 1),
            "times_real_time_per_core": round(seconds / cpu_s, 1),
            **json.loads(told.stdout.splitlines()[-1]),
        }


def write_long(recordings: Path, out: Path, wanted_s: float) -> float:
    """A recording of about `wanted_s`: the clips in turn, 0.3 to 1.5 s apart, over a faint noise. Its length (s)."""
    rng = np.random.default_rng(0)
    files = [path for path, _ in find_recordings([recordings])[0]]
    with SoundWriter(out, RATE) as writer:
        while writer.samples < wanted_s * RATE:
            for path in files:
                clip = read_clip(path, rate=RATE).samples
                pause = np.zeros(round(rng.uniform(0.3, 1.5) * RATE), np.float32)
                sound = np.concatenate([clip, pause])
                noise = 0.0005 * rng.standard_normal(len(sound)).astype(np.float32)
                writer.write(Clip(sound + noise, RATE))
                if writer.samples >= wanted_s * RATE:
                    break
        return writer.samples / RATE


def one(sound: str, made: str, every_s: str, words: str) -> None:
    """Prepare, and say how many clips there are and how much memory was held at most."""
    from dataclasses import replace

    from voicewright.data.options import PrepareOptions

    options = PrepareOptions(naturalness_every_s=float(every_s), rate=RATE)
    if not int(words):
        options = replace(options, task="convert")
    outcome = Studio(Home.find()).datasets.prepare([sound], made, options=options, workers=1)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    clips = outcome.summary.kept.utterances + outcome.summary.dropped.utterances
    print(json.dumps({"clips": clips, "peak_mb": round(peak_mb)}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:])
    else:
        typer.run(main)
