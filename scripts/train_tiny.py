"""`make train-tiny`: the whole way of a training run, with an engine's tiny twin: in minutes, not in an hour.

20 steps with auditions; the same 20 without, and with a `kill -9` in the middle, which must give the same weights to
the bit; the same 20 in two processes, which must give the same losses; then the result is exported and speaks, or
converts a recording where the engine does not speak.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import file_digest
from pathlib import Path

from voicewright.engines.clips import ENGINE_CLIPS
from voicewright.samples import AUSTEN

STEPS = 20
SAVED_EVERY = 10
"""Steps; two of them are an epoch."""
SHORT = {"kokoro-tiny": ("recipe.crop_s=0.4", "recipe.spoken_s=1.6")}
"""What an engine's steps look at, where it would otherwise be seconds of sound."""
CLOSE = 1e-3
"""Losses of one and of two processes may differ by this much, relatively: sums are made in another order."""
PATIENCE_S = 240


def main() -> int:
    """Run it all in a folder; raises AssertionError where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("train-tiny"), help="where everything goes; emptied first")
    parser.add_argument("--engine", default="kokoro-tiny")
    given = parser.parse_args()
    shutil.rmtree(given.folder, ignore_errors=True)
    given.folder.mkdir(parents=True)
    os.chdir(given.folder)
    voicewright("prepare", str(AUSTEN), "--speaker", "reader", "-o", "dataset")

    speaks = ENGINE_CLIPS[given.engine].text
    start = "runs/whole/start.voice" if speaks else ""
    train(given.engine, "whole", "audition.sentences=1")
    interrupted = train(given.engine, "interrupted", "audition.sentences=0", start=start, kill=True)
    same = weights("whole") == weights("interrupted")
    print(f"killed at step {interrupted}, gone on with, never heard, the same weights: {'yes' if same else 'NO'}")
    require(same, "a run that was killed and gone on with has other weights")

    train(given.engine, "two", "audition.sentences=0", "processes=2", start=start)
    one, two = losses("whole"), losses("two")
    apart = max(abs(a - b) / abs(a) for a, b in zip(one, two, strict=True))
    print(f"two processes against one: losses differ by {apart:.1e} at most ({one[0]:.3f} … {one[-1]:.3f})")
    require(len(one) == STEPS, f"{len(one)} steps were written down, not {STEPS}")
    require(apart < CLOSE, "two processes have other losses than one")

    voicewright("runs", "export", "runs/whole", "-o", "tiny.voice")
    use = ["speak", "One two three.", "--check", "off"] if speaks else ["convert", str(next(AUSTEN.glob("*.flac")))]
    voicewright(*use, "--voice", "tiny.voice", "-o", "voice.wav")
    voicewright(*use, "--engine", "runs/whole", "-o", "run.wav")
    require(sound("voice.wav") == sound("run.wav"), "the exported voice sounds other than its run")
    print(f"exported, and {'speaks' if speaks else 'converts'}: {Path('voice.wav').resolve()}")
    return 0


def train(engine: str, name: str, *more: str, start: str = "", kill: bool = False) -> int:
    """Plan and train a run; with `kill`, kill -9 it after its first checkpoint and go on: the step of that kill."""
    settings = ["start_preset=quick", "batch_size=2", f"save_every={SAVED_EVERY // 2}", "ema=0.9"]
    settings += [*SHORT.get(engine, ()), *more]
    flags = [part for setting in settings for part in ("--set", setting)]
    flags += ["--start", start] if start else []
    plan = f"{name}.yaml"
    voicewright(
        "plan", "dataset", "--engine", engine, "--run", f"runs/{name}", "--epochs", str(STEPS // 2), "-o", plan,
        "--no-trial", *flags,
    )  # fmt: skip
    killed = killed_at(plan, name) if kill else 0
    voicewright("train", plan)
    return killed


def killed_at(plan: str, name: str) -> int:
    """Start a run, and kill it when it has gone a step beyond a checkpoint."""
    trainer = subprocess.Popen(command("train", plan), stderr=subprocess.DEVNULL, start_new_session=True)
    since = time.monotonic()
    while not any(Path(f"runs/{name}/checkpoints").glob("step-*")) or len(losses(name)) % SAVED_EVERY == 0:
        require(time.monotonic() - since < PATIENCE_S and trainer.poll() is None, "it was not there to be killed")
        time.sleep(0.01)
    os.killpg(trainer.pid, signal.SIGKILL)
    trainer.wait()
    return len(losses(name))


def command(*arguments: str) -> list[str]:
    """float32: two processes see other batches than one, and bfloat16 would round them apart."""
    return [sys.executable, "-m", "voicewright", "--home", "home", "--precision", "float32", *arguments]


def voicewright(*arguments: str) -> None:
    """Run a command; its report is not shown unless it fails."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    require(done.returncode == 0, f"voicewright {' '.join(arguments)}\n{done.stdout}{done.stderr}")


def losses(name: str) -> list[float]:
    """The loss of every step of a run."""
    path = Path(f"runs/{name}/metrics.jsonl")
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    return [row["loss"] for row in rows if row["kind"] == "step"]


def weights(name: str) -> list[str]:
    """Hashes of the weights, and of their average, in the newest checkpoint of a run."""
    newest = max(Path(f"runs/{name}/checkpoints").glob("step-*"))
    require(newest.name == f"step-{STEPS:08d}", f"{name} ended at {newest.name}")
    return [digest(newest / file) for file in ("weights.safetensors", "average.safetensors")]


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def sound(path: str) -> bytes:
    import soundfile

    samples, _ = soundfile.read(path)
    require(len(samples) > 0, f"{path} is empty")
    return bytes(samples.tobytes())


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise AssertionError(otherwise)


if __name__ == "__main__":
    sys.exit(main())
