"""Slices: the clips of a recording, cut and written, each with its words, its speaker and its place."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from voicewright.audio.activity import Span
from voicewright.audio.parts import open_parts
from voicewright.data.cleaning import clean
from voicewright.data.clips import cut, gain_for, level_profile
from voicewright.data.slicing import Slice, slices
from voicewright.data.tasks import Bench, Task
from voicewright.data.turns import Turn
from voicewright.data.utterance import Scores, Source, TimedWord, Utterance
from voicewright.settings import from_dict

NOTHING_HEARD = "left out: no speech was found in it"


def cut_slices(bench: Bench, task: Task) -> Mapping[str, Any]:
    """`utterances`: the recording's, in order, their clips in the dataset's folder. Memory: one clip at a time."""
    options, given = bench.options, task.given
    sound = bench.folder / given["sound"]
    words, heard, doubts = _words(bench, task)
    doubts += given["doubts"]
    turns = [from_dict(Turn, turn, where=task.name) for turn in given["turns"]]
    found = slices(
        [Span(*span) for span in given["spans"]],
        words,
        turns,
        seconds=given["seconds"],
        options=options.slices,
        limits=options.limits,
        levels=level_profile(sound) if options.task == "convert" else None,
    )
    wanted = options.loudness_lufs
    gain_db = 0.0 if wanted is None or given["lufs"] is None else gain_for(given["lufs"], wanted, given["peak_db"])
    if not found:
        return {"problem": NOTHING_HEARD}
    utterances = []
    with open_parts(sound) as parts:
        for each in found:
            name = task.name if len(found) == 1 else f"{task.name}-{round(each.start_s * 1000):08d}"
            audio = f"clips/{name}.wav"
            rate = options.rate or options.limits.rate
            clip = cut(parts, each.start_s, each.end_s, rate=rate, gain_db=gain_db, out=bench.folder / audio)
            heard_here = [pair for pair in heard if each.start_s <= _middle_s(pair[0]) < each.end_s]
            utterance = Utterance(
                id=name,
                audio=audio,
                sha256=clip.sha256,
                seconds=clip.seconds,
                rate=clip.rate,
                text=clean(" ".join(word.text for word in each.words)).text,
                speaker=each.speaker or given["speaker"],
                language=options.language,
                gold=bool(given["text"]),
                heard=" ".join(word.text for word, _ in heard_here),
                words=tuple(_from(word, each.start_s) for word in each.words),
                source=Source(recording=task.name, sha256=given["sha256"], start_s=each.start_s, end_s=each.end_s),
                scores=Scores(
                    overlap=each.overlap,
                    sureness=None if given["text"] else min((sure for _, sure in heard_here), default=None),
                ),
            )
            utterances.append(_doubted(utterance, each, doubts))
    return {"utterances": utterances}


def _words(bench: Bench, task: Task) -> tuple[list[TimedWord], list[tuple[TimedWord, float]], list[dict[str, Any]]]:
    """The words to cut between; what was heard (the same without a human text), and how surely; the text's doubts."""
    heard = []
    for name, key in task.given["words"]:
        held = bench.work.find("words", name, key) or {"words": [], "sure": []}
        words = (from_dict(TimedWord, word, where=name) for word in held["words"])
        heard += list(zip(words, held["sure"], strict=True))
    if not task.given["text"]:
        return [word for word, _ in heard], heard, []
    laid = bench.work.find("text", *task.given["text"]) or {}
    written = [from_dict(TimedWord, word, where=task.name) for word in laid.get("words", [])]
    return written, heard, laid.get("doubts", [])


def _middle_s(word: TimedWord) -> float:
    return (word.start_s + word.end_s) / 2


def _from(word: TimedWord, start_s: float) -> TimedWord:
    return replace(word, start_s=max(0.0, word.start_s - start_s), end_s=max(0.0, word.end_s - start_s))


def _doubted(utterance: Utterance, each: Slice, doubts: Sequence[Mapping[str, Any]]) -> Utterance:
    """With what was found wrong with the human text of this stretch: told, and dropped where it is sure."""
    mine = [doubt for doubt in doubts if doubt["start_s"] <= each.end_s and doubt["end_s"] >= each.start_s]
    flags = tuple(doubt["what"] for doubt in mine if not doubt["sure"])
    return replace(utterance, flags=flags, dropped="; ".join(doubt["what"] for doubt in mine if doubt["sure"]))
