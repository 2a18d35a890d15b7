"""Train `phones.safetensors`: which phone sounds when, learned on speech whose timing the engine itself laid down.

    bible -f gen1:1-rev22:21 < /dev/null | cut -d' ' -f2- > kjv.txt        # Debian's bible-kjv: public domain
    python scripts/train_phone_model.py generate build/phones kjv.txt --lines 1000 --seed 0    # about 1 s a line
    python scripts/train_phone_model.py train build/phones src/voicewright/weights/bundled/phones.safetensors

Several `generate` runs with different seeds may fill one folder, at once or later.
"""

import gzip
import time
from collections import Counter
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from phone_lessons import Said, crop, masked, read_shard, spoilt
from train_kokoro_start import made_up
from voicewright.engines.kokoro.network import Kokoro, load_network
from voicewright.engines.kokoro.resampling import ToSixteen
from voicewright.engines.kokoro.style import StylePrior, load_prior
from voicewright.home import Home
from voicewright.nn.phones import PhoneNetwork, load_phones
from voicewright.nn.precision import choose_precision, has_native_bfloat16
from voicewright.text.normalize import normalize
from voicewright.text.phonemes import Phonemizer
from voicewright.text.tokens import encode
from voicewright.weights.store import Store

SHARD = 25
LOUDEST = 0.7
DOUBT = 0.05
"""Probability that is spread over all classes (label smoothing)."""
app = typer.Typer(add_completion=False)


class Lines:
    """Things to say: passages, strings of common and of rare words, numbers, single words."""

    def __init__(self, texts: list[Path]) -> None:
        self.passages = [line for path in texts for line in path.read_text("utf-8").splitlines() if line.strip()]
        counts = Counter(word.strip(",.;:?!()").lower() for line in self.passages for word in line.split())
        self.common = [word for word, _ in counts.most_common(4000) if word.isalpha()]
        table = gzip.decompress(files("voicewright.text").joinpath("data/en-us.tsv.gz").read_bytes()).decode()
        entries = (line.split("\t") for line in table.splitlines() if "\t" in line)
        self.rare = [e[0] for e in entries if e[0].isalpha() and e[0].islower() and not e[1].startswith("~")]

    def draw(self, rng: np.random.Generator) -> str:
        kind = rng.random()
        if kind < 0.45:
            words = self.passages[rng.integers(len(self.passages))].split()
            count = int(rng.integers(3, 24))
            start = int(rng.integers(max(1, len(words) - count)))
            return " ".join(words[start : start + count])
        if kind < 0.85:
            return self._string(rng, int(rng.integers(2, 16)))
        if kind < 0.95:
            return self._number(rng)
        return self._string(rng, 1)

    def _string(self, rng: np.random.Generator, count: int) -> str:
        said = []
        for _ in range(count):
            words = self.common if rng.random() < 0.5 else self.rare
            mark = rng.choice(["", ",", ".", "?", "!", ";", " —"], p=[0.86, 0.06, 0.04, 0.01, 0.01, 0.01, 0.01])
            said.append(words[rng.integers(len(words))] + str(mark))
        return " ".join(said)

    def _number(self, rng: np.random.Generator) -> str:
        digits = [str(d) for d in rng.integers(0, 10, int(rng.integers(2, 9)))]
        ways = [
            " ".join(digits),
            f"{self._string(rng, 2)} {rng.integers(1, 5000)} {self._string(rng, 2)}",
            f"${rng.integers(1, 900)}.{rng.integers(10, 99)}, {self._string(rng, 3)}",
            f"{rng.integers(1, 12)}/{rng.integers(1, 28)}/{rng.integers(1900, 2030)}.",
            " ".join(rng.choice(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), int(rng.integers(2, 6)))),
        ]
        return ways[rng.integers(len(ways))]


@app.command()
def generate(folder: Path, texts: list[Path], lines: int = 1000, seed: int = 0) -> None:
    """Have made-up speakers say things; keep the sound at 16 kHz and how long each phone token lasted."""
    store = Store(Home.find().weights)
    prior = load_prior(store.file("kokoro-prior"))
    network, _ = load_network(store.file("kokoro", "model.safetensors"))
    network.decoder.run_in(choose_precision("auto", device="cpu"))
    to_sixteen, say = ToSixteen(), Lines(texts)
    american, british = Phonemizer("en-us"), Phonemizer("en-gb")
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16]]] = []
    for number in range(1, lines + 1):
        phonemes = (british if rng.random() < 0.12 else american)(normalize(say.draw(rng)))[:250]
        if phonemes.strip():
            wave, tokens, frames = _speak(network, prior, encode(phonemes), rng)
            rows.append((to_sixteen(wave)[0].numpy(), tokens, frames))
        if number % SHARD == 0 or number == lines:
            _save(folder / f"{seed:04d}-{number:06d}.npz", rows)
            rows = []


