"""`make bench`: how like their speakers voices are, how many words are wrong, how natural, how long it takes.

    python benchmarks/run.py SPEAKERS --preset standard --json benchmarks/standard.json

SPEAKERS is a folder with one folder of recordings for each speaker; by default the sample ones. The last recording of
each speaker is held back: the voice never hears it. Likeness is the mean over sentences that no fit uses, each compared
with the recordings that the voice was made from, and with the one held back. No fit and no check uses the d-vector.
"""

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import numpy as np

from voicewright import EnrollOptions, Studio
from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip
from voicewright.engines.kokoro.style import load_prior
from voicewright.measure.intelligibility import word_errors
from voicewright.measure.similarity import centre, similarity
from voicewright.measure.speed import peak_memory_bytes
from voicewright.samples import AUSTEN
from voicewright.speech.joins import trimmed
from voicewright.speech.options import CheckOptions, SpeechSettings
from voicewright.speech.speech import Speech
from voicewright.text.piece import Piece

SENTENCES = Path(__file__).with_name("sentences.txt").read_text("utf-8").splitlines()
SOUNDS = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a"}
ENCODERS = ("ge2e", "campplus", "dvector")
STOCK = 9
"""Public voices that are spoken for comparison, spread evenly over the 54."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came out for one speaker: mean cosines to the recordings used and to the one held back, and the rest."""

    speaker: str
    ge2e: float
    campplus: float
    dvector: float
    ge2e_held: float
    campplus_held: float
    dvector_held: float
    words_wrong_percent: float
    dnsmos: float
    dnsmos_recordings: float
    clone_s: float
    rtf_unchecked: float
    rtf_checked: float


def bench(studio: Studio, speaker: str, recordings: list[Path], preset: str, sentences: list[str]) -> Row:
    """Make a voice of all recordings but the last, speak every sentence checked, and measure."""
    used, held = [read_clip(path) for path in recordings[:-1]], read_clip(recordings[-1])
    start = time.perf_counter()
    studio.clone(speaker, recordings[:-1], options=EnrollOptions(preset=preset), replace=True)  # type: ignore[arg-type]
    clone_s = time.perf_counter() - start
    unchecked = SpeechSettings(check=CheckOptions(check="off"))
    off = studio.speak(" ".join(sentences[:6]), voice=speaker, settings=unchecked)
    checked = studio.speak("\n\n".join(sentences), voice=speaker)
    clips = [checked.clip.between(part.start_s, part.end_s) for part in checked.parts if part.piece.spoken]
    encoders = {name: studio.meters.encoder(name) for name in ENCODERS}
    spoken = {name: [encoder.embed(clip) for clip in clips] for name, encoder in encoders.items()}
    targets = {name: centre([encoder.embed(clip) for clip in used]) for name, encoder in encoders.items()}
    likeness = {name: fmean(similarity(e, targets[name]) for e in spoken[name]) for name in ENCODERS}
    kept = {name: encoder.embed(held) for name, encoder in encoders.items()}
    likeness |= {f"{name}_held": fmean(similarity(e, kept[name]) for e in spoken[name]) for name in ENCODERS}
    return Row(
        speaker=speaker,
        **likeness,
        words_wrong_percent=100 * words_wrong(studio, checked),
        dnsmos=dnsmos(studio, clips),
        dnsmos_recordings=dnsmos(studio, used),
        clone_s=clone_s,
        rtf_unchecked=off.scores.rtf,
        rtf_checked=checked.scores.rtf,
    )


def words_wrong(studio: Studio, speech: Speech) -> float:
    """Share of words that tiny.en hears wrong, each piece on its own."""
    recogniser = studio.meters.recogniser("en-us")
    assert recogniser
    wrong = words = 0
    for part in speech.parts:
        clip = speech.clip.between(part.start_s, part.end_s)
        errors = word_errors(part.piece.spoken, recogniser.transcribe(clip).text)
        wrong, words = wrong + errors.wrong, words + errors.words
    return wrong / words


def dnsmos(studio: Studio, clips: list[Clip]) -> float:
    """Mean overall mark."""
    meter = studio.meters.naturalness()
    assert meter
    return fmean(meter.score(clip, most_windows=1).overall for clip in clips)


def stock_dnsmos(studio: Studio, sentences: list[str]) -> float:
    """Mean overall mark of public voices of the engine, for comparison."""
    engine = studio.engine("kokoro")
    prior = load_prior(studio.store.file("kokoro-prior"))
    own = engine.own_voice()  # type: ignore[attr-defined]
    clips = []
    for row in prior.voices[:: len(prior.voices) // STOCK].numpy():
        timbre = np.broadcast_to(row[: prior.width], own.tensors["timbre"].shape).copy()
        voice = replace(own, tensors={**own.tensors, "timbre": timbre, "prosody": row[prior.width :].copy()})
        pieces = [Piece(text=sentence, spoken=sentence) for sentence in sentences]
        clips += [trimmed(clip) for clip in engine.stream(pieces, voice, SpeechSettings().speak)]
    return dnsmos(studio, clips)


def main() -> int:
    """Run the benchmark; one line for each speaker, then the mean; JSON on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speakers", type=Path, nargs="?", default=AUSTEN.parent)
    parser.add_argument("--preset", default="standard", choices=["quick", "standard", "best"])
    parser.add_argument("--sentences", type=int, default=len(SENTENCES), help="how many of them to speak")
    parser.add_argument("--json", type=Path, help="also write what was measured to this file")
    given = parser.parse_args()
    sentences, rows = SENTENCES[: given.sentences], []
    columns = [name for name in Row.__dataclass_fields__ if name != "speaker"]
    print("speaker", *columns, sep="\t", flush=True)
    with TemporaryDirectory() as folder:
        studio = Studio(Path(folder) / "home")
        studio.engine()
        for place in sorted(given.speakers.iterdir()):
            recordings = sorted(path for path in place.glob("*") if path.suffix.lower() in SOUNDS)
            if len(recordings) > 1:
                rows.append(bench(studio, place.name, recordings, given.preset, sentences))
                print(place.name, *(f"{getattr(rows[-1], name):.3f}" for name in columns), sep="\t", flush=True)
        if not rows:
            sys.exit(f"{given.speakers}: no folder with two recordings or more")
        stock = stock_dnsmos(studio, sentences[:5])
    mean = {name: fmean(getattr(row, name) for row in rows) for name in columns}
    print("mean", *(f"{mean[name]:.3f}" for name in columns), sep="\t")
    print(f"DNSMOS of {STOCK} public voices: {stock:.3f}; peak memory {peak_memory_bytes() / 2**30:.2f} GiB")
    if given.json:
        about = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{platform.processor() or platform.machine()}, {platform.system()}",
            "command": "python " + " ".join(sys.argv),
            "sentences": len(sentences),
            "dnsmos_of_public_voices": stock,
            "peak_memory_gib": peak_memory_bytes() / 2**30,
        }
        given.json.write_text(json.dumps(about | {"mean": mean, "rows": [asdict(r) for r in rows]}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
