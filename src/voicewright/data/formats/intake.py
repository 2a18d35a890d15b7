"""Clips that another program's dataset names, copied or cut into a dataset of our own."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from voicewright.audio.clip import Clip
from voicewright.audio.edit import join
from voicewright.audio.files import describe, read_blocks, sha256_of, write_clip
from voicewright.data.dataset import CLIPS, Dataset
from voicewright.data.formats.base import Found, ImportOptions, copy_file, with_defaults
from voicewright.data.options import PrepareOptions
from voicewright.data.paths import nearest_id, same_id_key
from voicewright.data.problems import Problem
from voicewright.data.surgery import without_text_scores
from voicewright.data.utterance import Source, Utterance
from voicewright.errors import BadClip, BadDataset
from voicewright.progress import Progress, silent

WHOLE_S = 0.02
"""A part that leaves out less than this is the whole file: other programs round their times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A dataset made from another program's, and what could not be used."""

    dataset: Dataset
    utterances: int
    problems: tuple[Problem, ...] = ()


def take_in(
    found: Iterable[Found | Problem],
    out: Path,
    options: ImportOptions,
    *,
    where: str,
    prepared: PrepareOptions | None = None,
    progress: Progress = silent,
) -> Imported:
    """A new dataset of what was found.

    Args:
        where: what it comes from, for messages.
        prepared: the options that the dataset remembers; by default those that the first utterances suggest.

    Raises:
        BadDataset: `out` is not empty, or nothing can be used; the message gives the first problem.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadDataset(f"{out} is there already and not empty; import to another folder and merge")
    items: list[Found] = []
    problems: list[Problem] = []
    for each in found:
        if isinstance(each, Problem):
            problems.append(each)
        else:
            items.append(with_defaults(each, options))
    if not items:
        why = f"; the first problem: {problems[0]}" if problems else ""
        raise BadDataset(f"{where}: there is nothing to import{why}")
    dataset = Dataset.create(out, options.name, prepared or _suggested(items))
    bringer = _Bringer(dataset, options.link, problems)
    utterances: list[Utterance] = []
    for audio, parts in groupby(items, key=lambda item: item.audio):
        utterances += bringer.bring(audio, list(parts))
        progress("import", len(utterances), len(items))
    if not utterances:
        raise BadDataset(f"{where}: there is nothing to import; the first problem: {problems[0]}")
    dataset.replace_base(utterances)
    return Imported(dataset=dataset, utterances=len(utterances), problems=tuple(problems))


def _suggested(items: Sequence[Found]) -> PrepareOptions:
    return PrepareOptions(language=items[0].language, task="speak" if any(item.text for item in items) else "convert")


class _Bringer:
    def __init__(self, dataset: Dataset, link: bool, problems: list[Problem]) -> None:
        self._dataset, self._link, self._problems = dataset, link, problems
        self._taken: set[str] = set()

    def bring(self, audio: Path, items: Sequence[Found]) -> Iterator[Utterance]:
        """The utterances of one file; a problem for each that cannot be used."""
        try:
            seconds, rate = _measure(audio)
            if len(items) == 1 and _is_whole(items[0], seconds):
                yield self._copied(items[0], seconds, rate)
            else:
                yield from self._cut(audio, items, seconds, rate)
        except (BadClip, OSError) as problem:
            self._problems.append(Problem(where=str(audio), what=str(problem).removeprefix(f"{audio}: ")))

    def _copied(self, item: Found, seconds: float, rate: int) -> Utterance:
        name = self._name(item.name)
        relative = f"{CLIPS}/{name}{item.audio.suffix.lower() or '.wav'}"
        copy_file(item.audio, self._dataset.folder / relative, link=self._link)
        return self._utterance(item, name, relative, seconds, rate)

    def _cut(self, audio: Path, items: Sequence[Found], seconds: float, rate: int) -> Iterator[Utterance]:
        usable = []
        for item in items:
            start_s, end_s = item.span_s or (0.0, seconds)
            start_s, end_s = max(0.0, start_s), min(seconds, end_s)
            if end_s - start_s <= 0:
                what = f"the part {start_s:.2f} to {end_s:.2f} s is not in the file, which lasts {seconds:.2f} s"
                self._problems.append(Problem(where=f"{audio}: {item.name}", what=what))
                continue
            usable.append(replace(item, span_s=(start_s, end_s)))
        usable.sort(key=lambda item: item.span_s or (0.0, 0.0))
        digest = sha256_of(audio)
        for item, clip in zip(usable, stretches(audio, [item.span_s or (0, 0) for item in usable]), strict=True):
            name = self._name(item.name)
            relative = f"{CLIPS}/{name}.wav"
            write_clip(self._dataset.folder / relative, clip)
            start_s, end_s = item.span_s or (0.0, seconds)
            source = Source(recording=nearest_id(audio.name), sha256=digest, start_s=start_s, end_s=end_s)
            yield replace(self._utterance(item, name, relative, clip.seconds, rate), source=source)

    def _utterance(self, item: Found, name: str, relative: str, seconds: float, rate: int) -> Utterance:
        digest = sha256_of(self._dataset.folder / relative)
        known = item.known or Utterance(id=name, audio="", sha256="", seconds=0, rate=0, text="", speaker="")
        if item.text != known.text:
            known = replace(known, scores=without_text_scores(known.scores))
        return replace(
            known,
            id=name,
            audio=relative,
            sha256=digest,
            seconds=seconds,
            rate=rate,
            text=item.text,
            speaker=item.speaker,
            language=item.language,
            gold=item.gold,
            split=item.split,
            words=item.words,
        )

    def _name(self, wanted: str) -> str:
        name = nearest_id(wanted)
        if same_id_key(name) in self._taken:
            name = nearest_id(wanted, self._taken)
        self._taken.add(same_id_key(name))
        return name


def stretches(path: Path, spans_s: Sequence[tuple[float, float]]) -> Iterator[Clip]:
    """Parts of a long file, sorted by their beginnings, with memory for one part and a block."""
    blocks = read_blocks(path)
    held: Clip | None = None
    held_from_s = 0.0
    for start_s, end_s in spans_s:
        while held is None or held_from_s + held.seconds < end_s:
            block = next(blocks, None)
            if block is None:
                break
            if held is not None:
                rest = held.between(start_s - held_from_s, held.seconds)
                held_from_s += held.seconds - rest.seconds
                block = join([rest, block])
            held = block
        if held is None:
            raise BadClip(f"{path} holds no sound")
        yield held.between(start_s - held_from_s, end_s - held_from_s)


def _measure(audio: Path) -> tuple[float, int]:
    """Seconds and rate of a file that was decoded to its end, so that a damaged one is found now."""
    rate = describe(audio).rate
    return sum(len(block) for block in read_blocks(audio)) / rate, rate


def _is_whole(item: Found, seconds: float) -> bool:
    return item.span_s is None or (item.span_s[0] <= WHOLE_S and item.span_s[1] >= seconds - WHOLE_S)
