"""How fast a so-vits-svc network converts here, and how fast in so-vits-svc-fork; the same weights, side by side.

    python benchmarks/sovits_speed.py --fork FORK/bin/python --json benchmarks/sovits_speed.json

FORK is an environment of its own with so-vits-svc-fork in it (`pip install --no-deps so-vits-svc-fork` beside torch is
enough: what its network does not need and is not installed is stood in for). A checkpoint of the published size (4.0v1)
with random weights is written, and read by both. Each turn starts a process of either, one after the other, that
converts made-up content features and a gliding pitch; so what else the machine does falls on both. The pitch tracker
and the content encoder are left out: they are the same models in both. How far the two waves are apart is told for the
same random draws. Threads sleep while they wait, in both: on a busy machine they would spin for most of the time.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch

RATE, HOP, CONTENT, LATENTS, HARMONICS = 44_100, 512, 768, 192, 9
WHO = ("fork", "float32", "bfloat16")
NOT_NEEDED = {
    "joblib", "librosa", "matplotlib", "parselmouth", "pyworld", "requests", "scipy", "sklearn", "soundfile",
    "torchaudio", "torchcrepe", "tqdm_joblib", "transformers",
}  # fmt: skip
Infer = Callable[[int], torch.Tensor]
"""So many frames -> samples."""
WARM_FRAMES = 86


def main() -> int:
    """Measure and print; with --json, write it down too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fork", required=True, type=Path, metavar="PYTHON", help="of its environment")
    parser.add_argument("--seconds", nargs="+", type=float, default=[5.0, 10.0, 30.0])
    parser.add_argument("--turns", type=int, default=5, help="of each, for each length")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--run", nargs=3, metavar=("WHO", "FOLDER", "SECONDS"), help=argparse.SUPPRESS)
    parser.add_argument("--wave", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        run(*given.run, threads=given.threads, wave=given.wave)
        return 0
    pythons = {"fork": str(given.fork), "float32": sys.executable, "bfloat16": sys.executable}
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_checkpoint(folder)
        report = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
            "command": f"benchmarks/sovits_speed.py --fork PYTHON --seconds {' '.join(f'{s:g}' for s in given.seconds)}"
            f" --turns {given.turns} --threads {given.threads}",
            "torch": torch.__version__,
            "threads": given.threads,
            "apart": apart(pythons, folder, min(given.seconds), given.threads),
            "lengths": [compared(pythons, folder, s, given.turns, given.threads) for s in given.seconds],
        }
    print(json.dumps(report, indent=1))
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    return 0


def write_checkpoint(folder: Path) -> None:
    """G_0.pth and config.json of the published size."""
    from voicewright.engines.sovits.config import SovitsConfig
    from voicewright.engines.sovits.synthesizer import Synthesizer
    from voicewright.engines.sovits.upstream import write_upstream

    torch.manual_seed(0)
    write_upstream(Synthesizer(SovitsConfig()), folder / "G_0.pth", speakers={"someone": 0})


def compared(pythons: Mapping[str, str], folder: Path, seconds: float, turns: int, threads: int) -> dict[str, Any]:
    """Medians over the turns, and of the ratios within each turn."""
    rows: dict[str, list[dict[str, float]]] = {who: [] for who in WHO}
    for turn in range(turns):
        for who in WHO if turn % 2 else reversed(WHO):
            rows[who].append(started(pythons[who], who, folder, seconds, threads))
            print(f"{seconds:g} s, turn {turn + 1}: {who} {rows[who][-1]}", file=sys.stderr)
    told: dict[str, Any] = {"seconds": seconds}
    for who, taken in rows.items():
        told[who] = {key: round(median(row[key] for row in taken), 3) for key in taken[0]}
    for who in WHO[1:]:
        for key in ("wall_s", "cpu_s"):
            ratios = [theirs[key] / ours[key] for theirs, ours in zip(rows["fork"], rows[who], strict=True)]
            told[who][f"times_as_fast_{key.removesuffix('_s')}"] = round(median(ratios), 2)
    return told


def apart(pythons: Mapping[str, str], folder: Path, seconds: float, threads: int) -> dict[str, float]:
    """The largest difference from the fork's wave, and from its loudest sample, for the same draws."""
    waves = {}
    for who in WHO:
        started(pythons[who], who, folder, seconds, threads, wave=folder / f"{who}.npy")
        waves[who] = np.load(folder / f"{who}.npy")
    told = {f"{who}_from_fork": float(np.abs(waves[who] - waves["fork"]).max()) for who in WHO[1:]}
    return told | {"loudest": float(np.abs(waves["fork"]).max())}


