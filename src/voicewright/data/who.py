"""Who speaks when in every recording, and what they are called."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from voicewright.data.diarization import Diarization, DiarizationOptions, Vectors, cluster, name_speakers
from voicewright.data.problems import Problem
from voicewright.data.reconcile import Conflict, reconcile
from voicewright.data.transcripts.line import Line
from voicewright.data.turns import Turn, tidy
from voicewright.data.utterance import TimedWord
from voicewright.data.voices import Voices


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The voices heard in a part of a recording that begins at `start_s`."""

    recording: str
    start_s: float
    voices: Voices


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A recording's human text: its lines, and the words that are in the sound, each with the number of its line."""

    lines: Sequence[Line]
    words: Sequence[tuple[int, TimedWord]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """`turns` of each recording in its own time; one person has one name in all of them. `conflicts` with the text."""

    turns: Mapping[str, list[Turn]]
    conflicts: Mapping[str, Sequence[Conflict]]
    problems: Sequence[Problem] = ()


def who_speaks(
    sections: Sequence[Section],
    texts: Mapping[str, Spoken],
    *,
    speakers: int = 0,
    wanted: str = "",
    sample: Vectors | None = None,
) -> Who:
    """Group the voices into people and name them: as a text calls them, else "speaker1", "speaker2", …

    Args:
        texts: of the recordings that have one.
        speakers: how many people there are; 0: find out.
        wanted: the wanted speaker's name. If no text has it, it is given to the one like `sample`, or without a sample
            to the one who speaks most.

    Raises:
        BadSetting: nobody sounds like the sample.
    """
    found = cluster([section.voices for section in sections], DiarizationOptions(speakers=speakers))
    labelled = _by_recording(sections, found)
    told = {name: reconcile(own.lines, own.words, labelled.get(name, ())) for name, own in texts.items()}
    weights: dict[tuple[str, str], float] = defaultdict(float)
    for each in told.values():
        for voice, name in each.names.items():
            weights[voice, name] += each.seconds.get((voice, name), 0.0)
    names = {voice: name for (voice, name), _ in sorted(weights.items(), key=lambda item: item[1])}
    problems = []
    if wanted and wanted not in names.values() and found.centres:
        chosen = _chosen(found, wanted, sample)
        if chosen in names:
            what = (
                f"{wanted!r} is {names[chosen]!r} in the transcript; if another is meant, say --speaker NAME as there"
            )
            problems.append(Problem(where="speakers", what=what))
        names[chosen] = wanted
    return Who(
        turns=_by_recording(sections, found.renamed(names)),
        conflicts={name: each.conflicts for name, each in told.items() if each.conflicts},
        problems=problems,
    )


def _chosen(found: Diarization, wanted: str, sample: Vectors | None) -> str:
    """The voice that is the wanted speaker's: the one of that name, if they are called "speaker2" and there is one."""
    if sample is None and wanted in found.centres:
        return wanted
    before, after = found.centres, name_speakers(found, wanted, sample=sample).centres
    return next(old for old, new in zip(before, after, strict=True) if new == wanted)


def _by_recording(sections: Sequence[Section], found: Diarization) -> dict[str, list[Turn]]:
    turns: dict[str, list[Turn]] = defaultdict(list)
    for section, own in zip(sections, found.turns, strict=True):
        turns[section.recording] += [
            replace(turn, start_s=turn.start_s + section.start_s, end_s=turn.end_s + section.start_s) for turn in own
        ]
    return {name: tidy(own, shortest_s=0.0, gap_s=0.0) for name, own in turns.items()}
