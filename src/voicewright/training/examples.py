"""From a dataset to the examples that a recipe learns from, with everything checked that can be wrong with them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice

from voicewright.audio.files import describe, sha256_of
from voicewright.data.dataset import Dataset
from voicewright.data.summary import Amount, Summary
from voicewright.data.utterance import Split, Utterance
from voicewright.engines.clips import ENGINE_CLIPS, ClipLimits
from voicewright.engines.recipe import Example
from voicewright.engines.registry import DEFAULT
from voicewright.errors import BadClip, BadDataset, BadSetting
from voicewright.training.remarks import Remark, noted

ANY_CLIP = ClipLimits(rate=0, shortest_s=0.0, longest_s=float("inf"), likely_s=0.0)
"""Of engines that do not say which clips they take."""
LEAST_S, ENOUGH_S = 60.0, 180.0
"""Tuning is meant for three minutes or more; with less than one, a few odd clips decide what is learned."""
NAMED = 3
"""So many files, reasons or speakers are named; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """What one speaker's dataset holds to learn from, and what to know about it."""

    train: tuple[Example, ...]
    validation: tuple[Example, ...] = ()
    test: tuple[Example, ...] = ()
    speaker: str = ""
    language: str = "en-us"
    """What most of it is spoken in."""
    remarks: tuple[Remark, ...] = ()

    @property
    def seconds(self) -> float:
        """Of the clips that are trained on."""
        return sum(example.seconds for example in self.train)

    @property
    def minutes(self) -> float:
        """Of the clips that are trained on."""
        return self.seconds / 60


def examples_of(dataset: Dataset, speaker: str = "", *, engine: str = DEFAULT, others: Sequence[str] = ()) -> Examples:
    """The kept utterances of one speaker, or of some, as examples, in the manifest's order.

    That a clip's file is there and of the right rate is looked up now; that its bytes are those of the manifest when it
    is prepared (`require_unchanged`).

    Args:
        speaker: whose; may be empty when the dataset has only one.
        engine: the engine that is to learn: it decides whether text is needed.
        others: who is learned beside the speaker.

    Raises:
        BadDataset: nothing is kept, nobody or somebody else speaks, sound or every text is missing, or nothing is left
            to train on. The message names the file and what to do.
    """
    limits = ENGINE_CLIPS.get(engine, ANY_CLIP)
    if others and not limits.several:
        raise BadSetting(f"others: {engine} learns one speaker at a time; leave them out")
    summary = dataset.summary()
    _require_kept(dataset, summary)
    name = _speaker(dataset, summary, speaker)
    who = {name, *(_speaker(dataset, summary, other) for other in others)}
    spoken = [each for each in dataset.kept() if each.speaker in who]
    wanted = [each for each in spoken if not limits.text or each.text.strip()]
    if not wanted:
        raise BadDataset(
            f"{dataset.manifest}: none of the {len(spoken)} clips has a text, and {engine} learns from texts; prepare "
            f"it to speak: voicewright prepare RECORDINGS -o {dataset.folder} --task speak"
        )
    _require_sound(dataset, wanted)
    sides = {split: tuple(_example(dataset, each) for each in wanted if each.split == split) for split in _SPLITS}
    if not sides["train"]:
        raise BadDataset(
            f"{dataset.manifest}: every kept clip is set aside for validation or a test, none is left to train on; "
            f"share them out anew: voicewright dataset split {dataset.folder} --validation 0.05 --test 0"
        )
    languages = Counter[str]()
    for each in wanted:
        languages[each.language] += round(1000 * each.seconds)
    remarks = (
        *_on_amount(sides["train"]),
        *_on_validation(dataset, sides["validation"]),
        *_on_texts(dataset, [each for each in spoken if each not in wanted], engine),
        *_on_languages(languages),
        *_on_limits(wanted, limits, engine),
    )
    language = languages.most_common(1)[0][0]
    return Examples(
        train=sides["train"],
        validation=sides["validation"],
        test=sides["test"],
        speaker=name,
        language=language,
        remarks=remarks,
    )


def require_unchanged(example: Example) -> None:
    """Raises BadDataset: the example's file is gone, or its bytes are others than when the dataset listed it."""
    try:
        same = sha256_of(example.audio) == example.sha256
    except BadClip as problem:
        raise BadDataset(f"{problem}; bring it back, or drop the clip {example.id!r}") from None
    if not same:
        raise BadDataset(
            f"{example.audio} was changed since the dataset listed it; bring the old file back, or see what is wrong: "
            f"voicewright dataset check DATASET"
        )


_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def _example(dataset: Dataset, utterance: Utterance) -> Example:
    return Example(
        id=utterance.id,
        audio=dataset.audio(utterance),
        sha256=utterance.sha256,
        seconds=utterance.seconds,
        text=utterance.text,
        speaker=utterance.speaker,
        language=utterance.language,
        words=tuple((word.text, word.start_s, word.end_s) for word in utterance.words),
    )