@torch.inference_mode()
def _speak(
    network: Kokoro, prior: StylePrior, ids: list[int], rng: np.random.Generator
) -> tuple[torch.Tensor, NDArray[np.int16], NDArray[np.int16]]:
    """Samples at 24 kHz, the tokens with the marks at both ends, and the frames (25 ms) of each."""
    whole = torch.from_numpy(made_up(prior, rng))
    timbre_shift, prosody_shift = prior.shift(len(ids))
    tokens = [0, *ids, 0]
    meaning, content = network.read(torch.tensor([tokens]))
    speed = float(np.exp(rng.uniform(np.log(0.75), np.log(1.4))))
    score = network.perform(meaning, content, (whole[prior.width :] + prosody_shift)[None], speed=speed)
    noise = torch.Generator().manual_seed(int(rng.integers(1 << 31)))
    wave = network.play(score, (whole[: prior.width] + timbre_shift)[None], noise).float()
    return wave, np.array(tokens, np.int16), score.durations[0].numpy().astype(np.int16)


def _save(path: Path, rows: list[tuple[NDArray[np.float32], NDArray[np.int16], NDArray[np.int16]]]) -> None:
    waves = [wave * (LOUDEST / max(1e-3, float(np.abs(wave).max()))) for wave, _, _ in rows]
    np.savez(
        path,
        samples=np.concatenate([np.round(wave * 32767).astype(np.int16) for wave in waves]),
        lengths=np.array([len(wave) for wave in waves]),
        tokens=np.concatenate([tokens for _, tokens, _ in rows]),
        frames=np.concatenate([frames for _, _, frames in rows]),
        counts=np.array([len(tokens) for _, tokens, _ in rows]),
    )
    print(path, f"{sum(map(len, waves)) / 16_000:.0f} s", flush=True)


@app.command()
def train(
    folder: Path,
    out: Path,
    steps: int = 3200,
    rate: float = 2e-3,
    batch: int = 16,
    seed: int = 0,
    start: Path | None = None,
) -> None:
    """Train on all shards but the first of each run, which tell how often the likeliest phone is the right one.

    Shards that are made meanwhile are read, too. `start` goes on from trained weights.
    """
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    held = [said for path in sorted(folder.glob(f"*-{SHARD:06d}.npz")) for said in read_shard(path)]
    used: dict[Path, list[Said]] = {}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = PhoneNetwork() if start is None else load_phones(start).train().requires_grad_(True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.02, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99)
    )
    for step in range(1, steps + 1):
        if step % 250 == 1:
            used |= {path: read_shard(path) for path in shards_for_training(folder) if path not in used}
            lines = [said for shard in used.values() for said in shard]
            hours = sum(len(said.samples) for said in lines) / 16_000 / 3600
            print(f"{hours:.2f} h", flush=True)
        crops = [crop(lines, rng) for _ in range(batch)]
        waves = spoilt(torch.stack([wave for wave, _ in crops]), rng, generator)
        loss = loss_of(network, waves, torch.stack([targets for _, targets in crops]), rng)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        if step % 25 == 0:
            print(step, f"loss {loss.item():.3f}", flush=True)
        if step % 250 == 0 or step == steps:
            kept = average.module
            right = f"{accuracy(kept, held):.3f}"
            print(step, f"held-out frames right: {right}", flush=True)
            tensors = {name: tensor.half().contiguous() for name, tensor in kept.state_dict().items()}
            about = {"format": "1", "licence": "Apache-2.0", "source": f"{hours:.2f} h of speech made up with kokoro"}
            save_file(tensors, out, about | {"held_out_frames_right": right})


def shards_for_training(folder: Path) -> list[Path]:
    """All but the first of each run, and but one that is still being written."""
    finished = time.time() - 10
    return [
        path
        for path in sorted(folder.glob("*.npz"))
        if not path.stem.endswith(f"-{SHARD:06d}") and path.stat().st_mtime < finished
    ]


def loss_of(network: PhoneNetwork, waves: Tensor, targets: Tensor, rng: np.random.Generator) -> Tensor:
    """How little probability falls on the allowed classes, and a little on the others: waves (b, t), targets
    (b, o, 3)."""
    features = masked(network.features(waves), rng)
    with torch.autocast("cpu", torch.bfloat16, enabled=has_native_bfloat16("cpu")):
        log_probabilities = network(features)
    allowed = torch.zeros(log_probabilities.shape, dtype=torch.bool).scatter_(2, targets, True)
    frames = min(targets.shape[1], log_probabilities.shape[1])
    missed = -log_probabilities.masked_fill(~allowed, -1e4)[:, :frames].logsumexp(2).mean()
    loss: Tensor = (1 - DOUBT) * missed - DOUBT * log_probabilities[:, :frames].mean()
    return loss


def accuracy(network: PhoneNetwork, held: list[Said]) -> float:
    """The part of held-out frames whose likeliest class is an allowed one; unspoilt speech."""
    network.eval()
    right: list[Tensor] = []
    with torch.inference_mode():
        for said in held[:60]:
            best = network.hear(torch.from_numpy(said.samples)[None].float() / 32768)[0].argmax(1)
            allowed = torch.from_numpy(said.targets[::4]).long()[: len(best)]
            right.append((allowed == best[: len(allowed), None]).any(1).float())
    network.train()
    return float(torch.cat(right).mean())


if __name__ == "__main__":
    app()
