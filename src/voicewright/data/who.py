"""Who speaks when in every recording, and what they are called."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from voicewright.data.diarization import DiarizationOptions, Vectors, cluster, name_speakers
from voicewright.data.options import PrepareOptions
from voicewright.data.turns import Turn, tidy
from voicewright.data.voices import Voices


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The voices heard in a part of a recording that begins at `start_s`."""

    recording: str
    start_s: float
    voices: Voices


def who_speaks(
    sections: Sequence[Section], options: PrepareOptions, *, sample: Vectors | None = None, named: bool = False
) -> dict[str, list[Turn]]:
    """The turns of each recording, in its own time. One person has one name in all of them.

    Args:
        sample: how the wanted speaker sounds; without it, the one who speaks most is the wanted one.
        named: names come from a text; nobody is called by the wanted speaker's name here.

    Raises:
        BadSetting: nobody sounds like the sample.
    """
    found = cluster([section.voices for section in sections], DiarizationOptions(speakers=options.speakers))
    if options.speaker and found.centres and not named:
        found = name_speakers(found, options.speaker, sample=sample)
    turns: dict[str, list[Turn]] = defaultdict(list)
    for section, own in zip(sections, found.turns, strict=True):
        turns[section.recording] += [
            replace(turn, start_s=turn.start_s + section.start_s, end_s=turn.end_s + section.start_s) for turn in own
        ]
    return {name: tidy(own, shortest_s=0.0, gap_s=0.0) for name, own in turns.items()}
