"""Train `kokoro-content.safetensors`: from what is heard in a recording to the content that the engine would play.

    bible -f gen1:1-rev22:21 < /dev/null | cut -d' ' -f2- > kjv.txt        # Debian's bible-kjv: public domain
    python scripts/train_kokoro_content.py generate build/content kjv.txt --lines 2000 --seed 0  # about 1 s a line
    python scripts/train_kokoro_content.py hear build/content build/heard --hours 3 --seed 0     # 2 minutes an hour
    python scripts/train_kokoro_content.py train build/heard src/voicewright/weights/bundled/kokoro-content.safetensors

Several `generate` and `hear` runs with different seeds may fill one folder, at once or later; `hear` spoils the sound
another way each time.
"""

import time
from pathlib import Path

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import cosine_similarity, cross_entropy, smooth_l1_loss

from content_lessons import lesson, perform, played, read_lines, save_lines
from phone_lessons import RATE
from train_kokoro_start import made_up
from train_phone_model import Lines
from voicewright.audio.clip import Clip
from voicewright.engines.kokoro.content import ContentPredictor, Hearing, load_content
from voicewright.engines.kokoro.network import Kokoro, Score, load_network
from voicewright.engines.kokoro.resampling import ToSixteen
from voicewright.engines.kokoro.style import StylePrior, load_prior
from voicewright.home import Home
from voicewright.nn.phones import load_phones
from voicewright.nn.precision import choose_precision, has_native_bfloat16
from voicewright.nn.whisper_encoder import WhisperEncoder
from voicewright.text.normalize import normalize
from voicewright.text.phonemes import Phonemizer
from voicewright.text.tokens import encode
from voicewright.weights.store import Store

SHARD = 25
BATCH_S = 48
"""Seconds of sound in a batch."""
LENGTHS_S = {1.2: 0.2, 2.4: 0.25, 4.8: 0.35, 9.6: 0.2}
"""Lengths of lessons, and the part of the hours that each has: live conversion hears little at a time."""
WEIGHTS = {"content": 1.0, "direction": 0.5, "symbol": 0.1, "energy": 0.3}
app = typer.Typer(add_completion=False)


@app.command()
def generate(folder: Path, texts: list[Path], lines: int = 1000, seed: int = 0) -> None:
    """Have made-up speakers say and sing things; keep the sound at 16 kHz and what was told."""
    store = Store(Home.find().weights)
    prior = load_prior(store.file("kokoro-prior"))
    network, _ = load_network(store.file("kokoro", "model.safetensors"))
    network.decoder.run_in(choose_precision("auto", device="cpu"))
    to_sixteen, say = ToSixteen(), Lines(texts)
    american, british = Phonemizer("en-us"), Phonemizer("en-gb")
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[NDArray[np.float32], Score, Tensor]] = []
    for number in range(1, lines + 1):
        phonemes = (british if rng.random() < 0.12 else american)(normalize(say.draw(rng)))[:250]
        if phonemes.strip():
            tokens = torch.tensor([[0, *encode(phonemes), 0]])
            wave, score = _speak(network, prior, tokens, rng)
            rows.append((to_sixteen(wave)[0].numpy(), score, tokens))
        if number % SHARD == 0 or number == lines:
            save_lines(folder / f"{seed:04d}-{number:06d}.npz", rows)
            rows = []


@torch.inference_mode()
def _speak(network: Kokoro, prior: StylePrior, tokens: Tensor, rng: np.random.Generator) -> tuple[Tensor, Score]:
    """Samples (1, n) at 24 kHz, and what they were played from."""
    whole = torch.from_numpy(made_up(prior, rng))
    timbre_shift, prosody_shift = prior.shift(tokens.shape[1] - 2)
    score = perform(network, tokens, (whole[prior.width :] + prosody_shift)[None], rng)
    noise = torch.Generator().manual_seed(int(rng.integers(1 << 31)))
    return network.play(score, (whole[: prior.width] + timbre_shift)[None], noise).float(), score


@app.command()
def hear(speech: Path, folder: Path, hours: float = 1.0, seed: int = 0) -> None:
    """Spoil the lines and keep what is heard of them beside what was told; lines that appear meanwhile are read, too.

    The first shard of each `generate` run goes into files of its own ("held-…").
    """
    store = Store(Home.find().weights)
    network, _ = load_network(store.file("kokoro", "model.safetensors"))
    hearing = Hearing(WhisperEncoder(store.folder("whisper-tiny.en")), load_phones(store.file("phones")))
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    read: dict[Path, list] = {}
    for number in range(round(hours * 3600 / BATCH_S)):
        if number % 50 == 0:
            read |= {path: read_lines(path, network) for path in finished(speech) if path not in read}
        held = number % 50 == 0
        lines = [line for path, some in read.items() if held == path.stem.endswith(f"-{SHARD:06d}") for line in some]
        seconds = float(rng.choice(list(LENGTHS_S), p=list(LENGTHS_S.values())))
        lessons = [lesson(lines, seconds, rng) for _ in range(round(BATCH_S / seconds))]
        waves = played(lessons, rng, generator)
        heard = torch.stack([hearing(Clip(wave.numpy(), RATE)) for wave in waves])
        batch = {
            "heard": heard.half(),
            "content": torch.stack([each.content for each in lessons]),
            "token": torch.stack([each.token for each in lessons]),
            "energy": torch.stack([each.energy for each in lessons]),
        }
        save_file(batch, folder / f"{'held' if held else 'used'}-{seed:04d}-{number:06d}.safetensors")
        if number % 10 == 0:
            print(number, f"{seconds} s,", f"{len(lines)} lines", flush=True)


