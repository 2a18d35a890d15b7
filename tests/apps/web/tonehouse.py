"""A studio that speaks in tones, served as users are served: `python tonehouse.py HOME [--run] [FLAGS OF serve]`.

The voices, the engine and the meters are those of a made-up speaker (`made_up`, of the training's tests): no network is
loaded, so it is there at once, and everything else is real. Whatever says "slowly" is spoken only once HOME/go exists.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "training"))  # `made_up` is that room's

from made_up import RATE, SPEAKER, Encoder, World, tones_of, voice

from voicewright.apps.cli import main
from voicewright.audio.clip import Clip
from voicewright.audio.edit import resample
from voicewright.audio.files import sha256_of
from voicewright.audio.writer import write_clip
from voicewright.data.dataset import Dataset
from voicewright.data.utterance import Utterance
from voicewright.engines import registry
from voicewright.engines.options import SpeakOptions
from voicewright.home import Home
from voicewright.speech.checks import Checker
from voicewright.speech.options import CheckOptions
from voicewright.studio import Studio
from voicewright.text.piece import Piece
from voicewright.training.training import Training
from voicewright.voice.consent import Consent
from voicewright.voice.file import write_voice
from voicewright.voice.library import Library
from voicewright.voice.voice import Voice

VOICES = {"anna": 0.1, "bert": 0.7}
"""How far each is from the speaker."""
FAR = {0: 0.5, 10: 0.3, 20: 0.1}
"""The same of the run's checkpoints."""
WAIT_S = 60


class Tones(World):
    """The made-up world, in no hurry where it is asked to speak slowly; its meters also check what is spoken."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self._go = home / "go"

    def enroll(self, clips: object, *, name: str, consent: Consent, **about: object) -> Voice:
        return named(name, 0.2)

    def stream(self, pieces: Iterable[Piece], voice: Voice, options: SpeakOptions) -> Iterator[Clip]:
        for piece in pieces:
            until_s = time.monotonic() + WAIT_S
            while "slowly" in piece.spoken and not self._go.exists() and time.monotonic() < until_s:
                time.sleep(0.02)
            for clip in super().stream([piece], voice, options):
                longer = Clip(np.tile(clip.samples, 3), clip.rate)  # as long as it takes to say
                self.said[longer.samples.tobytes()] = self.said[clip.samples.tobytes()]
                yield longer

    def converter(self, voice: Voice, options: object, *, live: bool = False) -> "Parrot":
        return Parrot()

    def checker(self, options: CheckOptions, language: str) -> Checker | None:
        return Checker(encoders=[Encoder("campplus")]) if options.check != "off" else None


class Parrot:
    """Says again what it hears, as it was."""

    rate, home_hz, context_s, longest_s = RATE, 140.0, 0.1, 30.0

    def convert(self, clip: Clip, pitch: object, **settings: object) -> Clip:
        return resample(clip, self.rate)


def named(name: str, distance: float) -> Voice:
    """A voice with a preview."""
    made = voice(distance)
    preview = tones_of(made.tensors["tones"], "This is how I sound when I say something. " * 3)
    return replace(made, name=name, preview=preview, consent=Consent(f"{name} agreed."))


def move_in(world: Tones) -> None:
    """Let the studio know this engine and hear with these meters only."""
    sys.modules["tone_door"] = SimpleNamespace(load=lambda store, *, device, precision: world)  # type: ignore[assignment]
    registry.BUILT_IN["tones"] = "tone_door:load"
    registry.BUILT_IN_CONVERSIONS["tones"] = registry.BUILT_IN_CONVERSIONS["kokoro-tiny"]
    Studio.meters = property(lambda self: world)  # type: ignore[assignment,method-assign]
    Training.at = lambda self, run, checkpoint: (  # type: ignore[assignment,method-assign]
        world,
        named(run.plan.voice or "start", FAR[checkpoint.step if checkpoint else 0]),
    )


def furnish(home: Home) -> None:
    """Two voices."""
    for name, distance in VOICES.items():
        if not (home.voices / f"{name}.voice").exists():
            Library(home.voices).add(named(name, distance))


def train(home: Home) -> None:
    """A dataset of ten clips, and a run of two checkpoints that learned from it; nothing of it was heard yet."""
    from voicewright.training import checkpoint
    from voicewright.training.monitor import Monitor
    from voicewright.training.options import AuditionOptions, TrainingPlan
    from voicewright.training.run import Run

    checkpoint._write_tensors = lambda path, tensors: path.write_bytes(b"")  # there are none, and torch takes its time
    dataset = Dataset.create(home.datasets / "book")
    dataset.replace_base([utterance(dataset, number) for number in range(10)])
    folder = home.runs / "book-1"
    plan = TrainingPlan(
        dataset=str(dataset.folder),
        run=str(folder),
        engine="tones",
        voice="carl",
        audition=AuditionOptions(sentences=2),
    )
    run = Run.create(folder, plan)
    write_voice(named("carl", FAR[0]), run.start_voice)
    with Monitor(run, tensorboard=False) as monitor:
        for step in range(1, 21):
            monitor.row("step", step, step / 10, loss=2.0 - step / 25, lr=1e-4)
        for step in (10, 20):
            info = checkpoint.Checkpoint(
                folder=folder, step=step, steps=20, epoch=step / 10, engine="tones", weights="0"
            )
            checkpoint.write_checkpoint(run.checkpoint_folder, checkpoint.Snapshot(info=info, networks={}))
    run.update(status="finished", step=20, steps=20, epoch=2.0, epochs=2)


def utterance(dataset: Dataset, number: int) -> Utterance:
    """A clip of the speaker; two of ten are held out, one was dropped."""
    text = f"There were {number} chairs around the table, and nobody sat on them."
    clip, audio = tones_of(SPEAKER, text * 2), f"clips/u{number}.wav"
    write_clip(dataset.folder / audio, clip)
    return Utterance(
        id=f"u{number}",
        audio=audio,
        sha256=sha256_of(dataset.folder / audio),
        seconds=clip.seconds,
        rate=RATE,
        text=text,
        speaker="carl",
        split="validation" if number > 7 else "train",
        flags=("a word may be wrong",) if number == 1 else (),
        dropped="too short" if number == 0 else "",
    )


if __name__ == "__main__":
    root = Path(sys.argv[1])
    flags = sys.argv[2:]
    home = Home(root)
    move_in(Tones(root))
    furnish(home)
    if "--run" in flags:
        flags.remove("--run")
        train(home)
    sys.exit(main(["--home", str(root), "--offline", "serve", *flags]))
