"""Edits applied to what preparation produced: nothing is cut here, only said what must be cut."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from voicewright.data.edits import (
    Anchor,
    Drop,
    Edit,
    Keep,
    LoggedEdit,
    Merge,
    SetLanguage,
    SetSpeaker,
    SetSplit,
    SetText,
    SplitAt,
    Undo,
    in_force,
)
from voicewright.data.surgery import Cut, Impossible, divided, made_from, merged, with_text, without_text_scores
from voicewright.data.utterance import Source, Utterance
from voicewright.errors import BadDataset

SAME_S = 0.001
"""Times in a manifest are rounded to a tenth of a millisecond."""
EDGE_S = 0.25
"""A text still fits when both ends of its clip moved by less than this: cuts lie in pauses, which are longer."""
OVERLAP = 0.5
"""Intersection over union from which two cuts of a recording count as the same utterance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """An edit that found no utterance, and why. It stays in the log and is tried again the next time."""

    line: LoggedEdit
    why: str


@dataclass(slots=True, kw_only=True)
class Applied:
    """What edits made of a dataset."""

    utterances: list[Utterance] = field(default_factory=list)
    """In the order of the base; new parts where the old ones were. New clips have no sha256 before they are cut."""
    orphans: list[Orphan] = field(default_factory=list)
    superseded: list[LoggedEdit] = field(default_factory=list)
    """Edits of an utterance that is divided or merged already; its parts had them before."""
    cuts: list[Cut] = field(default_factory=list)
    """New clips, in an order in which each finds what it is cut from."""


def anything(cut: Cut) -> str:
    """No objection."""
    return ""


def apply(
    base: Iterable[Utterance], log: Sequence[LoggedEdit], *, possible: Callable[[Cut], str] = anything
) -> Applied:
    """`base` with the edits of `log` that stand, in their order.

    An edit finds its utterance by id, if that still is the same place of the same recording; else it takes the
    utterance of that recording with the most overlap, at least half of both together; else, where no recording is
    known, the one with the same sound. A text moves only to a clip whose ends are where they were (`EDGE_S`).
    Applied to its own result, a log changes nothing any more.

    Args:
        possible: why a clip cannot be cut ("" when it can); such an edit is an orphan.
    """
    standing, taken_back = in_force(log)
    replay = _Replay(base, taken_back, possible)
    for line in standing:
        try:
            replay.do(line.edit)
        except _Superseded:
            replay.result.superseded.append(line)
        except Impossible as problem:
            replay.result.orphans.append(Orphan(line=line, why=str(problem)))
    replay.result.utterances = list(replay.state.values())
    return replay.result


def anchored(edit: Edit | Undo, known: Mapping[str, Utterance]) -> Edit | Undo:
    """The edit with whole anchors in place of bare ids, and with the texts of both parts where replay could not find
    them: a text that a human wrote has word times only since it was checked.
    """
    if isinstance(edit, Undo):
        return edit
    at = _whole(edit.at, known)
    if isinstance(edit, Merge):
        return replace(edit, at=at, next=_whole(edit.next, known))
    utterance = known.get(at.id)
    if isinstance(edit, SplitAt) and edit.texts is None and utterance is not None and utterance.edited:
        try:
            first, second, _ = divided(utterance, edit.at_s, None)
        except Impossible as problem:
            raise BadDataset(f"this edit is impossible: {problem}") from None
        return replace(edit, at=at, texts=(first.text, second.text))
    return replace(edit, at=at)


class _Superseded(Exception):
    """The utterance was divided or merged later than this edit, which therefore is in the parts already."""


