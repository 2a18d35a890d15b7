"""Who is trained on, who validates, who tests: drawn by lot, alike in speakers, recordings and lengths."""

import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from voicewright.data.options import SplitOptions
from voicewright.data.utterance import Split, Utterance

LENGTHS_S = (2.0, 4.0, 7.0)
"""Where one class of lengths ends and the next begins; fixed, so that new utterances do not move old ones."""
ENOUGH = 5
"""Groups to train on, from which one is given away."""

Stratum = tuple[str, int]


def assign(utterances: Iterable[Utterance], options: SplitOptions) -> list[Utterance]:
    """The utterances, in their order, with the split of each.

    Utterances with the same words stay together, so that nothing is validated on a text that was trained on. These
    groups are drawn by lot within strata of one speaker and about one length; each stratum gives its share of the
    seconds, and what is left over, too small for a whole group, goes to the speaker's next stratum. A group's
    lot is a hash of the seed and its text, or of its id where nobody knows the text: utterances that are added, dropped
    or reordered move few others. Within a stratum the recordings take turns.

    What a human chose (`split_fixed`) stays, counts towards the share, and takes utterances with the same words along.
    Dropped utterances are drawn last, by their own lot alone, and count nothing: one that is kept later is already on
    a side, and none takes the place of a kept one.
    """
    everything = list(utterances)
    groups: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in everything:
        groups[_group_key(utterance)].append(utterance)
    sides: dict[str, Split] = {}
    open_groups: dict[Stratum, list[str]] = defaultdict(list)
    fixed_s: dict[str, dict[Split, float]] = defaultdict(lambda: defaultdict(float))
    totals_s: dict[str, float] = defaultdict(float)
    for key, members in groups.items():
        kept = [each for each in members if each.kept]
        if chosen := next((each.split for each in members if each.split_fixed), None):
            sides[key] = chosen
            for each in kept:
                fixed_s[each.speaker][chosen] += each.seconds
        elif kept:
            open_groups[_stratum(kept)].append(key)
        else:
            sides[key] = _by_lot(key, options)
        for each in kept:
            totals_s[each.speaker] += each.seconds
    for speaker in sorted(totals_s):
        strata = {where: keys for where, keys in open_groups.items() if where[0] == speaker}
        sides |= _draw(speaker, strata, groups, options, (totals_s[speaker], fixed_s[speaker]))
    _leave_none_empty(sides, [key for keys in open_groups.values() for key in keys], options)
    return [
        each
        if each.split_fixed or each.split == sides[_group_key(each)]
        else replace(each, split=sides[_group_key(each)])
        for each in everything
    ]


def _draw(
    speaker: str,
    strata: dict[Stratum, list[str]],
    groups: dict[str, list[Utterance]],
    options: SplitOptions,
    amounts: tuple[float, dict[Split, float]],
) -> dict[str, Split]:
    """The sides of one speaker's groups, stratum by stratum.

    What is owed starts with up to half a group more or less, by lot: of many speakers with a few utterances each, the
    right number have one drawn.
    """
    total_s, fixed_s = amounts
    sides: dict[str, Split] = {}
    lengths_s = {key: _seconds(groups[key]) for keys in strata.values() for key in keys}
    open_s = math.fsum(lengths_s.values())
    mean_s = open_s / max(1, len(lengths_s))
    shares: dict[Split, float] = {"test": options.test, "validation": options.validation}
    wanted = {split: max(0.0, share * total_s - fixed_s[split]) / open_s for split, share in shares.items() if open_s}
    owed_s = {
        split: (_lot(f"{split} {speaker}", options.seed) - 0.5) * mean_s for split, share in wanted.items() if share
    }
    for where in sorted(strata, key=lambda where: _lot(f"{where}", options.seed)):
        ranked = _taking_turns(strata[where], groups, options.seed)
        stratum_s = math.fsum(lengths_s[key] for key in ranked)
        for split in owed_s:
            owed_s[split] += wanted[split] * stratum_s
            # Whether one more is drawn does not depend on its length: that would favour the short.
            while ranked and owed_s[split] >= mean_s / 2:
                key = ranked.pop(0)
                owed_s[split] -= lengths_s[key]
                sides[key] = split
        sides |= dict.fromkeys(ranked, "train")
    return sides


def _leave_none_empty(sides: dict[str, Split], drawn: Sequence[str], options: SplitOptions) -> None:
    """One group for each split that was asked for, even of a dataset so small that its share is less than a group."""
    shares: dict[Split, float] = {"validation": options.validation, "test": options.test}
    for split, share in shares.items():
        training = sorted((_lot(f"{split} {key}", options.seed), key) for key in drawn if sides[key] == "train")
        if share and split not in sides.values() and len(training) >= ENOUGH:
            sides[training[0][1]] = split


def _taking_turns(keys: Sequence[str], groups: dict[str, list[Utterance]], seed: int) -> list[str]:
    """By lot, one of each recording before the second of any."""
    ranked = sorted(keys, key=lambda key: _lot(key, seed))
    turn: dict[str, int] = defaultdict(int)
    order = []
    for key in ranked:
        source = groups[key][0].source
        recording = source.recording if source else ""
        order.append((turn[recording] if recording else 0, _lot(key, seed), key))
        turn[recording] += 1
    return [key for *_, key in sorted(order)]


def _stratum(members: Sequence[Utterance]) -> Stratum:
    first = min(members, key=lambda each: each.id)
    mean_s = math.fsum(each.seconds for each in members) / len(members)
    return first.speaker, sum(mean_s >= edge_s for edge_s in LENGTHS_S)


def _seconds(members: Sequence[Utterance]) -> float:
    return math.fsum(each.seconds for each in members if each.kept)


def _group_key(utterance: Utterance) -> str:
    """The words, whatever their case and punctuation; the clip itself where there are none."""
    words = re.findall(r"\w+", utterance.text.casefold())
    return " ".join(words) if words else f"|{utterance.id}"


def _by_lot(key: str, options: SplitOptions) -> Split:
    lot = _lot(key, options.seed)
    if lot < options.test:
        return "test"
    return "validation" if lot < options.test + options.validation else "train"


def _lot(key: str, seed: int) -> float:
    """Between 0 and 1, the same on every machine."""
    digest = hashlib.sha256(f"{seed}|{key}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
