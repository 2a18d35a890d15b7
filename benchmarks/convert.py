"""How like the voice a converted recording is, how many words are wrong, how true the pitch, how long it takes.

    python benchmarks/convert.py SOURCES VOICES TARGETS --json benchmarks/conversion_kokoro.json

SOURCES is a folder of recordings, or of folders of them (by speaker; the first of each is taken), with the words in a
`transcripts.tsv` (file name, tab, text) where they are known; elsewhere the larger recogniser says them. VOICES is a
folder of NAME.voice files, TARGETS one with a folder of recordings for each of them. Recordings of the voice itself are
left out. The recogniser that guides the conversion also counts the words; the larger one, which has no part in it,
counts them, too. Each recording is converted into one voice, in turn, or with --all-pairs into every one. Likeness is
compared with the recordings of the target, and of the source itself.
"""

import argparse
import json
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from voicewright import Studio
from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip
from voicewright.audio.pitch import Pitch
from voicewright.conversion.conversion import Conversion
from voicewright.engines.registry import convert_options
from voicewright.measure.intelligibility import word_errors
from voicewright.measure.similarity import centre, similarity
from voicewright.measure.speed import peak_memory_bytes

SOUNDS = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a"}
ENCODERS = ("ge2e", "campplus", "dvector")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One recording in one voice: words, cosines to the target's and the source's recordings, and the rest."""

    source: str
    voice: str
    words: int
    wrong_source: int
    wrong: int
    wrong_to_larger: int
    ge2e: float
    ge2e_source: float
    campplus: float
    campplus_source: float
    dvector: float
    dvector_source: float
    f0_correlation: float
    dnsmos_source: float
    dnsmos: float
    seconds: float
    rtf: float


def sources(folder: Path, studio: Studio) -> Iterator[tuple[str, Clip, str]]:
    """Speaker or file, recording, words."""
    tables = folder.rglob("transcripts.tsv")
    texts = dict(line.split("\t")[:2] for table in tables for line in table.read_text("utf-8").splitlines() if line)
    better = studio.meters.recogniser("en-us", better=True)
    assert better
    for place in sorted(folder.iterdir()):
        files = sorted(p for p in place.glob("*") if p.suffix.lower() in SOUNDS) if place.is_dir() else [place]
        told = [path for path in files if path.name in texts]
        for path in told or files[:1]:
            if path.suffix.lower() in SOUNDS:
                clip = read_clip(path)
                yield place.name, clip, texts.get(path.name) or better.transcribe(clip, beam=5).text


def correlation(asked: Pitch, found: Pitch) -> float:
    """Of log F0 where both have a voice, 100 times a second."""
    a, b = asked.resampled(100).f0_hz, found.resampled(100).f0_hz
    count = min(len(a), len(b))
    both = (a[:count] > 0) & (b[:count] > 0)
    return float(np.corrcoef(np.log(a[:count][both]), np.log(b[:count][both]))[0, 1]) if both.sum() > 2 else 0.0


def bench(studio: Studio, name: str, clip: Clip, text: str, voice: str, conversion: Conversion, target: dict) -> Row:
    """Convert one recording, and measure."""
    made, about = conversion.convert_clip(clip)
    recogniser, meter = studio.meters.recogniser("en-us"), studio.meters.naturalness()
    larger = studio.meters.recogniser("en-us", better=True)
    assert recogniser
    assert larger
    assert meter
    errors = [word_errors(text, recogniser.transcribe(each).text) for each in (clip, made)]
    likeness = {}
    for encoder_name in ENCODERS:
        encoder = studio.meters.encoder(encoder_name)
        heard = encoder.embed(made)
        likeness[encoder_name] = similarity(heard, target[encoder_name])
        likeness[f"{encoder_name}_source"] = similarity(heard, encoder.embed(clip))
    return Row(
        source=name,
        voice=voice,
        words=errors[0].words,
        wrong_source=errors[0].wrong,
        wrong=errors[1].wrong,
        wrong_to_larger=word_errors(text, larger.transcribe(made, beam=5).text).wrong,
        **likeness,
        f0_correlation=correlation(about.wished, studio.meters.pitch().track(made)),
        dnsmos_source=meter.score(clip, most_windows=1).overall,
        dnsmos=meter.score(made, most_windows=1).overall,
        seconds=clip.seconds,
        rtf=about.rtf,
    )


def summary(rows: list[Row]) -> dict[str, float]:
    """Word error rates over all words, the mean of everything else."""
    words = sum(row.words for row in rows)
    mean = {name: fmean(getattr(row, name) for row in rows) for name in Row.__dataclass_fields__ if name in FIGURES}
    wer = {name: 100 * sum(getattr(row, name) for row in rows) / words for name in WRONG}
    return {name.replace("wrong", "wer_percent"): value for name, value in wer.items()} | mean


WRONG = ("wrong_source", "wrong", "wrong_to_larger")
FIGURES = [name for name in Row.__dataclass_fields__ if name not in ("source", "voice", "words", *WRONG)]


def main() -> int:
    """Run the benchmark; one line for each conversion, then the mean; JSON on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path)
    parser.add_argument("voices", type=Path)
    parser.add_argument("targets", type=Path)
    parser.add_argument("--all-pairs", action="store_true", help="every recording into every voice")
    parser.add_argument("--json", type=Path, help="also write what was measured to this file")
    given = parser.parse_args()
    studio, rows = Studio(), []
    engine, tracker = studio.engine("kokoro"), studio.meters.pitch()
    ready, targets = {}, {}
    for path in sorted(given.voices.glob("*.voice")):
        converter = engine.converter(studio.voice(path), convert_options("kokoro")())  # type: ignore[attr-defined]
        ready[path.stem] = Conversion(converter, tracker)
        clips = [read_clip(p) for p in sorted((given.targets / path.stem).glob("*")) if p.suffix.lower() in SOUNDS]
        targets[path.stem] = {name: centre([studio.meters.encoder(name).embed(c) for c in clips]) for name in ENCODERS}
    columns = list(Row.__dataclass_fields__)
    print(*columns, sep="\t", flush=True)
    taken = [each for each in sources(given.sources, studio) if each[0] not in ready]
    for number, (name, clip, text) in enumerate(taken):
        for voice in ready if given.all_pairs else [list(ready)[number % len(ready)]]:
            rows.append(bench(studio, name, clip, text, voice, ready[voice], targets[voice]))
            cells = (getattr(rows[-1], column) for column in columns)
            print(*(f"{cell:.3f}" if isinstance(cell, float) else cell for cell in cells), sep="\t", flush=True)
    if not rows:
        sys.exit(f"{given.sources}: no recordings")
    mean = summary(rows)
    print("mean", *(f"{name} {value:.3f}" for name, value in mean.items()), sep="\t")
    if given.json:
        about = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{platform.processor() or platform.machine()}, {platform.system()}",
            "threads": torch.get_num_threads(),
            "command": f"python benchmarks/convert.py SOURCES VOICES TARGETS{' --all-pairs' * given.all_pairs}",
            "peak_memory_gib": peak_memory_bytes() / 2**30,
        }
        given.json.write_text(json.dumps(about | {"mean": mean, "rows": [asdict(r) for r in rows]}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
