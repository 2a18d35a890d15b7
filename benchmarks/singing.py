"""Singing, made with the default engine by imposing a melody, then converted: are words, melody and likeness kept?

    python benchmarks/singing.py SINGERS VOICES TARGETS --json benchmarks/singing_kokoro.json

SINGERS and VOICES are folders of NAME.voice files, TARGETS one with a folder of recordings for each of VOICES. Each
singer sings each line at their own height; vowels last longer than spoken, notes of a scale are glided to, vibrato.
The result is compared with the pitch that was asked for, and with recordings of the voice. `f0_correlation_guarded`
is without frames whose octave the tracker itself mistook.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray

from convert import ENCODERS, SOUNDS, correlation
from voicewright import Studio
from voicewright.audio.clip import Clip
from voicewright.audio.files import read_clip
from voicewright.audio.octaves import guarded
from voicewright.conversion.conversion import Conversion
from voicewright.engines.kokoro.engine import KokoroEngine
from voicewright.engines.kokoro.network import Score, whole_frames
from voicewright.engines.registry import convert_options
from voicewright.measure.intelligibility import word_errors
from voicewright.measure.similarity import centre, similarity
from voicewright.text.phonemes import Phonemizer
from voicewright.text.tokens import VOCABULARY, encode
from voicewright.voice.voice import Voice

LINES = (
    "Over the hills and far away, the evening bells are ringing.",
    "I will remember the summer rain and the light upon the water.",
    "Carry me home when the day is done, and sing me a song of morning.",
    "Nobody knows where the river goes, but the sea will always find it.",
)
VOWELS = {VOCABULARY[symbol] for symbol in "AIOQWYaiouæɑɒɔəɛɜɪʊʌeᵻᵊɐː" if symbol in VOCABULARY}
LONGER = 1.8
SCALE = (0, 2, 4, 5, 7, 9, 11)
FRAMES_A_SECOND = 80


def melody(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(p,) semitones: notes of 0.25 to 0.9 s, each glided to in 60 ms, with a vibrato of half a semitone at 5.5 Hz."""
    notes: list[float] = []
    step = 2
    while len(notes) < count + 8:
        step = int(np.clip(step + rng.integers(-2, 3), -3, 7))
        notes += [SCALE[step % 7] + 12 * (step // 7)] * int(rng.uniform(20, 72))
    glided = np.convolve(notes, np.full(5, 0.2), "same")[:count]
    return glided + 0.25 * np.sin(2 * np.pi * 5.5 * np.arange(count) / FRAMES_A_SECOND)


@torch.inference_mode()
def sung(engine: KokoroEngine, voice: Voice, line: str, rng: np.random.Generator) -> Clip:
    """A line in a voice, on a melody around the voice's own height."""
    network, style = engine._network, engine.style_of(voice)
    tokens = torch.tensor([[0, *encode(Phonemizer("en-us")(line)), 0]])
    meaning, content = network.read(tokens)
    prosody = style.prosody[None]
    expected, features = network.predictor.durations(meaning, prosody)
    stretch = torch.tensor([LONGER if token in VOWELS else 1.0 for token in tokens[0].tolist()])
    frames = whole_frames(expected[0] * stretch)
    f0_hz, energy = network.predictor.curves(features.repeat_interleave(frames, dim=1), prosody)
    curve = f0_hz[0].numpy()
    voiced = curve > 50
    tune = np.median(curve[voiced]) * 2 ** (melody(len(curve), rng) / 12)
    score = Score(
        content.repeat_interleave(frames, dim=2),
        torch.from_numpy(np.where(voiced, tune, 0).astype(np.float32))[None],
        energy,
        frames[None],
    )
    wave = network.play(score, style.timbre[None], torch.Generator().manual_seed(0))[0].numpy()
    return Clip(wave * np.float32(0.08 / np.sqrt(np.mean(wave**2))), engine.rate)


def main() -> None:
    """One line for each conversion, then the mean; JSON on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("singers", "voices", "targets"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    studio, rng, rows = Studio(), np.random.default_rng(0), []
    engine, meters = studio.engine("kokoro"), studio.meters
    assert isinstance(engine, KokoroEngine)
    recogniser, naturalness, tracker = meters.recogniser("en-us", better=True), meters.naturalness(), meters.pitch()
    assert recogniser
    assert naturalness
    for path in sorted(given.voices.glob("*.voice")):
        conversion = Conversion(engine.converter(studio.voice(path), convert_options("kokoro")()), tracker)
        clips = [read_clip(each) for each in sorted((given.targets / path.stem).glob("*")) if each.suffix in SOUNDS]
        target = {name: centre([meters.encoder(name).embed(clip) for clip in clips]) for name in ENCODERS}
        for singer in sorted(given.singers.glob("*.voice")):
            for line in LINES if singer.stem != path.stem else ():
                song = sung(engine, studio.voice(singer), line, rng)
                made, about = conversion.convert_clip(song)
                asked, found = about.wished.resampled(100).f0_hz, tracker.track(made).resampled(100).f0_hz
                size = min(len(asked), len(found))
                both = (asked[:size] > 0) & (found[:size] > 0)
                cents = np.abs(1200 * np.log2(found[:size][both] / asked[:size][both]))
                heard = [word_errors(line, recogniser.transcribe(clip, beam=5).text) for clip in (song, made)]
                row = {
                    "singer": singer.stem,
                    "voice": path.stem,
                    "words": heard[0].words,
                    "wrong_source": heard[0].wrong,
                    "wrong": heard[1].wrong,
                    **{name: similarity(meters.encoder(name).embed(made), target[name]) for name in ENCODERS},
                    "f0_correlation": correlation(about.wished, tracker.track(made)),
                    "f0_correlation_guarded": correlation(about.wished, guarded(tracker.track(made))),
                    "median_cents": float(np.median(cents)),
                    "dnsmos_source": naturalness.score(song, most_windows=1).overall,
                    "dnsmos": naturalness.score(made, most_windows=1).overall,
                    "seconds": song.seconds,
                    "rtf": about.rtf,
                }
                rows.append(row)
                print(*(f"{v:.3f}" if isinstance(v, float) else v for v in row.values()), sep="\t", flush=True)
    mean = {name: fmean(row[name] for row in rows) for name in list(rows[0])[5:]}
    words = sum(row["words"] for row in rows)
    wer = {f"wer_percent{end}": 100 * sum(row[f"wrong{end}"] for row in rows) / words for end in ("_source", "")}
    print("mean", wer | mean)
    if given.json:
        about_run = {
            "date": datetime.now(UTC).date().isoformat(),
            "threads": torch.get_num_threads(),
            "command": "python benchmarks/singing.py SINGERS VOICES TARGETS",
        }
        given.json.write_text(json.dumps(about_run | {"mean": wer | mean, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
