"""How near the aligner's word times are to the truth: the engine's own speech, whose timing it laid down itself.

    python benchmarks/word_times.py --lines 40 --recogniser

Mixed public voices say the benchmark's sentences; nothing of it is in the aligner's training. What is true: the
engine's phone durations, 55 ms earlier (its sound runs ahead of them by so much), and no longer than the word can be
heard. Between two words without a pause the engine has some 50 ms that belong to neither.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join, resample
from voicewright.engines.kokoro.network import Kokoro, load_network
from voicewright.engines.kokoro.style import StylePrior, load_prior
from voicewright.home import Home
from voicewright.measure.alignment import PhoneAligner
from voicewright.measure.intelligibility import WhisperRecogniser
from voicewright.nn.precision import choose_precision
from voicewright.text.normalize import normalize
from voicewright.text.phonemes import Phonemizer
from voicewright.text.tokens import encode
from voicewright.weights.store import Store

SENTENCES = Path(__file__).with_name("sentences.txt").read_text("utf-8").splitlines()
FRAME_S, LEAD_S = 0.025, 0.055
HEARD_DB, STEP_S = -40.0, 0.005
MARKS = frozenset(';:,.!?—…"“”()')
Edges = tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Said:
    """A sentence, its spoken words, and when each begins and ends."""

    words: tuple[str, ...]
    clip: Clip
    edges: Edges


class Speaker:
    """Says sentences in mixes of two public voices, and tells when each word sounds."""

    def __init__(self, store: Store, seed: int) -> None:
        self.prior: StylePrior = load_prior(store.file("kokoro-prior"))
        self.network: Kokoro = load_network(store.file("kokoro", "model.safetensors"))[0]
        self.network.decoder.run_in(choose_precision("auto", device="cpu"))
        self.phonemizer = Phonemizer("en-us")
        self.rng = np.random.default_rng(seed)

    @torch.inference_mode()
    def say(self, text: str, speed: float) -> Said:
        words = tuple(normalize(text).split())
        phonemes = self.phonemizer(" ".join(words))
        one, other = self.rng.choice(len(self.prior.voices), 2, replace=False)
        style = self.prior.voices[one] + float(self.rng.uniform()) * (self.prior.voices[other] - self.prior.voices[one])
        tokens = encode(phonemes)
        timbre_shift, prosody_shift = self.prior.shift(len(tokens))
        meaning, content = self.network.read(torch.tensor([[0, *tokens, 0]]))
        prosody = style[self.prior.width :] + prosody_shift
        score = self.network.perform(meaning, content, prosody[None], speed=speed)
        noise = torch.Generator().manual_seed(int(self.rng.integers(1 << 31)))
        wave = self.network.play(score, (style[: self.prior.width] + timbre_shift)[None], noise)
        clip = Clip(wave[0].float().numpy(), self.network.config.rate)
        ends = np.cumsum(score.durations[0].numpy()) * FRAME_S - LEAD_S
        return Said(words=words, clip=clip, edges=_heard(clip, _edges(phonemes, ends)))


def _edges(phonemes: str, ends: NDArray[np.float64]) -> Edges:
    """From the first phone of each word to its last; `ends` has the mark before the sentence, too."""
    edges, place = [], 1
    for word in phonemes.split(" "):
        phones = [place + i for i, symbol in enumerate(word) if symbol not in MARKS]
        edges.append((float(ends[phones[0] - 1]), float(ends[phones[-1]])))
        place += len(word) + 1
    return tuple(edges)


def _heard(clip: Clip, edges: Edges) -> Edges:
    """The edges drawn in to where the word is no more than 40 dB below loud speech: the engine's last phone before a
    pause lasts into the silence by 0.3 s in the median."""
    step = round(STEP_S * clip.rate)
    power = (clip.samples[: len(clip) // step * step].reshape(-1, step).astype(np.float64) ** 2).mean(1)
    power = np.convolve(power, np.full(4, 0.25), "same")
    loud = np.flatnonzero(power > np.percentile(power, 95) * 10 ** (HEARD_DB / 10)) * STEP_S
    drawn = []
    for start_s, end_s in edges:
        inside = loud[(loud >= start_s - STEP_S / 2) & (loud < end_s)]
        drawn.append((float(inside[0]), float(inside[-1]) + STEP_S) if len(inside) else (start_s, end_s))
    return tuple(drawn)


def pink(said: Said, snr_db: float, rng: np.random.Generator) -> Said:
    """With pink noise."""
    samples = said.clip.samples
    spectrum = np.fft.rfft(rng.normal(size=len(samples)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1), len(samples))
    noise *= np.sqrt((samples**2).mean() / (noise**2).mean()) * 10 ** (-snr_db / 20)
    return replace(said, clip=said.clip.with_samples(samples + noise))


def joined(first: Said, second: Said, rng: np.random.Generator) -> Said:
    """Two sentences with a pause of 0.2 to 1.2 s, in faint noise."""
    clip = join([first.clip, Clip.silence(float(rng.uniform(0.2, 1.2)), first.clip.rate), second.clip])
    later = clip.seconds - second.clip.seconds
    edges = first.edges + tuple((start_s + later, end_s + later) for start_s, end_s in second.edges)
    return pink(Said(words=first.words + second.words, clip=clip, edges=edges), 30, rng)


def report(name: str, lines: list[Said], times: Callable[[Said], Edges | None]) -> None:
    found = [(said.edges, edges) for said in lines if (edges := times(said)) is not None]
    missed = np.concatenate([np.array(edges) - np.array(truth) for truth, edges in found]) * 1000
    columns = [f"{name:28} {len(missed):5} words of {len(found)}/{len(lines)} lines"]
    for side, errors in zip(("starts", "ends"), np.abs(missed).T, strict=True):
        middle, most = np.percentile(errors, [50, 90])
        columns.append(f"{side} mean {errors.mean():5.1f} median {middle:5.1f} 90 % {most:5.1f} ms")
    print(" · ".join(columns), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recogniser", action="store_true", help="compare with the word times of whisper-tiny.en")
    options = parser.parse_args()
    store = Store(Home.find().weights)
    speaker, rng = Speaker(store, options.seed), np.random.default_rng(options.seed)
    aligner = PhoneAligner(store.file("phones"))
    recogniser = WhisperRecogniser(store.file("whisper-tiny.en", "model.bin").parent)

    def aligned(said: Said) -> Edges:
        return tuple((word.start_s, word.end_s) for word in aligner.align(said.clip, said.words).words)

    def recognised(said: Said) -> Edges | None:
        words = recogniser.transcribe(said.clip, word_times=True).words
        return tuple((word.start_s, word.end_s) for word in words) if len(words) == len(said.words) else None

    texts = [SENTENCES[i % len(SENTENCES)] for i in range(options.lines)]
    plain = [speaker.say(text, 1.0) for text in texts]
    conditions: dict[str, list[Said]] = {
        "as spoken": plain,
        "pink noise, 20 dB": [pink(said, 20, rng) for said in plain],
        "pink noise, 10 dB": [pink(said, 10, rng) for said in plain],
        "8 kHz": [replace(said, clip=resample(said.clip, 8000)) for said in plain],
        "44.1 kHz": [replace(said, clip=resample(said.clip, 44_100)) for said in plain],
        "speed 0.8": [speaker.say(text, 0.8) for text in texts[::2]],
        "speed 1.25": [speaker.say(text, 1.25) for text in texts[::2]],
        "two joined, noise 30 dB": [joined(a, b, rng) for a, b in zip(plain[::2], plain[1::2], strict=False)],
    }
    for name, lines in conditions.items():
        report(name, lines, aligned)
        if options.recogniser:
            report("    whisper-tiny.en", lines, recognised)


if __name__ == "__main__":
    main()
