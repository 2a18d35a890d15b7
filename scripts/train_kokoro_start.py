"""Train `kokoro-start.safetensors`: from how a speaker is heard to a style, learned on speakers the engine makes up.

    python scripts/train_kokoro_start.py generate build/start --speakers 1500 --seed 0     # about 1 s each on one core
    python scripts/train_kokoro_start.py train build/start src/voicewright/weights/bundled/kokoro-start.safetensors

Several `generate` runs with different seeds may fill one folder, at once or later.
"""

from pathlib import Path

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import mse_loss

from voicewright.engines.kokoro.enrolment import SENTENCES
from voicewright.engines.kokoro.inversion import VOICED_HZ, Inversion
from voicewright.engines.kokoro.network import load_network
from voicewright.engines.kokoro.start import StartNetwork
from voicewright.engines.kokoro.style import Style, StylePrior, load_prior
from voicewright.engines.kokoro.target import TYPICAL_LEVEL_DB
from voicewright.home import Home
from voicewright.nn.campplus import load_campplus
from voicewright.nn.ge2e import load_ge2e
from voicewright.nn.precision import choose_precision
from voicewright.text.phonemes import Phonemizer
from voicewright.text.tokens import encode
from voicewright.weights.store import Store

SHARD = 50
app = typer.Typer(add_completion=False)


@app.command()
def generate(folder: Path, speakers: int = 1500, seed: int = 0) -> None:
    """Make up speakers, have each speak one sentence, keep the style and how it is heard."""
    store = Store(Home.find().weights)
    prior = load_prior(store.file("kokoro-prior"))
    network, _ = load_network(store.file("kokoro", "model.safetensors"))
    ge2e, campplus = load_ge2e(store.file("ge2e")), load_campplus(store.file("campplus"))
    network.decoder.run_in(choose_precision("auto", device="cpu"))
    inversion = Inversion(network, prior, ge2e, campplus)
    phonemizer = Phonemizer("en-us")
    phrases = [inversion.read(encode(phonemizer(sentence))) for sentence in SENTENCES]
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[NDArray[np.float32], ...]] = []
    for number in range(1, speakers + 1):
        whole = torch.from_numpy(made_up(prior, rng))
        timbre = whole[: prior.width].expand(network.config.stages, -1)
        with torch.inference_mode():
            style = Style(timbre=timbre, prosody=whole[prior.width :])
            noise = torch.Generator().manual_seed(int(rng.integers(1 << 31)))
            wave, score = inversion.speak(style, phrases[rng.integers(len(phrases))], noise)
            wave = wave * 10 ** (TYPICAL_LEVEL_DB / 20) / wave.square().mean().sqrt().clamp(min=1e-4)
            heard = [net.embed_waveform(wave)[0].numpy() for net in (ge2e, campplus)]
        log_f0 = score.f0_hz[score.f0_hz > VOICED_HZ].log()
        pitch = np.array([log_f0.mean(), log_f0.std()], np.float32)
        if np.isfinite(pitch).all():
            rows.append((whole.numpy(), *heard, pitch))
        if number % SHARD == 0 or number == speakers:
            styles, ge2es, campplusses, pitches = (np.stack(column) for column in zip(*rows, strict=True))
            shard = folder / f"{seed:04d}-{number:06d}.npz"
            np.savez(shard, style=styles, ge2e=ge2es, campplus=campplusses, pitch=pitches)
            rows = []
            print(shard, flush=True)


def made_up(prior: StylePrior, rng: np.random.Generator) -> NDArray[np.float32]:
    """A style (2s,): a mix of up to five public voices, prosody sometimes from others, exaggerated, and shaken.

    Fitted styles lie outside the hull of the public voices, so the made-up ones must, too.
    """
    voices, mean, spread = prior.voices.numpy(), prior.mean.numpy(), prior.spread.numpy()
    count = int(rng.integers(1, 6))

    def mix() -> NDArray[np.float32]:
        picked = rng.choice(len(voices), min(count, len(voices)), replace=False)
        mixed: NDArray[np.float32] = rng.dirichlet(np.full(len(picked), 0.7)) @ voices[picked]
        return mixed

    style = mix()
    if rng.random() < 0.35:
        style = np.concatenate([style[: prior.width], mix()[prior.width :]])
    style = mean + (style - mean) * rng.uniform(0.8, 1.7 if count > 1 else 1.15)
    shake = rng.choice([0, 0.2, 0.4, 0.6, 0.9], p=[0.15, 0.25, 0.3, 0.2, 0.1]) * spread
    shake[prior.width :] *= 0.7
    return (style + rng.normal(size=len(style)) * shake).astype(np.float32)