class _Replay:
    def __init__(
        self, base: Iterable[Utterance], taken_back: Sequence[LoggedEdit], possible: Callable[[Cut], str]
    ) -> None:
        self.state = {utterance.id: utterance for utterance in base}
        self.unmade = {name for line in taken_back for name in _makes(line.edit)}
        self.possible = possible
        self.result = Applied()

    def do(self, edit: object) -> None:
        match edit:
            case SplitAt():
                self._split(edit)
            case Merge():
                self._merge(edit)
            case SetText() | Keep() | Drop() | SetSpeaker() | SetLanguage() | SetSplit():
                utterance = self._find(edit.at, closely=isinstance(edit, SetText))
                self.state[utterance.id] = replace(_decided(utterance, edit), edited=True)

    def _split(self, edit: SplitAt) -> None:
        utterance = self._find(edit.at, closely=edit.texts is not None)
        at_s = edit.at_s
        if edit.at.source and utterance.source:
            at_s += edit.at.source.start_s - utterance.source.start_s
        *parts, cuts = divided(utterance, at_s, edit.texts)
        self._replace([utterance], parts, cuts)

    def _merge(self, edit: Merge) -> None:
        first, second = self._find(edit.at), self._find(edit.next)
        whole, cut = merged(first, second)
        self._replace([first, second], [whole], [cut])

    def _replace(self, old: Sequence[Utterance], new: Sequence[Utterance], cuts: Sequence[Cut]) -> None:
        for each in new:
            if each.id in self.state:
                raise Impossible(f"there is an utterance {each.id!r} already")
        for cut in cuts:
            if reason := self.possible(cut):
                raise Impossible(reason)
        gone = {each.id for each in old}
        state: dict[str, Utterance] = {}
        for name, utterance in self.state.items():
            if name == old[0].id:
                state |= {each.id: each for each in new}
            elif name not in gone:
                state[name] = utterance
        self.state = state
        self.result.cuts.extend(cuts)

    def _find(self, anchor: Anchor, *, closely: bool = False) -> Utterance:
        """The utterance that `anchor` means now; `closely`: its ends must be where they were."""
        named = self.state.get(anchor.id)
        if named and (anchor == Anchor(id=anchor.id) or _same_place(named.source, anchor.source)):
            return named
        if named is None and anchor.id in self.unmade:
            raise Impossible(f"the edit that made {anchor.id!r} was taken back")
        if any(made_from(each, anchor.id, anchor.source) for each in self.state.values()):
            raise _Superseded
        found = self._nearest(anchor.source) if anchor.source else self._same_sound(anchor)
        if found is None:
            raise Impossible(f"{anchor.id!r} is not there any more, nor any utterance that was cut at the same place")
        if closely and not _same_place(found.source, anchor.source, EDGE_S):
            raise Impossible(f"{anchor.id!r} is cut elsewhere now (as {found.id!r}), and its text would not fit")
        return found

    def _nearest(self, place: Source) -> Utterance | None:
        rated = [
            (_overlap(utterance.source, place), utterance) for utterance in self.state.values() if utterance.source
        ]
        share, best = max(rated, key=lambda each: each[0], default=(0.0, None))
        return best if share >= OVERLAP else None

    def _same_sound(self, anchor: Anchor) -> Utterance | None:
        alike = (each for each in self.state.values() if anchor.sha256 and each.sha256 == anchor.sha256)
        return next(alike, None)


def _whole(anchor: Anchor, known: Mapping[str, Utterance]) -> Anchor:
    utterance = known.get(anchor.id)
    return Anchor.of(utterance) if utterance and anchor == Anchor(id=anchor.id) else anchor


def _decided(utterance: Utterance, edit: Edit) -> Utterance:
    match edit:
        case SetText(text=text):
            return with_text(utterance, text)
        case Keep():
            return replace(utterance, decision="keep", dropped="")
        case Drop(reason=reason):
            return replace(utterance, decision="drop", dropped=reason or "dropped by hand")
        case SetSpeaker(speaker=speaker):
            changed = speaker != utterance.speaker
            scores = replace(utterance.scores, likeness=None) if changed else utterance.scores
            return replace(utterance, speaker=speaker, scores=scores)
        case SetLanguage(language=language):
            changed = language != utterance.language
            scores = without_text_scores(utterance.scores) if changed else utterance.scores
            return replace(utterance, language=language, scores=scores)
        case SetSplit(split=split):
            return replace(utterance, split=split, split_fixed=True)
    raise TypeError(f"not an edit of one utterance: {edit!r}")


def _makes(edit: object) -> list[str]:
    match edit:
        case SplitAt(at=at):
            return [f"{at.id}.1", f"{at.id}.2"]
        case Merge(at=at, next=after):
            return [f"{at.id}+{after.id}"]
    return []


def _same_place(one: Source | None, other: Source | None, tolerance_s: float = SAME_S) -> bool:
    if one is None or other is None:
        return one is other
    return (
        one.sha256 == other.sha256
        and abs(one.start_s - other.start_s) <= tolerance_s
        and abs(one.end_s - other.end_s) <= tolerance_s
    )


def _overlap(one: Source | None, other: Source) -> float:
    """Intersection over union of two pieces of one recording, 0 for different recordings."""
    if one is None or one.sha256 != other.sha256:
        return 0.0
    shared = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
    whole = max(one.end_s, other.end_s) - min(one.start_s, other.start_s)
    return max(0.0, shared) / whole if whole > 0 else 0.0
