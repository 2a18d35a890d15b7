"""Which utterances a trainer may use, and which a human may want to look at. Nothing is measured here.

Every sentence has the form `kind (figures)`; several are joined by "; ". What a rule of this file said before is
replaced when it judges again; sentences of other stages stay.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from voicewright.data.duplicates import SAME_SOUND, SAME_TEXT, same_sound, same_text
from voicewright.data.options import KeepRules, PrepareOptions
from voicewright.data.scoring import count_words, spoken
from voicewright.data.utterance import Scores, Utterance
from voicewright.measure.speed import syllables

TOO_SHORT = "too short"
TOO_LONG = "too long"
NO_TEXT = "no text"
LONG_TEXT = "the text is too long"
NO_SPEECH = "no speech stands out"
NOISE = "noise close to the speech"
CLIPPED = "clipped"
REVERB = "a bare room"
TONES = "music or hum behind the speech"
BAND = "telephone sound"
UNNATURAL = "it sounds damaged"
PACE = "the text does not fit the length"
MISFIT = "the sound does not fit the text"
OTHER_TEXT = "another text was heard"
STRANGER = "another speaker"
OVERLAP = "somebody else speaks too"
UNWANTED = "not the wanted speaker"
SYLLABLES = "unusual seconds per syllable"
WEAK_WORDS = "some words fit badly"
UNSURE = "the recogniser was unsure of a word"
WEAKEST = "among the quarter that fits its text worst"
RUN = "the transcript may be wrong from here on"
DIFFERS = "the text differs from what was heard"
UNLIKE = "less like the speaker than the other clips"
NARROW = "muffled"
BY_HAND = "dropped by hand"

KINDS = frozenset({
    TOO_SHORT, TOO_LONG, NO_TEXT, LONG_TEXT, NO_SPEECH, NOISE, CLIPPED, REVERB, TONES, BAND, UNNATURAL, PACE, MISFIT,
    OTHER_TEXT, STRANGER, OVERLAP, UNWANTED, SYLLABLES, WEAK_WORDS, UNSURE, WEAKEST, RUN, DIFFERS, UNLIKE, NARROW,
    SAME_SOUND, SAME_TEXT,
})  # fmt: skip
"""The beginnings of the sentences that this file writes."""

JOINT = "; "
SPEECHLESS_DB = 3.0
"""No more than this above the background: silence, or noise alone."""
TELLING_WORDS = 5
"""Of fewer words, the pauses around them say more about the words a minute than the words do."""
TELLING_SYLLABLES = 8
"""Of fewer syllables, the drawl of the last one decides about the mean: single words last 0.4 to 0.8 s a syllable."""
TELLING_LETTERS = 8
"""Of fewer letters, a recogniser without a context mishears many: "i" is heard as "bye", "N B S" as "and BS"."""
TELLING_S = 1.5
"""In a shorter clip a speaker cannot be told for certain: single letters reach a likeness of 0.5 to their own speaker,
and other speakers reach 0.58."""
OUTLIER_PERCENT = 95
ENOUGH = 20
"""Utterances from which on a percentile says something."""
SPREADS = 4.0
"""Median absolute deviations (in standard deviations' measure) that make a likeness an outlier."""
LONG_RUN = 3


def kind_of(sentence: str) -> str:
    """What sort of reason a sentence gives, without its figures."""
    return sentence.partition(" (")[0]


def reasons(dropped: str) -> list[str]:
    """The sentences of `Utterance.dropped`."""
    return [part for part in dropped.split(JOINT) if part]


def judge(
    utterance: Utterance,
    rules: KeepRules,
    *,
    shortest_s: float = 0.0,
    longest_s: float = float("inf"),
    longest_text: int = 0,
    text: bool = True,
) -> tuple[tuple[str, ...], str]:
    """The flags of an utterance, and why it is dropped ("" if it is not), by its own scores alone.

    Args:
        longest_text: characters; 0: no limit.
        text: whether the trainer learns from text.
    """
    scores = utterance.scores
    drops = [*_by_length(utterance, shortest_s, longest_s), *_by_sound(scores, rules)]
    flags, stranger = _by_speaker(utterance, rules)
    drops += stranger
    if text:
        drops += _by_text(utterance, rules, longest_text)
        misfits = _misfits(scores, rules)
        if sum(letter.isalnum() for letter in utterance.text) >= TELLING_LETTERS:
            drops += misfits
        else:
            flags += misfits
        flags += _doubts(utterance, rules)
    if scores.bandwidth_hz is not None and rules.bandwidth_hz <= scores.bandwidth_hz < rules.bandwidth_flag_hz:
        flags.append(f"{NARROW} (up to {scores.bandwidth_hz / 1000:.1f} kHz)")
    return tuple(flags), JOINT.join(drops)


def judge_all(
    utterances: Iterable[Utterance], options: PrepareOptions, *, alike: Mapping[str, str] | None = None
) -> list[Utterance]:
    """All utterances with their flags and reasons, in the given order; judging twice changes nothing.

    A human's decision wins: what was kept by hand is kept, and what the rules say about it becomes a flag; what was
    dropped by hand stays dropped.

    Args:
        alike: utterance id → id of the earlier one that sounds the same (`duplicates.alike`); copies with the very
            same bytes are found without it.
    """
    everyone = [_without_own(utterance) for utterance in utterances]
    limits = options.limits
    shortest_s, _, longest_s = options.slices.within(limits)
    needs_text = options.task == "speak" and limits.text
    copies = {**(alike or {}), **same_sound(everyone)}
    twins = same_text(everyone)
    doubts = relative_flags(everyone, options.keep)
    found = []
    for utterance in everyone:
        flags, dropped = judge(
            utterance,
            options.keep,
            shortest_s=shortest_s,
            longest_s=longest_s,
            longest_text=limits.longest_text,
            text=needs_text,
        )
        drops = reasons(dropped)
        if options.speaker and utterance.speaker != options.speaker:
            drops.append(f"{UNWANTED} ({utterance.speaker})")
        if utterance.id in copies:
            drops.append(f"{SAME_SOUND} ({copies[utterance.id]})")
        elif utterance.id in twins and needs_text:
            flags += (f"{SAME_TEXT} ({twins[utterance.id]})",)
        found.append(_decided(utterance, (*flags, *doubts.get(utterance.id, ())), drops))
    return found


def relative_flags(utterances: Sequence[Utterance], rules: KeepRules) -> dict[str, list[str]]:
    """Utterance id → what stands out against the other utterances."""
    flags: dict[str, list[str]] = defaultdict(list)
    for found in (_slow_or_fast(utterances, rules), _weakest(utterances, rules), _runs(utterances, rules),
                  _unlike(utterances, rules)):  # fmt: skip
        for name, sentence in found.items():
            flags[name].append(sentence)
    return dict(flags)


def _decided(utterance: Utterance, flags: Sequence[str], drops: Sequence[str]) -> Utterance:
    others = reasons(utterance.dropped)
    if utterance.decision == "keep":
        return replace(utterance, flags=(*utterance.flags, *drops, *flags), dropped="")
    if utterance.decision == "drop":
        return replace(utterance, flags=(*utterance.flags, *drops, *flags), dropped=utterance.dropped or BY_HAND)
    return replace(utterance, flags=(*utterance.flags, *flags), dropped=JOINT.join((*others, *drops)))


def _without_own(utterance: Utterance) -> Utterance:
    """What other stages said, without the sentences of this file."""
    return replace(
        utterance,
        flags=tuple(flag for flag in utterance.flags if kind_of(flag) not in KINDS),
        dropped=JOINT.join(part for part in reasons(utterance.dropped) if kind_of(part) not in KINDS),
    )


def _by_length(utterance: Utterance, shortest_s: float, longest_s: float) -> list[str]:
    if utterance.seconds < shortest_s:
        return [f"{TOO_SHORT} ({utterance.seconds:.2f} s, {shortest_s:g} s wanted)"]
    if utterance.seconds > longest_s:
        return [f"{TOO_LONG} ({utterance.seconds:.2f} s, at most {longest_s:g} s wanted)"]
    return []


def _by_sound(scores: Scores, rules: KeepRules) -> list[str]:
    """Noise and its like. Where there is no speech, nothing else is said about the sound."""
    if scores.snr_db is not None and scores.snr_db < min(SPEECHLESS_DB, rules.snr_db):
        return [f"{NO_SPEECH} ({max(scores.snr_db, -99):.0f} dB above the background, {rules.snr_db:g} dB wanted)"]
    drops = []
    if scores.snr_db is not None and scores.snr_db < rules.snr_db:
        drops.append(f"{NOISE} ({scores.snr_db:.1f} dB below it, {rules.snr_db:g} dB wanted)")
    if scores.clipped is not None and scores.clipped > rules.clipped:
        drops.append(f"{CLIPPED} ({scores.clipped:.2%} of the samples, at most {rules.clipped:.2%} wanted)")
    if scores.reverb_s is not None and scores.reverb_s > rules.reverb_s:
        drops.append(f"{REVERB} (it rings for {scores.reverb_s:.2f} s, at most {rules.reverb_s:g} s wanted)")
    if scores.tones is not None and scores.tones > rules.tones:
        drops.append(f"{TONES} ({scores.tones:.1f} held tones, at most {rules.tones:g} wanted)")
    if scores.bandwidth_hz is not None and scores.bandwidth_hz < rules.bandwidth_hz:
        wanted = f"{rules.bandwidth_hz / 1000:.1f} kHz wanted"
        drops.append(f"{BAND} (up to {scores.bandwidth_hz / 1000:.1f} kHz, {wanted})")
    if scores.naturalness is not None and scores.naturalness < rules.naturalness:
        drops.append(f"{UNNATURAL} (mark {scores.naturalness:.2f} of 5, {rules.naturalness:g} wanted)")
    if scores.overlap is not None and scores.overlap > rules.overlap:
        drops.append(f"{OVERLAP} ({scores.overlap:.1%} of the clip, at most {rules.overlap:.1%} wanted)")
    return drops


def _by_text(utterance: Utterance, rules: KeepRules, longest_text: int) -> list[str]:
    if not any(letter.isalnum() for letter in utterance.text):
        return [NO_TEXT]
    scores, drops = utterance.scores, []
    if longest_text and len(utterance.text) > longest_text:
        drops.append(f"{LONG_TEXT} ({len(utterance.text)} characters, at most {longest_text} wanted)")
    low, high = rules.words_min
    telling = count_words(spoken(utterance.text, utterance.language)) >= TELLING_WORDS
    if telling and scores.words_min is not None and not low <= scores.words_min <= high:
        drops.append(f"{PACE} ({scores.words_min:.0f} words a minute, {low:.0f} to {high:.0f} wanted)")
    return drops


def _misfits(scores: Scores, rules: KeepRules) -> list[str]:
    """Where text and sound are not of each other."""
    found = []
    if scores.alignment is not None and scores.alignment < rules.alignment:
        found.append(f"{MISFIT} (score {scores.alignment:.2f}, {rules.alignment:.2f} wanted)")
    if scores.cer is not None and scores.cer > rules.cer and not _fits(scores, rules):
        found.append(f"{OTHER_TEXT} ({_wrong(scores.cer)}, at most {rules.cer:.0%} wanted)")
    return found


def _fits(scores: Scores, rules: KeepRules) -> bool:
    """The sound speaks for the text: if something else was heard, the recogniser erred."""
    return scores.alignment is not None and scores.alignment >= rules.alignment_flag


def _wrong(cer: float) -> str:
    return f"{cer:.0%} of the letters differ" if cer <= 1 else "more letters differ than the text has"


def _by_speaker(utterance: Utterance, rules: KeepRules) -> tuple[list[str], list[str]]:
    """Flags and drops."""
    like = utterance.scores.likeness
    if like is None or like >= rules.likeness:
        return [], []
    sentence = f"{STRANGER} (likeness {like:.2f}, {rules.likeness:.2f} wanted)"
    return ([], [sentence]) if utterance.seconds >= TELLING_S else ([sentence], [])


def _doubts(utterance: Utterance, rules: KeepRules) -> list[str]:
    scores, flags = utterance.scores, []
    if scores.alignment_low is not None and scores.alignment_low < rules.alignment_low:
        flags.append(f"{WEAK_WORDS} (score {scores.alignment_low:.2f}, {rules.alignment_low:.2f} wanted)")
    if scores.sureness is not None and scores.sureness < rules.sureness:
        flags.append(f"{UNSURE} ({scores.sureness:.2f}, {rules.sureness:.2f} wanted)")
    if scores.cer is not None and scores.cer > rules.cer_flag and (scores.cer <= rules.cer or _fits(scores, rules)):
        flags.append(f"{DIFFERS} ({_wrong(scores.cer)}, at most {rules.cer_flag:.0%} wanted)")
    return flags


def _slow_or_fast(utterances: Sequence[Utterance], rules: KeepRules) -> dict[str, str]:
    """Outside the rules and among the most unusual twentieth: a slow speaker is not flagged from end to end."""
    low, high = rules.syllable_s
    paces = {
        each.id: each.scores.syllable_s
        for each in utterances
        if each.scores.syllable_s is not None
        and syllables(spoken(each.text, each.language)) >= TELLING_SYLLABLES
    }  # fmt: skip
    if not paces:
        return {}
    values = np.array(list(paces.values()))
    few = len(values) < ENOUGH
    slow, fast = np.percentile(values, [OUTLIER_PERCENT, 100 - OUTLIER_PERCENT])
    return {
        name: f"{SYLLABLES} ({pace:.2f} s, {low:.2f} to {high:.2f} s wanted)"
        for name, pace in paces.items()
        if (pace > high and (few or pace >= slow)) or (pace < low and (few or pace <= fast))
    }


def _weakest(utterances: Sequence[Utterance], rules: KeepRules) -> dict[str, str]:
    """The quarter that fits worst, as far as it fits less well than one would wish."""
    fits = {each.id: each.scores.alignment for each in utterances if each.scores.alignment is not None}
    if len(fits) < ENOUGH:
        return {}
    quarter = float(np.percentile(list(fits.values()), 25))
    return {
        name: f"{WEAKEST} (score {fit:.2f}, {rules.alignment_flag:.2f} wanted)"
        for name, fit in fits.items()
        if fit <= quarter and fit < rules.alignment_flag
    }


def _runs(utterances: Sequence[Utterance], rules: KeepRules) -> dict[str, str]:
    """Three or more utterances of a recording in a row that fit badly: the text has lost the sound there."""
    cut = [each for each in utterances if each.source is not None and each.scores.alignment is not None]
    in_order = sorted(cut, key=lambda each: (each.source.recording, each.source.start_s))  # type: ignore[union-attr]
    flags: dict[str, str] = {}
    for (_, low), group in groupby(
        in_order,
        key=lambda each: (each.source.recording, each.scores.alignment < rules.alignment_flag),  # type: ignore[union-attr,operator]
    ):
        run = list(group)
        if low and len(run) >= LONG_RUN:
            sentence = f"{RUN} ({len(run)} utterances in a row fit badly, the first is {run[0].id})"
            flags |= {each.id: sentence for each in run}
    return flags


def _unlike(utterances: Sequence[Utterance], rules: KeepRules) -> dict[str, str]:
    """Clips far below their speaker's usual likeness that are not strangers yet."""
    by_speaker: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for each in utterances:
        if each.scores.likeness is not None and each.seconds >= TELLING_S:
            by_speaker[each.speaker].append((each.id, each.scores.likeness))
    flags: dict[str, str] = {}
    for members in by_speaker.values():
        if len(members) < ENOUGH:
            continue
        likes = np.array([like for _, like in members])
        usual = float(np.median(likes))
        spread = 1.4826 * float(np.median(np.abs(likes - usual)))
        line = min(usual - SPREADS * spread, rules.likeness_flag)
        flags |= {
            name: f"{UNLIKE} (likeness {like:.2f}, usually {usual:.2f})"
            for name, like in members
            if rules.likeness <= like < line
        }
    return flags