def _require_kept(dataset: Dataset, summary: Summary) -> None:
    if summary.kept.utterances:
        return
    if not summary.dropped.utterances:
        raise BadDataset(
            f"{dataset.manifest}: the dataset is empty; fill it: voicewright prepare RECORDINGS -o {dataset.folder}"
        )
    most = sorted(summary.reasons.items(), key=lambda item: -item[1].utterances)
    reasons = ", ".join(f"{reason} ({amount.utterances})" for reason, amount in most[:NAMED])
    raise BadDataset(
        f"{dataset.manifest}: all {summary.dropped.utterances} clips are dropped, most often because: {reasons}; look "
        f"at them: voicewright dataset show {dataset.folder} --dropped; use one all the same: voicewright dataset edit "
        f"{dataset.folder} ID --keep"
    )


def _speaker(dataset: Dataset, summary: Summary, asked: str) -> str:
    known = list(summary.speakers)
    if asked in summary.speakers:
        return asked
    if asked:
        near = get_close_matches(asked, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {_listed(summary)}"
        raise BadDataset(f"{dataset.manifest}: nobody called {asked!r} speaks in it; {hint}")
    if len(known) > 1:
        raise BadDataset(
            f"{dataset.manifest}: {len(known)} people speak in it, and a voice is one person's; say whose: "
            f"--speaker NAME; there are: {_listed(summary)}"
        )
    return known[0]


def _listed(summary: Summary) -> str:
    """The speakers with their minutes, those who speak most first."""

    def told(name: str, amount: Amount) -> str:
        return f"{name!r} ({amount.seconds / 60:.1f} min)"

    first = [told(name, amount) for name, amount in islice(summary.speakers.items(), 3 * NAMED)]
    more = len(summary.speakers) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def _require_sound(dataset: Dataset, utterances: Sequence[Utterance]) -> None:
    problems = list(_sound_problems(dataset, utterances))
    if problems:
        left = len(problems) - 1
        more = f" (and {left} more file{'s' if left > 1 else ''})" if left else ""
        raise BadDataset(
            f"{problems[0]}{more}; bring the files back, or see all that is wrong and drop it: voicewright dataset "
            f"check {dataset.folder}"
        )


def _sound_problems(dataset: Dataset, utterances: Sequence[Utterance]) -> Iterator[str]:
    for each in utterances:
        path = dataset.audio(each)
        try:
            found = describe(path)
        except BadClip as problem:
            yield str(problem)
            continue
        if found.rate != each.rate:
            yield f"{path} has {found.rate} samples a second, the manifest says {each.rate}"
        elif abs(found.seconds - each.seconds) > 0.1:
            yield f"{path} lasts {found.seconds:.1f} s, the manifest says {each.seconds:.1f} s"


def _on_amount(train: Sequence[Example]) -> Iterator[Remark]:
    seconds = sum(example.seconds for example in train)
    if seconds < LEAST_S:
        yield noted(
            f"there are only {seconds:.0f} s to train on; under a minute, a voice cloned without training is usually "
            f"better: compare them before you use the trained one"
        )
    elif seconds < ENOUGH_S:
        yield noted(
            f"there are {seconds / 60:.1f} minutes to train on; from {ENOUGH_S / 60:.0f} minutes on training usually "
            f"pays: compare with the voice it started from"
        )


def _on_validation(dataset: Dataset, validation: Sequence[Example]) -> Iterator[Remark]:
    if not validation:
        yield noted(
            f"no clip is set aside for validation: auditions compare with clips that were trained on, and nothing "
            f"warns of learning by heart; set some aside: voicewright dataset split {dataset.folder} --validation 0.05"
        )


def _on_texts(dataset: Dataset, silent: Sequence[Utterance], engine: str) -> Iterator[Remark]:
    if silent:
        yield noted(
            f"{_count(silent)} no text and {'is' if len(silent) == 1 else 'are'} left out, for {engine} learns from "
            f"texts ({_names(silent)}); write one: voicewright dataset edit {dataset.folder} ID --text TEXT"
        )


def _on_languages(languages: Counter[str]) -> Iterator[Remark]:
    if len(languages) > 1:
        spoken = ", ".join(f"{language} ({ms / 60_000:.1f} min)" for language, ms in languages.most_common())
        main = languages.most_common(1)[0][0]
        yield noted(
            f"the clips are in {len(languages)} languages: {spoken}; each is read in its own, and the voice is heard "
            f"in {main}",
            "language",
        )


def _on_limits(utterances: Sequence[Utterance], limits: ClipLimits, engine: str) -> Iterator[Remark]:
    """What was not cut for this engine."""
    long = [each for each in utterances if each.seconds > limits.longest_s + 0.01]
    short = [each for each in utterances if each.seconds < limits.shortest_s - 0.01]
    wordy = [
        each for each in utterances if limits.text and limits.longest_text and len(each.text) > limits.longest_text
    ]
    low = [each for each in utterances if each.rate < limits.rate]
    for found, has in (
        (long, f"more than the {limits.longest_s:g} s"),
        (short, f"less than the {limits.shortest_s:g} s"),
        (wordy, f"more than the {limits.longest_text} letters of text"),
        (low, f"fewer than the {limits.rate} samples a second"),
    ):
        if found:
            yield noted(f"{_count(found)} {has} that clips for {engine} should have ({_names(found)})")


def _count(found: Sequence[Utterance]) -> str:
    return "1 clip has" if len(found) == 1 else f"{len(found)} clips have"


def _names(found: Sequence[Utterance]) -> str:
    names = ", ".join(each.id for each in found[:NAMED])
    return names + (" …" if len(found) > NAMED else "")
