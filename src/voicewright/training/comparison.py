"""`compare`: two voices on texts that no audition used, with how sure the difference is, and a plain verdict.

FOLDER/comparison.json  index.html  curve.png  a/01.flac …  b/01.flac …
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from voicewright.audio.writer import write_clip
from voicewright.engines.base import Converts, Speaks
from voicewright.errors import BadRun, BadSetting
from voicewright.progress import Progress, silent
from voicewright.settings import from_dict, to_dict
from voicewright.training.audition import Auditor
from voicewright.training.choice import best
from voicewright.training.curve import draw_curve
from voicewright.training.judging import FEWEST, Difference, Verdict, differences, judged
from voicewright.training.listening import Ears, Heard
from voicewright.training.page import write_page
from voicewright.training.run import Run
from voicewright.training.texts import Task
from voicewright.voice.voice import Voice

if TYPE_CHECKING:
    from voicewright.training.checkpoint import Checkpoint

    At: TypeAlias = Callable[[Checkpoint | None], tuple[Speaks | Converts, Voice]]
    """The engine and the voice as a checkpoint has them; None: as the run started."""
    AtRun: TypeAlias = Callable[[Run, Checkpoint | None], tuple[Speaks | Converts, Voice]]

SENTENCES = 24
FACTS = "comparison.json"
NOT_FIGURES = {"kind", "step", "epoch", "time"}


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of two voices: its name, and how to get it. It is asked for when it speaks, one side after the other."""

    name: str
    open: Callable[[], tuple[Speaks | Converts, Voice]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure of the recipe's own `validate`, on recordings that are held out; lower is better."""

    name: str
    a: float
    b: float

    @property
    def change(self) -> str:
        """In percent, as it is written; "" where it was nothing."""
        return f"{100 * (self.b - self.a) / abs(self.a):+.1f} %" if self.a else ""

    def __str__(self) -> str:
        return f"{self.name.replace('_', ' ')}: {self.a:.4g} → {self.b:.4g} ({self.change or 'new'})"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What was found: b against a. `ceiling` is how like their own centre the speaker's recordings are."""

    a: str
    b: str
    verdict: Verdict
    why: str
    differences: tuple[Difference, ...]
    heard_a: tuple[Heard, ...]
    heard_b: tuple[Heard, ...]
    validation: tuple[Change, ...] = ()
    ceiling: Mapping[str, float]
    notes: tuple[str, ...] = ()
    format: int = 1

    def lines(self) -> list[str]:
        """The comparison in sentences, the verdict first."""
        ceiling = ", ".join(f"{name} {value:.2f}" for name, value in self.ceiling.items())
        return [
            f"{self.b} against {self.a}: {self.verdict}. {self.why}",
            f"On {len(self.heard_a)} texts that no audition used (mean → mean, difference, 95 % interval):",
            *(f"  {each}" for each in self.differences),
            f"  The speaker's own recordings reach: {ceiling}.",
            *(["On held-out recordings (lower is better):"] if self.validation else []),
            *(f"  {each}" for each in self.validation),
            *self.notes,
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def compare(
    run: Run,
    at: "At",
    auditor: Auditor,
    *,
    checkpoint: "Checkpoint | None" = None,
    folder: Path | None = None,
    sentences: int = SENTENCES,
    progress: Progress = silent,
) -> Comparison:
    """The voice that a run started from against its best checkpoint, or `checkpoint`; the answer may be "no".

    When no checkpoint beat the start in the auditions, the one that came nearest is compared all the same. Both sides
    speak `sentences` texts that the auditions did not use. Sounds, a page and the curve go to `folder`, by default
    run/comparison; what was there is replaced.

    Raises:
        BadRun: the run has no checkpoint that was heard. BadSetting: too few texts.
    """
    notes = list(auditor.notes)
    if checkpoint is None:
        found = best(run)
        checkpoint = found.checkpoint or found.leading
        notes += [] if found.checkpoint else [found.reasons[0]]
        if checkpoint is None:
            raise BadRun(f"{run.folder}: {found.reasons[0]}")
    chosen = checkpoint
    sides = Side(name="start", open=lambda: at(None)), Side(name=f"step {chosen.step}", open=lambda: at(chosen))
    return compare_voices(
        *sides,
        auditor,
        folder or run.folder / "comparison",
        sentences=sentences,
        about=About(run=run, step=chosen.step, notes=tuple(notes), against_start=True),
        progress=progress,
    )


def compare_runs(
    a: Run,
    b: Run,
    at: "AtRun",
    auditor: Auditor,
    folder: Path,
    *,
    sentences: int = SENTENCES,
    progress: Progress = silent,
) -> Comparison:
    """The best of two runs against each other (the voice it started from, where no checkpoint is better), heard by the
    `auditor` of b. Raises as `compare_voices`; BadRun: one was not heard."""

    def side(run: Run, chosen: "Checkpoint | None") -> Side:
        name = f"{run.folder.resolve().name}, {f'step {chosen.step}' if chosen else 'start'}"
        return Side(name=name, open=lambda: at(run, chosen))

    first, second = best(a).checkpoint, best(b).checkpoint
    about = About(run=b, step=second.step if second else 0, notes=auditor.notes)
    sides = side(a, first), side(b, second)
    return compare_voices(*sides, auditor, folder, sentences=sentences, about=about, progress=progress)


@dataclass(frozen=True, kw_only=True)
class About:
    """What is known beside what is heard: the `run` whose curve is drawn, and the `step` whose validation is shown."""

    run: Run | None = None
    step: int = 0
    notes: tuple[str, ...] = ()
    against_start: bool = False
    """Whether a is the voice that the run started from."""


def compare_voices(
    a: Side,
    b: Side,
    auditor: Auditor,
    folder: Path,
    *,
    sentences: int = SENTENCES,
    about: About | None = None,
    progress: Progress = silent,
) -> Comparison:
    """Any two voices of one speaker against each other: of two runs, two engines, two libraries; b against a.

    Raises:
        BadSetting: fewer than 5 texts. As `Auditor.ears`, and as the engines when they speak.
    """
    about = about or About(notes=auditor.notes)
    tasks = auditor.more(sentences)
    if len(tasks) < FEWEST:
        what = "recordings" if auditor.converts else "texts"
        raise BadSetting(
            f"two voices are compared on {FEWEST} {what} or more, and there are {len(tasks)} that nothing was learned "
            "from and no audition used; ask for more (--sentences), or hold more recordings out: voicewright dataset "
            "split DATASET --validation 0.1"
        )
    if folder.exists() and any(folder.iterdir()) and not (folder / FACTS).is_file():
        raise BadSetting(f"{folder} holds something else; name another folder for the comparison")
    ears = auditor.ears(about.run.auditions if about.run else folder.parent, progress)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    heard_a = _performed(a, "a", tasks, ears, part, progress)
    heard_b = _performed(b, "b", tasks, ears, part, progress)
    found = differences(heard_a, heard_b)
    verdict, why = judged(found)
    comparison = Comparison(
        a=a.name,
        b=b.name,
        verdict=verdict,
        why=why,
        differences=found,
        heard_a=heard_a,
        heard_b=heard_b,
        validation=_validation(about.run, about.step) if about.run and about.against_start else (),
        ceiling=dict(ears.speaker.ceiling),
        notes=about.notes,
    )
    if about.run:
        draw_curve(about.run, part / "curve.png", chosen=about.step)
    write_page(part, comparison)
    (part / FACTS).write_text(json.dumps(to_dict(comparison), indent=1, ensure_ascii=False) + "\n", "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return comparison


def read_comparison(folder: Path) -> Comparison:
    """The comparison in `folder`. Raises BadRun: there is none, or it cannot be read."""
    path = folder / FACTS
    try:
        given: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return from_dict(Comparison, given, where=str(path))
    except (OSError, ValueError, TypeError) as problem:
        raise BadRun(f"{path}: no comparison can be read here ({problem}); compare again") from None


def _performed(
    side: Side, letter: str, tasks: Sequence[Task], ears: Ears, folder: Path, progress: Progress
) -> tuple[Heard, ...]:
    engine, voice = side.open()
    (folder / letter).mkdir(parents=True)
    heard = []
    for number, task in enumerate(tasks, start=1):
        progress(f"comparing: {side.name}", number - 1, len(tasks))
        done = ears.perform(engine, voice, task)
        sound = f"{letter}/{number:02d}.flac" if len(done.clip) else ""
        if sound:
            write_clip(folder / sound, done.clip)
        heard.append(ears.listen(task, done, sound=sound))
    return tuple(heard)


def _validation(run: Run, step: int) -> tuple[Change, ...]:
    """What the recipe's own validation says of the start and of `step`; () when one of them was not looked at."""
    rows = {row["step"]: row for row in run.rows("validation")}
    if 0 not in rows or step not in rows:
        return ()
    before, after = rows[0], rows[step]
    names = [name for name in before if name not in NOT_FIGURES and isinstance(before[name], int | float)]
    return tuple(
        Change(name=name, a=before[name], b=after[name]) for name in names if isinstance(after.get(name), int | float)
    )