def finished(folder: Path) -> list[Path]:
    """All files but one that is still being written."""
    return [path for path in sorted(folder.glob("*.*")) if path.stat().st_mtime < time.time() - 5]


@app.command()
def train(
    folder: Path,
    out: Path,
    steps: int = 4000,
    rate: float = 2e-3,
    seed: int = 0,
    start: Path | None = None,
) -> None:
    """Train on what `hear` wrote, also meanwhile; `start` goes on from trained weights."""
    rng = np.random.default_rng(seed)
    used, held = _batches(folder, "used", {}), _batches(folder, "held", {})
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = ContentPredictor() if start is None else load_content(start).train().requires_grad_(True)
    if start is None:
        _standardise(network, list(used.values())[:60])
    _learn_habits(network, list(used.values()))
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.02, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.08)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    )
    begin = time.monotonic()
    for step in range(1, steps + 1):
        if step % 200 == 0:
            used, held = _batches(folder, "used", used), _batches(folder, "held", held)
        batch = list(used.values())[rng.integers(len(used))]
        with torch.autocast("cpu", torch.bfloat16, enabled=has_native_bfloat16("cpu")):
            losses = losses_of(network, batch)
        loss = sum((WEIGHTS[name] * value for name, value in losses.items()), torch.zeros(()))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        if step % 50 == 0:
            said = ", ".join(f"{name} {value.item():.3f}" for name, value in losses.items())
            print(step, f"{time.monotonic() - begin:.0f} s, {len(used)} batches:", said, flush=True)
        if step % 500 == 0 or step == steps:
            kept = average.module
            right = figures(kept, list(held.values()))
            print(step, "held out:", ", ".join(f"{name} {value:.3f}" for name, value in right.items()), flush=True)
            tensors = {name: tensor.half().contiguous() for name, tensor in kept.state_dict().items()}
            about = {"format": "1", "licence": "Apache-2.0", "source": f"speech made up with kokoro, {step} steps"}
            save_file(tensors, out, about | {f"held_out_{name}": f"{value:.3f}" for name, value in right.items()})


def losses_of(network: ContentPredictor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """How far content (in deviations of each channel) and energy are from what was told, and the unlikeliness of the
    tokens."""
    wanted = (batch["content"].float() - network.content_middle) / network.content_scale
    hidden = network.hidden(batch["heard"].float(), wanted.shape[1])
    content, energy = network.content(hidden).float(), network.energy(hidden).float().flatten(1)
    known = ~batch["energy"].isnan()
    told = torch.where(known, batch["energy"], energy.detach())
    return {
        "content": smooth_l1_loss(content, wanted, beta=0.3),
        "direction": 1 - cosine_similarity(content, wanted, dim=2).mean(),
        "symbol": cross_entropy(network.symbol(hidden).float().transpose(1, 2), batch["token"].long()),
        "energy": smooth_l1_loss(energy, told),
    }


def figures(network: ContentPredictor, held: list[dict[str, Tensor]]) -> dict[str, float]:
    """On held-out lines: mean absolute error in deviations, cosine, and how often the likeliest token is right."""
    network.eval()
    rows = []
    with torch.inference_mode():
        for batch in held:
            wanted = (batch["content"].float() - network.content_middle) / network.content_scale
            hidden = network.hidden(batch["heard"].float(), wanted.shape[1])
            content = network.content(hidden)
            right = (network.symbol(hidden).argmax(2) == batch["token"]).float().mean()
            cosine = cosine_similarity(content, wanted, dim=2).mean()
            rows.append((float((content - wanted).abs().mean()), float(cosine), float(right)))
    network.train()
    return dict(zip(("error", "cosine", "tokens_right"), np.mean(rows, 0).tolist(), strict=True))


def _batches(folder: Path, kind: str, known: dict[str, dict[str, Tensor]]) -> dict[str, dict[str, Tensor]]:
    names = [path for path in finished(folder) if path.name.startswith(kind) and path.name not in known]
    return known | {path.name: load_file(path) for path in names}


def _standardise(network: ContentPredictor, batches: list[dict[str, Tensor]]) -> None:
    """Middle and spread of every heard number and every content channel."""
    heard = torch.cat([batch["heard"].float().flatten(0, 1) for batch in batches])
    content = torch.cat([batch["content"].float().flatten(0, 1) for batch in batches])
    network.middle.copy_(heard.mean(0))
    network.scale.copy_(heard.std(0).clamp(min=1e-3))
    network.content_middle.copy_(content.mean(0))
    network.content_scale.copy_(content.std(0).clamp(min=1e-3))


def _learn_habits(network: ContentPredictor, batches: list[dict[str, Tensor]]) -> None:
    """How tokens follow each other and how long they last; what never happened is a fiftieth of a case."""
    count = network.config.symbols
    following, frames = torch.full((count, count), 0.02), torch.ones(count)
    for batch in batches:
        tokens = batch["token"].long()
        moved = tokens[:, 1:] != tokens[:, :-1]
        pairs = tokens[:, :-1][moved] * count + tokens[:, 1:][moved]
        following += pairs.bincount(minlength=count**2).view(count, count)
        frames += tokens.flatten().bincount(minlength=count)
    network.following.copy_((following / following.sum(1, keepdim=True)).log())
    network.staying.copy_((1 - following.sum(1) / frames).clamp(0.05, 0.97).log())
    network.usual.copy_((frames / frames.sum()).log())


if __name__ == "__main__":
    app()
