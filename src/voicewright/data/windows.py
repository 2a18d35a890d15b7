"""Stretches of a recording in which an acoustic aligner can place the words of a match."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from voicewright.data.matching import Match, MatchedWord

MARGIN_S = 0.4
"""A recogniser's word times are off by up to this, as a rule."""
ROOM_S = 1.5
"""Sound beside the outer words of a window, up to the middle of the pause there: some word times are far off."""
PAUSE_S = 0.15
EXTRA_S = 1.0
"""Unwritten speech this long is left out of the windows; an aligner would stretch the words over it."""
FEW_WORDS = 3
LETTERS_S = 25.0
"""Nobody says more letters a second: a longer missing passage without the time for it is not in the sound."""
HOPELESS = 4.0
"""Windows this many times too long have nothing in them to hold on to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Seconds of the recording, and the human words (indices) that lie in them."""

    start_s: float
    end_s: float
    words: tuple[int, ...]

    @property
    def seconds(self) -> float:
        return self.end_s - self.start_s


def windows(match: Match, longest_s: float = 30.0) -> list[Window]:
    """Cut a match at pauses between words that were surely heard, the longest pauses first, down to `longest_s`.

    Words that cannot be in the sound are in no window: long passages without the time to say them, passages heard
    elsewhere, and stretches of more than `HOPELESS` · `longest_s` in which nothing was recognised.
    """
    groups: list[list[int]] = [[]]
    previous: int | None = None
    for index in _sayable(match):
        if previous is not None and _apart(match, previous, index):
            groups.append([])
        groups[-1].append(index)
        previous = index
    found: list[Window] = []
    waiting = [group for group in groups if group][::-1]
    while waiting:
        group = waiting.pop()
        window = _window(match, group)
        cut = _widest_pause(match, group) if window.seconds > longest_s else None
        if cut is not None:
            waiting += [group[cut:], group[:cut]]
        elif window.seconds <= HOPELESS * longest_s:
            found.append(window)
    return [window for window in found if window.seconds > 0]


def _sayable(match: Match) -> list[int]:
    """Words that can be in the sound."""
    left_out: set[int] = set()
    for passage in match.passages:
        own = match.words[passage.words[0] : passage.words[1]]
        if passage.kind == "order":
            left_out.update(range(*passage.words))
        elif passage.kind == "missing" and len(own) > FEW_WORDS:
            room_s = own[-1].before_s - own[0].after_s + MARGIN_S
            if room_s < len(passage.written) / LETTERS_S:
                left_out.update(range(*passage.words))
    return [index for index in range(len(match.words)) if index not in left_out]


def _apart(match: Match, one: int, two: int) -> bool:
    """Whether long unwritten speech, or written words that were not said, lie between two sure words."""
    left, right = match.words[one], match.words[two]
    if not (left.certain and right.certain):
        return False
    between = match.heard[left.heard[1] : right.heard[0]]
    extra_s = between[-1].end_s - between[0].start_s if between else 0.0
    return two - one > 1 or extra_s >= EXTRA_S


def _widest_pause(match: Match, group: Sequence[int]) -> int | None:
    """Where to cut: the widest pause between sure neighbours, nearer to the middle if they are alike; None: nowhere."""
    best: tuple[float, int] | None = None
    for place, (one, two) in enumerate(pairwise(group), start=1):
        left, right = match.words[one], match.words[two]
        if left.certain and right.certain and left.heard[1] == right.heard[0]:
            pause_s = max(0.0, (right.start_s or 0.0) - (left.end_s or 0.0))
            side = min(place, len(group) - place) / len(group)
            best = max(best or (-1.0, 0), (min(pause_s, 1.0) + PAUSE_S * side, place))
    return best[1] if best else None


def _window(match: Match, group: Sequence[int]) -> Window:
    start_s = _edge(match, match.words[group[0]], before=True)
    end_s = _edge(match, match.words[group[-1]], before=False)
    return Window(start_s=start_s, end_s=max(start_s, end_s), words=tuple(group))


def _edge(match: Match, word: MatchedWord, *, before: bool) -> float:
    """In the pause beside a word, at most `ROOM_S` from it; at the end of what it may lie in if it was not heard."""
    first, last = word.heard
    if word.start_s is None or word.end_s is None:
        return max(0.0, word.after_s - 0.1) if before else min(match.seconds, word.before_s + 0.1)
    if before:
        free_s = (match.heard[first - 1].end_s + word.start_s) / 2 if first else 0.0
        return max(0.0, min(free_s, word.start_s), word.start_s - ROOM_S)
    free_s = (match.heard[last].start_s + word.end_s) / 2 if last < len(match.heard) else match.seconds
    return min(max(free_s, word.end_s), word.end_s + ROOM_S)
