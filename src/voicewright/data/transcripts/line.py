"""`Line` and `Transcript`: what a human wrote down, with the place where it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from voicewright.data.utterance import TimedWord


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A paragraph, a cue, an interval or a row: text by one speaker.

    Times are seconds in the recording, None where the transcript does not give them. `words` only comes from
    transcripts that time every word.
    """

    text: str
    speaker: str = ""
    start_s: float | None = None
    end_s: float | None = None
    place: str = ""
    """File and line, for messages."""
    words: tuple[TimedWord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What a file says: `lines` of one recording in order, or a `table` from the names of recordings to their lines."""

    path: Path
    lines: tuple[Line, ...] = ()
    table: Mapping[str, tuple[Line, ...]] = field(default_factory=dict)

    @property
    def speakers(self) -> tuple[str, ...]:
        """The names in order of first appearance."""
        everything = [*self.lines, *(line for lines in self.table.values() for line in lines)]
        return tuple(dict.fromkeys(line.speaker for line in everything if line.speaker))