def started(
    python: str, who: str, folder: Path, seconds: float, threads: int, wave: Path | None = None
) -> dict[str, float]:
    """What a process of its own measured."""
    command = [python, __file__, "--fork", "-", "--run", who, str(folder), str(seconds), "--threads", str(threads)]
    done = subprocess.run(
        [*command, *(["--wave", str(wave)] if wave else [])],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"},
    )
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def run(who: str, folder: str, seconds: str, *, threads: int, wave: Path | None) -> None:
    """In the process: convert a second to warm up, then what counts; print how long, and how much memory at most."""
    torch.set_num_threads(threads)
    frames = int(float(seconds) * RATE) // HOP
    if wave:
        replay(frames)
    infer = (fork if who == "fork" else ours)(Path(folder), who)
    if not wave:
        infer(WARM_FRAMES)
    since, used = time.perf_counter(), time.process_time()
    made = infer(frames)
    taken = {"wall_s": time.perf_counter() - since, "cpu_s": time.process_time() - used, "peak_mb": peak_mb()}
    if wave:
        np.save(wave, made.float().numpy())
    print(json.dumps({key: round(value, 3) for key, value in taken.items()}))


def peak_mb() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def inputs(frames: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Content (1, 768, t), a pitch (1, t) that glides over an octave, and voicing (1, t)."""
    content = torch.randn(1, CONTENT, frames, generator=torch.Generator().manual_seed(1))
    f0_hz = 150 * 2 ** torch.linspace(0, 1, frames)[None]
    return content, f0_hz, torch.ones(1, frames)


def ours(folder: Path, who: str) -> Infer:
    """Our network, as a conversion loads and calls it."""
    from voicewright.engines.sovits.noise import RandomNoise, ReplayedNoise
    from voicewright.engines.sovits.upstream import load_synthesizer

    config = json.loads((folder / "config.json").read_text("utf-8"))
    network, _ = load_synthesizer(folder / "G_0.pth", config)

    def infer(frames: int) -> torch.Tensor:
        content, f0_hz, voiced = inputs(frames)
        stored = _Stored.draws
        noise = ReplayedNoise(stored[:3]) if stored else RandomNoise(torch.Generator().manual_seed(0))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=who == "bfloat16"):
            return network.infer(content, f0_hz, voiced, torch.zeros(1, dtype=torch.int64), noise)[0][0, 0]

    return infer


def fork(folder: Path, who: str) -> Infer:
    """The fork's network, as its `Svc` loads and calls it."""
    sys.meta_path.append(StandIns())
    utils = import_module("so_vits_svc_fork.utils")
    SynthesizerTrn = import_module("so_vits_svc_fork.modules.synthesizers").SynthesizerTrn

    hps = utils.get_hparams(folder / "config.json")
    network = SynthesizerTrn(
        hps.data.filter_length // 2 + 1, hps.train.segment_size // hps.data.hop_length, **hps.model
    )
    utils.load_checkpoint(folder / "G_0.pth", network, None)
    network.eval()
    for module in network.modules():
        utils.remove_weight_norm_if_exists(module)

    def infer(frames: int) -> torch.Tensor:
        content, f0_hz, voiced = inputs(frames)
        with torch.no_grad():
            speaker = torch.zeros(1, 1, dtype=torch.int64)
            wave: torch.Tensor = network.infer(content, f0=f0_hz, g=speaker, uv=voiced, noice_scale=0.4)[0, 0]
            return wave.data.float()

    return infer


class StandIns:
    """Empty modules for packages that the fork imports beside its network, where they are not installed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        wanted = name.partition(".")[0] in NOT_NEEDED
        return ModuleSpec(name, self, is_package=True) if wanted else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        made = ModuleType(spec.name)
        made.__getattr__ = lambda name: MagicMock()  # type: ignore[method-assign]
        return made

    def exec_module(self, module: ModuleType) -> None: ...


class _Stored:
    """Draws that both are given: the latents', where harmonics begin, the source's noise, and one that the fork makes
    and does not use."""

    draws: tuple[torch.Tensor, ...] = ()


def replay(frames: int) -> None:
    """From now on, PyTorch's own draws are these, in their order."""
    generator = torch.Generator().manual_seed(2)
    samples = frames * HOP
    _Stored.draws = (
        torch.randn(1, LATENTS, frames, generator=generator),
        torch.rand(1, HARMONICS, generator=generator),
        torch.randn(1, samples, HARMONICS, generator=generator),
        torch.randn(1, samples, 1, generator=generator),
    )
    left = iter(_Stored.draws)
    setattr(torch, "randn_like", lambda like, **_: next(left))  # noqa: B010
    setattr(torch, "rand", lambda *shape, **_: next(left))  # noqa: B010


if __name__ == "__main__":
    sys.exit(main())
