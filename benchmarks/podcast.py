"""Who speaks when, measured: a made-up podcast of real speakers, and what is heard in it.

    python benchmarks/podcast.py CLIPS_OF_ANNA CLIPS_OF_BERT --minutes 30 --snr 20 --json podcast.json

Each folder holds recordings of one speaker and nothing else. Their clips become turns with pauses, some turns begin
before the last has ended, some are short remarks into another's words; speakers differ in level, pink noise lies under
everything. Same seed, same podcast. The true turns come from the clean clips, by level, pauses up to 0.3 s bridged:
where the network bridges a longer pause, that is a false alarm here. With `--out` the sound and its RTTM are kept.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from voicewright.audio.activity import EnergyActivity
from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain, join, resample
from voicewright.audio.files import read_clip
from voicewright.audio.loudness import rms_db
from voicewright.audio.writer import write_clip
from voicewright.data.diarization import DiarizationOptions, cluster, name_speakers
from voicewright.data.hearing import load_listener
from voicewright.data.rttm import write_rttm
from voicewright.data.turns import Turn, bridged, with_overlaps
from voicewright.errors import BadClip
from voicewright.measure.diarization import diarization_errors, speaker_precision
from voicewright.weights.catalogue import BUNDLED

RATE = 16_000
SOUNDS = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".g722"}
NOT_SPEECH = {"beep", "beeperr", "ascending-2tone", "descending-2tone", "tt-monkeys"}
"""Prompts of Debian's sets that nobody speaks."""
SECTION_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How the podcast is made."""

    minutes: float = 30.0
    snr_db: float = 25.0
    """Speech to noise; the noise is pink."""
    level_db: float = 4.0
    """Speakers' levels differ by up to this, either way."""
    interrupted: float = 0.4
    """Share of turns that begin before the last has ended."""
    remarks: float = 0.25
    """Share of turns into which another says a word."""
    telephone: bool = False
    """Everything as a telephone brings it: 300 to 3,400 Hz."""
    seed: int = 0