@app.command()
def train(folder: Path, out: Path, seed: int = 0, epochs: int = 60) -> None:
    """Train on all shards but an eighth, which says when to stop; print how much variance of styles is explained."""
    store = Store(Home.find().weights)
    prior = load_prior(store.file("kokoro-prior"))
    shards = [np.load(path) for path in sorted(folder.glob("*.npz"))]
    columns = {name: torch.from_numpy(np.concatenate([s[name] for s in shards])) for name in shards[0].files}
    x = torch.cat([columns["ge2e"], columns["campplus"], columns["pitch"]], dim=1)
    y = (columns["style"] - prior.mean) / prior.spread
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(x), generator=generator)
    held, used = order[: len(x) // 8], order[len(x) // 8 :]
    mean, scale = x[used].mean(0), x[used].std(0) + 1e-6
    x = (x - mean) / scale
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = StartNetwork(y.shape[1])
    _solve_linear(network, x[used], y[used], held=(x[held], y[held]))
    best = _refine(network, (x[used], y[used]), (x[held], y[held]), epochs, generator)
    print(f"{len(used)} speakers, {len(held)} held out; variance explained on those: {best:.3f}")
    tensors = {f"network.{name}": tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    tensors |= {"mean": mean, "scale": scale}
    about = {"format": "1", "licence": "Apache-2.0", "source": f"{len(x)} speakers made up with kokoro-prior"}
    save_file(tensors, out, about | {"explained": f"{best:.3f}"})


def _solve_linear(network: StartNetwork, x: Tensor, y: Tensor, *, held: tuple[Tensor, Tensor]) -> None:
    """Ridge regression into the linear part, the penalty chosen on the held-out speakers; the rest starts at zero."""
    gram, cross, middle = x.T @ x, x.T @ (y - y.mean(0)), y.mean(0)

    def solution(penalty: float) -> Tensor:
        return torch.linalg.solve(gram + penalty * torch.eye(len(gram)), cross)

    penalty = min((30.0, 100.0, 300.0, 1000.0), key=lambda p: float(mse_loss(held[0] @ solution(p) + middle, held[1])))
    network.linear.weight.data, network.linear.bias.data = solution(penalty).T.contiguous(), middle.clone()
    network.out.weight.data.zero_()
    network.out.bias.data.zero_()


def _refine(
    network: StartNetwork,
    used: tuple[Tensor, Tensor],
    held: tuple[Tensor, Tensor],
    epochs: int,
    generator: torch.Generator,
) -> float:
    """Train the hidden part on noisy inputs; keep the epoch that explains most of the held-out variance."""
    total = float((held[1] - used[1].mean(0)).square().mean())
    optimizer = torch.optim.AdamW([*network.hidden.parameters(), *network.out.parameters()], lr=1e-3, weight_decay=0.1)

    def explained() -> float:
        with torch.inference_mode():
            return 1 - float(mse_loss(network(held[0]), held[1])) / total

    best, kept = explained(), {name: t.clone() for name, t in network.state_dict().items()}
    for _ in range(epochs):
        for rows in torch.randperm(len(used[0]), generator=generator).split(64):
            noisy = used[0][rows] + 0.3 * torch.randn(used[0][rows].shape, generator=generator)
            loss = mse_loss(network(noisy), used[1][rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if (now := explained()) > best:
            best, kept = now, {name: t.clone() for name, t in network.state_dict().items()}
    network.load_state_dict(kept)
    return best


if __name__ == "__main__":
    app()
