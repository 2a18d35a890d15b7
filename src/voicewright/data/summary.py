"""`Summary`: a dataset in figures."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from voicewright.data.rules import kind_of, reasons
from voicewright.data.utterance import Utterance


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """So many utterances of so many seconds together."""

    utterances: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A dataset in figures. Speakers, languages and splits count what is kept; each mapping begins with the most."""

    kept: Amount = Amount()
    dropped: Amount = Amount()
    reasons: Mapping[str, Amount] = field(default_factory=dict)
    """What was dropped, by reason, without its figures. A clip with two reasons counts for both."""
    flags: Mapping[str, Amount] = field(default_factory=dict)
    """What is kept and flagged, by flag."""
    speakers: Mapping[str, Amount] = field(default_factory=dict)
    languages: Mapping[str, Amount] = field(default_factory=dict)
    splits: Mapping[str, Amount] = field(default_factory=dict)
    gold_share: float = 0.0
    """Share of the kept seconds whose text a human wrote."""
    edited: int = 0
    """Utterances that a human decided something about, kept or not."""


def summarise(utterances: Iterable[Utterance]) -> Summary:
    """The figures of `utterances`, which are read once."""
    tally = _Tally()
    gold_s, edited = 0.0, 0
    for each in utterances:
        edited += each.edited
        if each.dropped:
            tally.add("dropped", "", each)
            for reason in {kind_of(sentence) for sentence in reasons(each.dropped)}:
                tally.add("reasons", reason, each)
            continue
        gold_s += each.seconds * each.gold
        tally.add("kept", "", each)
        for name in {kind_of(flag) for flag in each.flags}:
            tally.add("flags", name, each)
        tally.add("speakers", each.speaker, each)
        tally.add("languages", each.language, each)
        tally.add("splits", each.split, each)
    kept = tally.of("kept").get("", Amount())
    return Summary(
        kept=kept,
        dropped=tally.of("dropped").get("", Amount()),
        reasons=tally.of("reasons"),
        flags=tally.of("flags"),
        speakers=tally.of("speakers"),
        languages=tally.of("languages"),
        splits=tally.of("splits"),
        gold_share=gold_s / kept.seconds if kept.seconds else 0.0,
        edited=edited,
    )


class _Tally:
    def __init__(self) -> None:
        self._count: Counter[tuple[str, str]] = Counter()
        self._seconds: dict[tuple[str, str], float] = {}

    def add(self, table: str, name: str, utterance: Utterance) -> None:
        self._count[table, name] += 1
        self._seconds[table, name] = self._seconds.get((table, name), 0.0) + utterance.seconds

    def of(self, table: str) -> dict[str, Amount]:
        found = {
            name: Amount(utterances=count, seconds=self._seconds[key, name])
            for (key, name), count in self._count.items()
            if key == table
        }
        return dict(sorted(found.items(), key=lambda item: (-item[1].seconds, item[0])))