def phrases(folder: Path) -> list[Clip]:
    """The folder's clips at 16 kHz and -23 dB, without silence at the ends; beeps and snippets are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SOUNDS or "silence" in path.parts or path.stem in NOT_SPEECH:
            continue
        try:
            clip = resample(read_clip(path), RATE)
        except BadClip as problem:
            print(f"left out: {problem}")
            continue
        spans = EnergyActivity().spans(clip)
        speech_s = sum(span.seconds for span in spans)
        if not 0.7 <= speech_s <= 20 or len(spans) == 0:
            continue
        clip = clip.between(spans[0].start_s, spans[-1].end_s)
        found.append(gain(clip, -23 - rms_db(clip)))
    return found


def build(speakers: dict[str, list[Clip]], mix: Mix) -> tuple[Clip, list[Turn]]:
    """The podcast and its true turns."""
    random = np.random.default_rng(mix.seed)
    total = round(mix.minutes * 60 * RATE)
    sound, truth = np.zeros(total, np.float32), list[Turn]()
    levels = {name: random.uniform(-mix.level_db, mix.level_db) for name in speakers}
    order = {name: list(random.permutation(len(clips))) for name, clips in speakers.items()}
    names, at_s, speaker = list(speakers), 0.5, next(iter(speakers))

    def next_clip(name: str) -> Clip:
        if not order[name]:
            order[name] = list(random.permutation(len(speakers[name])))
        return gain(speakers[name][order[name].pop()], levels[name])

    def place(name: str, clip: Clip, start_s: float) -> float:
        start = round(start_s * RATE)
        samples = clip.samples[: max(0, total - start)]
        sound[start : start + len(samples)] += samples
        for span in EnergyActivity().spans(clip.with_samples(samples)) if len(samples) > RATE // 10 else []:
            truth.append(Turn(start_s + span.start_s, start_s + span.end_s, name))
        return start_s + len(samples) / RATE

    while at_s < total / RATE - 1:
        start_s, turn_s = at_s, min(25.0, random.exponential(9.0) + 1.0)
        while at_s - start_s < turn_s and at_s < total / RATE - 1:
            at_s = place(speaker, next_clip(speaker), at_s) + random.uniform(0.15, 0.6)
        others = [name for name in names if name != speaker]
        if others and random.random() < mix.remarks and at_s - start_s > 4:
            other = others[random.integers(len(others))]
            remark = min((next_clip(other) for _ in range(4)), key=lambda clip: clip.seconds)
            remark = remark.between(0, 1.5)
            place(other, remark, random.uniform(start_s + 1, at_s - remark.seconds - 1))
        before = speaker
        speaker = others[random.integers(len(others))] if others else speaker
        interrupts = speaker != before and random.random() < mix.interrupted
        at_s += random.uniform(-1.6, -0.6) if interrupts else random.uniform(0.1, 1.2)
    return _recorded(sound, mix, random), bridged(truth, 0.3)


def _recorded(sound: NDArray[np.float32], mix: Mix, random: np.random.Generator) -> Clip:
    loud = sound[np.abs(sound) > 1e-4]
    noise = _pink(len(sound), random) * np.sqrt(np.mean(loud**2)) * 10 ** (-mix.snr_db / 20)
    sound = sound + noise.astype(np.float32)
    if mix.telephone:
        from scipy.signal import butter, sosfilt

        sound = sosfilt(butter(6, [300, 3400], "bandpass", fs=RATE, output="sos"), sound).astype(np.float32)
    return Clip(sound / max(1.0, float(np.abs(sound).max())), RATE)


def _pink(samples: int, random: np.random.Generator) -> NDArray[np.float64]:
    """(samples,) noise of equal power in each octave above 20 Hz, RMS 1; repeats after a minute."""
    size = min(samples, 60 * RATE)
    spectrum = np.fft.rfft(random.standard_normal(size))
    hz = np.fft.rfftfreq(size, 1 / RATE)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(hz, 20)) * (hz > 20), size)
    return np.resize(noise / np.sqrt(np.mean(noise**2)), samples)


def measure(
    speakers: dict[str, list[Clip]], mix: Mix, options: DiarizationOptions, out: Path | None
) -> dict[str, object]:
    """Build, hear, count."""
    clip, truth = build(speakers, mix)
    listener = load_listener(
        BUNDLED / "segmentation.safetensors", options.encoder, BUNDLED / f"{options.encoder}.safetensors"
    )
    starts = np.arange(0, clip.seconds, SECTION_S).tolist()
    began = time.process_time()
    voices = [listener.hear(clip.between(start, start + SECTION_S)) for start in starts]
    heard_s = time.process_time() - began
    found = cluster(voices, options)
    clustered_s = time.process_time() - began - heard_s
    turns = [
        Turn(turn.start_s + start, turn.end_s + start, turn.speaker, turn.overlap)
        for start, section in zip(starts, found.turns, strict=True)
        for turn in section
    ]
    if out:
        out.mkdir(parents=True, exist_ok=True)
        write_clip(out / "podcast.flac", clip)
        write_rttm(out / "reference.rttm", {"podcast": truth})
        write_rttm(out / "heard.rttm", {"podcast": turns})
    shared_s = sum(turn.seconds for turn in with_overlaps(truth) if turn.overlap) / 2
    exact, customary = (asdict(diarization_errors(truth, turns, collar_s=collar_s)) for collar_s in (0.0, 0.25))
    precision = {}
    for name, folder in speakers.items():
        sample = listener.sound_of(join(folder[:4]))  # the wanted speaker is picked by a sample, as a user would
        named = name_speakers(found, name, sample=sample)
        heard_as = next((old for old, centre in found.centres.items() if centre is named.centres[name]), "")
        precision[name] = asdict(speaker_precision(truth, turns, name, heard_as=heard_as))
    return {
        "speakers": list(speakers), "mix": asdict(mix), "options": asdict(options), "overlap": shared_s / clip.seconds,
        "found": len(found.centres), "collar_0": exact, "collar_0.25": customary, "precision": precision,
        "ms_per_s": 1000 * heard_s / clip.seconds, "cluster_s": clustered_s,
    }  # fmt: skip


def show(result: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"{' + '.join(result['speakers'])}: {result['found']} found, {result['overlap']:.1%} of the time overlapped")
    for collar in ("collar_0", "collar_0.25"):
        e = result[collar]
        shares = {name: e[name] / e["total"] for name in ("missed", "false_alarm", "confused")}
        print(f"  {collar}: DER {sum(shares.values()):.1%}", *(f"{name} {share:.1%}" for name, share in shares.items()))
    for name, p in result["precision"].items():
        print(f"  {name}: precision {p['precision']:.1%}, recall {p['recall']:.1%}, pauses {p['pause_s']:.0f} s")
    ms = result["ms_per_s"]
    print(f"  hearing {ms:.1f} ms for a second on one core ({1000 / ms:.0f} × real time)", end="; ")
    print(f"grouping {result['cluster_s']:.2f} s")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="one folder of clips for each speaker")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--snr", type=float, default=25.0, help="speech to noise, in dB")
    parser.add_argument("--telephone", action="store_true", help="300 to 3,400 Hz")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speakers", type=int, default=0, help="how many speak; 0: find out")
    parser.add_argument("--encoder", choices=["campplus", "ge2e"], default="campplus")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--out", type=Path, help="keep the sound and both RTTM files here")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    mix = Mix(minutes=asked.minutes, snr_db=asked.snr, telephone=asked.telephone, seed=asked.seed)
    speakers = {folder.resolve().name: phrases(folder) for folder in asked.folders}
    result = measure(speakers, mix, DiarizationOptions(speakers=asked.speakers, encoder=asked.encoder), asked.out)
    show(result)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
