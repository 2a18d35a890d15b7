"""Blind listening sets: pairs of sounds whose origin nobody can tell, a page to answer on, and what the answers say.

    SET/index.html  SET/sounds/….wav     what listeners get; it works without a network
    SET.key.json                          what they must not get: beside the folder, not in it

"ab" asks which of two is the better; "abx" whether X is A or B, that is, whether they can be told apart at all.
"""

import csv
import hashlib
import json
import os
import random
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Literal

import numpy as np

from voicewright.audio.clip import Clip
from voicewright.audio.edit import gain, resample
from voicewright.audio.files import read_clip
from voicewright.audio.loudness import loudness_lufs, true_peak_db
from voicewright.audio.writer import write_clip
from voicewright.errors import BadRun, BadSetting
from voicewright.settings import from_dict, to_dict
from voicewright.training.comparison import Comparison
from voicewright.training.page import page

Kind = Literal["ab", "abx"]
LUFS = -23.0
"""EBU R 128: speech at this loudness keeps its peaks."""
PEAK_DB = -1.0
DITHER = 2.0**-15
"""One step of 16 bits, triangular: X and the sound it repeats are no equal files."""
ENDING = ".key.json"
CHOICES = {"ab": ("first", "second", "same"), "abx": ("first", "second")}
WORDS = {
    "ab": ("Which sounds better?", {"first": "the first", "second": "the second", "same": "no difference"}),
    "abx": ("Which of the two is X?", {"first": "X is the first", "second": "X is the second"}),
}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One text as two voices spoke it."""

    text: str
    a: Clip
    b: Clip


@dataclass(frozen=True, kw_only=True)
class Key:
    """What the pages do not say. `first` is, pair by pair, which side is played first; `x` which side X is ("abx")."""

    set: str
    kind: Kind
    a: str
    b: str
    first: tuple[Literal["a", "b"], ...]
    x: tuple[Literal["a", "b"], ...] = ()
    salt: str = ""


@dataclass(frozen=True, kw_only=True)
class BlindResult:
    """What listeners said. "ab": how often each side was preferred; "abx": `b` counts right answers, `a` wrong ones.

    `p` is the chance of so uneven a count if there were no difference (two-sided binomial test; one-sided for "abx");
    equal ones are left out of it. `low` to `high` is where the share of `b` lies with 95 % confidence (Wilson).
    """

    kind: Kind
    name_a: str
    name_b: str
    a: int
    b: int
    same: int
    p: float
    low: float
    high: float
    sentence: str = field(default="")


def pairs_of(folder: Path, comparison: Comparison) -> list[Pair]:
    """The texts of the comparison in `folder` that both sides spoke. Raises BadClip: a sound is missing."""
    both = zip(comparison.heard_a, comparison.heard_b, strict=True)
    return [
        Pair(text=a.text, a=read_clip(folder / a.sound), b=read_clip(folder / b.sound))
        for a, b in both
        if a.sound and b.sound
    ]


def make_blind(
    pairs: Sequence[Pair],
    folder: Path,
    *,
    names: tuple[str, str] = ("a", "b"),
    kind: Kind = "ab",
    seed: int | None = None,
    title: str = "Listening test",
) -> Path:
    """Write a set of `pairs` in random order to `folder`, and its key beside it; where the key is.

    Both sounds of a pair are at -23 LUFS (softer, but equally so, where peaks need it), of one rate, padded to one
    length, and in files named by a salted hash: neither names, sizes nor dates of the files say which is which.

    Args:
        names: of the two voices; they go into the key only.
        seed: the same seed gives the same order, so anybody who knows it knows the key; None: nobody does.

    Raises:
        BadSetting: no pairs, or the folder is taken. BadClip: it cannot be written.
    """
    if not pairs:
        raise BadSetting("a listening test needs a pair of sounds at least, and there is none")
    key_path = folder.with_name(folder.name + ENDING)
    if folder.exists() and any(folder.iterdir()):
        raise BadSetting(f"{folder} is not empty; name a new folder for the listening test")
    order = random.Random(secrets.randbits(128) if seed is None else seed)  # noqa: S311 - the salt is the secret
    salt = secrets.token_hex(16)
    shuffled = order.sample(list(pairs), len(pairs))
    first = tuple(_half_each(order, len(pairs)))
    x = tuple(_half_each(order, len(pairs))) if kind == "abx" else ()
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "sounds").mkdir(parents=True)
    dither = np.random.default_rng(secrets.randbits(64))
    asked = []
    for number, pair in enumerate(shuffled):
        sides = dict(zip("ab", _alike(pair), strict=True))
        played = [first[number], "b" if first[number] == "a" else "a", *x[number : number + 1]]
        files = [hashlib.sha256(f"{salt} {number} {place}".encode()).hexdigest()[:16] for place in range(len(played))]
        for side, name in zip(played, files, strict=True):
            noise = dither.triangular(-DITHER, 0, DITHER, len(sides[side]))
            write_clip(part / "sounds" / f"{name}.wav", sides[side].with_samples(sides[side].samples + noise))
        asked.append((pair.text, files))
    told = hashlib.sha256(f"{salt} {first} {x}".encode()).hexdigest()[:16]
    key = Key(set=told, kind=kind, a=names[0], b=names[1], first=first, x=x, salt=salt)
    (part / "index.html").write_text(_page(title, kind, told, asked), "utf-8")
    for path in (*(part / "sounds").iterdir(), part / "index.html"):
        os.utime(path, (0, 0))
    key_path.write_text(json.dumps(to_dict(key), indent=1) + "\n", "utf-8")
    if folder.exists():
        folder.rmdir()
    part.rename(folder)
    return key_path


def score(answers: Sequence[Path], key: Path) -> BlindResult:
    """What the answers (.json or .csv, as the page saves them) of one listener or several say.

    Raises:
        BadRun: a file cannot be read, belongs to another set, or answers what was not asked.
    """
    held = _key(key)
    given = [choice for path in answers for choice in _answers(path, held)]
    counts = {"a": 0, "b": 0, "same": 0}
    for pair, choice in given:
        counts[_meant(held, pair, choice)] += 1
    a, b = counts["a"], counts["b"]
    p, low, high = 1.0, 0.0, 1.0
    if a + b:
        from scipy.stats import binomtest

        test = binomtest(b, a + b, alternative="greater" if held.kind == "abx" else "two-sided")
        p = float(test.pvalue)
        interval = binomtest(b, a + b).proportion_ci(method="wilson")
        low, high = float(interval.low), float(interval.high)
    result = BlindResult(
        kind=held.kind, name_a=held.a, name_b=held.b, a=a, b=b, same=counts["same"], p=p, low=low, high=high
    )
    return BlindResult(**{**to_dict(result), "sentence": _sentence(result)})


def _alike(pair: Pair) -> tuple[Clip, Clip]:
    """Both sounds at one rate, one loudness and one length."""
    rate = max(pair.a.rate, pair.b.rate)
    clips = [resample(clip, rate) for clip in (pair.a, pair.b)]
    length = max(map(len, clips))
    clips = [clip.with_samples(np.pad(clip.samples, (0, length - len(clip)))) for clip in clips]
    # measured with the silence behind it: of a short clip that changes which blocks the measure takes in
    levels = [loudness_lufs(clip) for clip in clips]
    heard = [(level, true_peak_db(clip)) for level, clip in zip(levels, clips, strict=True) if np.isfinite(level)]
    target = min([LUFS, *(level + PEAK_DB - peak for level, peak in heard)])
    a, b = (gain(c, target - level) if np.isfinite(level) else c for c, level in zip(clips, levels, strict=True))
    return a, b


def _half_each(order: random.Random, count: int) -> list[Literal["a", "b"]]:
    """Each side first as often as the other, in random order; an odd one falls to either."""
    odd: list[Literal["a", "b"]] = [order.choice(("a", "b"))] if count % 2 else []
    sides: list[Literal["a", "b"]] = [*(["a", "b"] * (count // 2)), *odd]  # type: ignore[list-item]
    order.shuffle(sides)
    return sides


def _meant(key: Key, pair: int, choice: str) -> str:
    """Which side an answer speaks for; in "abx", "b" for right and "a" for wrong."""
    if choice == "same":
        return "same"
    first = key.first[pair - 1]
    side = first if choice == "first" else "b" if first == "a" else "a"
    if key.kind == "abx":
        return "b" if side == key.x[pair - 1] else "a"
    return side


def _key(path: Path) -> Key:
    try:
        given: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return from_dict(Key, given, where=str(path))
    except (OSError, ValueError, TypeError) as problem:
        raise BadRun(f"{path}: the key of the listening test cannot be read ({problem})") from None


def _answers(path: Path, key: Key) -> list[tuple[int, str]]:
    """(pair, choice), the pairs counted from 1."""
    try:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                rows: list[Mapping[str, Any]] = list(csv.DictReader(file))
        else:
            data = json.loads(path.read_text("utf-8"))
            rows = [{"set": data["set"], **row} for row in data["answers"]]
        found = [(str(row["set"]), int(row["pair"]), str(row["choice"])) for row in rows]
    except (OSError, ValueError, TypeError, KeyError) as problem:
        raise BadRun(f"{path}: these answers cannot be read ({problem}); save them again from the page") from None
    for told, pair, choice in found:
        if told != key.set:
            raise BadRun(f"{path}: these answers belong to another listening test; give the key of theirs")
        if not 1 <= pair <= len(key.first) or choice not in CHOICES[key.kind]:
            raise BadRun(f"{path}: pair {pair} was not answered with one of {', '.join(CHOICES[key.kind])}")
    if len({pair for _, pair, _ in found}) != len(found):
        raise BadRun(f"{path}: a pair is answered twice; save the answers again from the page")
    return [(pair, choice) for _, pair, choice in found]


def _sentence(result: BlindResult) -> str:
    told, sure = result.a + result.b, result.p < 0.05
    chance = f"p = {result.p:.3f}"
    if not told:
        return "Nobody heard a difference." if result.same else "There are no answers."
    if result.kind == "abx":
        heard = "the two can be told apart" if sure else "that the two can be told apart is not shown"
        return f"{result.b} of {told} answers are right: {heard} ({chance})."
    equal = f", {result.same} heard no difference" if result.same else ""
    counts = f"{result.b} for {result.name_b}, {result.a} for {result.name_a}{equal}"
    if not sure:
        return f"{counts}: no preference is shown ({chance})."
    return f"{counts}: {result.name_b if result.b > result.a else result.name_a} is preferred ({chance})."


def _page(title: str, kind: Kind, told: str, asked: Sequence[tuple[str, Sequence[str]]]) -> str:
    question, choices = WORDS[kind]
    cards = []
    for number, (text, files) in enumerate(asked, start=1):
        names = ("first", "second", "X")[: len(files)]
        players = "".join(
            f'<figure><figcaption>{name}</figcaption><audio controls preload="none" src="sounds/{file}.wav"></audio>'
            "</figure>"
            for name, file in zip(names, files, strict=True)
        )
        answers = "".join(
            f'<label><input type="radio" name="{number}" value="{value}"> {escape(words)}</label>'
            for value, words in choices.items()
        )
        cards.append(
            f'<fieldset data-pair="{number}"><legend>{number} of {len(asked)}</legend><p>{escape(text)}</p>'
            f'<div class="players">{players}</div><div>{answers}</div></fieldset>'
        )
    head = f"<h1>{escape(title)}</h1><p>{question} Listen as often as you like, best with headphones.</p>"
    foot = (
        '<p id="left" class="quiet"></p><p><button data-save="json">Save answers</button> '
        '<button data-save="csv">Save as a table (CSV)</button></p><noscript>This page needs JavaScript.</noscript>'
    )
    body = f'<main data-set="{told}">{head}{"".join(cards)}{foot}</main>'
    return page(escape(title), body, style=STYLE, script=SCRIPT)


STYLE = """
fieldset { border: 1px solid var(--line); border-radius: .5rem; margin: 1rem 0; } fieldset.done { opacity: .75; }
.players { display: flex; flex-wrap: wrap; gap: 1rem; margin: .5rem 0; } figure { margin: 0; }
label { margin-right: 1.2rem; } button { font: inherit; padding: .4rem .9rem; }
"""
SCRIPT = """
const main = document.querySelector("main"), set = main.dataset.set, place = "listening-" + set;
const cards = [...document.querySelectorAll("fieldset")];
const chosen = () => cards.map(card => [Number(card.dataset.pair), card.querySelector("input:checked")?.value])
  .filter(row => row[1]);
const show = () => {
  for (const card of cards) card.classList.toggle("done", Boolean(card.querySelector("input:checked")));
  document.getElementById("left").textContent = `${chosen().length} of ${cards.length} answered`;
};
try {
  for (const [pair, choice] of JSON.parse(localStorage.getItem(place) || "[]"))
    main.querySelector(`input[name="${Number(pair)}"][value="${choice}"]`)?.click();
} catch { }
main.addEventListener("change", () => {
  try { localStorage.setItem(place, JSON.stringify(chosen())); } catch { }
  show();
});
main.addEventListener("play", event => {
  for (const other of document.querySelectorAll("audio")) if (other !== event.target) other.pause();
}, true);
for (const button of document.querySelectorAll("[data-save]")) button.addEventListener("click", () => {
  const rows = chosen(), kind = button.dataset.save;
  const text = kind === "csv"
    ? "set,pair,choice\\n" + rows.map(row => [set, ...row].join(",") + "\\n").join("")
    : JSON.stringify({ set, answers: rows.map(([pair, choice]) => ({ pair, choice })) }, null, 1) + "\\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = `answers.${kind}`;
  link.click();
});
show();
"""
