"""A human's text without what is not said: remarks, stage directions, music signs."""

import re
from dataclasses import dataclass

from voicewright.text.symbols import tidy

_DIRECTION = re.compile(
    r"\b(?:laugh\w*|giggl\w*|chuckl\w*|laughter|applau\w*|clap\w*|cheer(?:s|ing)?|music\w*|sing(?:s|ing)|inaudible|"
    r"unintelligible|indistinct|unclear|crosstalk|cross-talk|overlapping|simultaneous|sigh\w*|cough\w*|sneez\w*|"
    r"sniff\w*|gasp\w*|groan\w*|moan\w*|breath\w*|inhal\w*|exhal\w*|whisper\w*|mumbl\w*|pause[sd]?|silence|beeps?|"
    r"tones?|noises?|sounds?|clears|throat|door|phone rings|ring(?:s|ing)|static|blank|bleep\w*|sic|note|foreign|"
    r"speaks in|speaking in|in \w+ language|background|off[- ]?mic|voice ?over|redacted|end of|theme)\b",
    re.IGNORECASE,
)
_LONGEST_DIRECTION = 12
"""Words: what is longer and in round brackets is a remark of the speaker, not of the writer."""
_SQUARE = re.compile(r"\[[^\[\]]*\]")
_ROUND = re.compile(r"\([^()]*\)|\{[^{}]*\}|\*[^*\n]{1,60}\*|<[^<>\n]{1,60}>")
_SUNG = re.compile(r"[♪♫♬♩][^♪♫♬♩]*[♪♫♬♩]+|[♪♫♬♩]+")
_MARKS = " .,;:!?-—\n"
_SPOKEN = re.compile(r"[^\W_]|[&@%$£€+=°]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What is said ("" if nothing is), and the remarks that were taken out, as they were written."""

    text: str
    remarks: tuple[str, ...] = ()


def clean(text: str) -> Cleaned:
    """A text with tidy quotes, dashes and spaces and without remarks; numbers and everything else stay as written.

    Square brackets are always remarks. Round and curly brackets and asterisks are if they name a sound or a manner, or
    are all there is; otherwise they may be spoken, and stay. What stands between music signs is sung, not said.
    """
    remarks: list[str] = []

    def take(match: re.Match[str]) -> str:
        remarks.append(" ".join(match[0].split()))
        return " "

    def take_direction(match: re.Match[str]) -> str:
        inside = match[0][1:-1]
        short = len(inside.split()) <= _LONGEST_DIRECTION
        return take(match) if (short and _DIRECTION.search(inside)) or _is_all(match) else match[0]

    kept = _SUNG.sub(take, text)
    kept = _SQUARE.sub(take, kept)
    kept = _ROUND.sub(take_direction, kept)
    kept = " ".join(tidy(kept).split())
    kept = re.sub(r"\s+([,.;:!?…])", r"\1", kept) if remarks else kept
    return Cleaned(text=kept if _SPOKEN.search(kept) else "", remarks=tuple(remarks))


def _is_all(match: re.Match[str]) -> bool:
    """Whether a text is nothing but one bracket."""
    before, after = match.string[: match.start()], match.string[match.end() :]
    return match[0][0] in "({" and not before.strip(_MARKS) and not after.strip(_MARKS)
