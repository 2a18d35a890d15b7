"""`write_report`: what is in a dataset, what was dropped and why, as one HTML file."""

import base64
import json
import mimetypes
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import numpy as np

from voicewright.audio.files import read_clip
from voicewright.data.coverage import coverage_of
from voicewright.data.report.pictures import histogram, sound_bars, wave
from voicewright.data.report.words import COLUMNS, HISTOGRAMS, TEXTS, hours
from voicewright.data.rules import kind_of, reasons
from voicewright.data.utterance import Utterance
from voicewright.errors import BadClip, BadSetting, MissingExtra

SHOWN_FINDINGS = 20
"""The others are one click away."""
PICTURE_RATE = 8_000
"""Enough to draw an envelope, and quicker to read."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """What a report holds."""

    pictures: int = 60
    """Dropped and flagged clips that are drawn, at most."""
    embed_mb: float = 0.0
    """Sound of those clips put into the file itself, up to this many megabytes, so that it can be sent alone."""
    title: str = ""
    """Heading; by default the name of the dataset's folder."""


def write_report(
    folder: Path,
    utterances: Sequence[Utterance],
    out: Path,
    *,
    findings: Sequence[str] = (),
    options: ReportOptions | None = None,
) -> None:
    """Write the report on the dataset in `folder` to the file `out`, whole or not at all.

    The page needs no network and no other file but the clips, which it plays by paths relative to `out`. The same
    dataset gives the same bytes.

    Args:
        findings: sentences on recordings that could not be used, or only in part, and on where a human transcript and
            the sound part ways.
    """
    options = options or ReportOptions()
    title = options.title or folder.resolve().name
    link = _linker(folder, out)
    main = [
        _tiles(utterances),
        _reasons(utterances),
        _listed(TEXTS["findings"], findings),
        _distributions(utterances),
        _coverage(utterances),
        _clips(folder, utterances, link, options),
    ]
    headings = "".join(
        f'<th{"" if i < 2 else " class=n"}><button data-column="{i}">{escape(name)}</button></th>'
        for i, name in enumerate(("name", "text", "s", *(name for _, name, _ in COLUMNS)))
    )
    filled = {
        "title": escape(title),
        "css": _resource("page.css"),
        "js": _resource("page.js"),
        "main": "\n".join(part for part in main if part),
        "table": TEXTS["table"],
        "no_script": TEXTS["no_script"],
        "choices": _choices(utterances),
        "headings": headings,
        "foot": TEXTS["foot"],
        "rows": _rows(utterances, link),
    }
    page = re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match[1]], _resource("page.html"))
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(f"{out.name}.part")
    part.write_text(page, "utf-8", errors="replace", newline="\n")
    part.replace(out)


def _resource(name: str) -> str:
    return files("voicewright.data.report").joinpath(name).read_text("utf-8").rstrip("\n")


def _linker(folder: Path, out: Path) -> Callable[[Utterance], str]:
    """Gives a clip's address, relative to the page."""
    prefix = Path(os.path.relpath(folder.resolve(), out.parent.resolve())).as_posix()

    def link(utterance: Utterance) -> str:
        path = utterance.audio if prefix == "." else f"{prefix}/{utterance.audio}"
        return "./" + quote(path, errors="surrogateescape")  # "./": a name with a colon is no scheme

    return link


def _tiles(utterances: Sequence[Utterance]) -> str:
    kept = [each for each in utterances if each.kept]
    dropped_s = sum(each.seconds for each in utterances if not each.kept)
    flagged = sum(bool(each.flags) for each in kept)
    tiles = (
        (hours(sum(each.seconds for each in kept)), TEXTS["hours_kept"]),
        (f"{len(kept):,}", TEXTS["clips_kept"]),
        (f"{len(utterances) - len(kept):,}", f"{TEXTS['clips_dropped']} ({hours(dropped_s)})"),
        (f"{flagged:,}", TEXTS["clips_flagged"]),
    )
    cells = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for value, name in tiles
    )
    return f'<section class="tiles">{cells}</section>'


def _reasons(utterances: Sequence[Utterance]) -> str:
    kept = [each for each in utterances if each.kept]
    drops = Counter(kind for each in utterances for kind in dict.fromkeys(map(kind_of, reasons(each.dropped))))
    flags = Counter(kind for each in kept for kind in dict.fromkeys(map(kind_of, each.flags)))
    shares: Counter[str] = Counter()
    for each in kept:
        shares[f"{TEXTS['speaker']}: {each.speaker}"] += 1
    for each in kept:
        shares[f"{TEXTS['split']}: {each.split}"] += 1
    for each in kept:
        shares[TEXTS["without_text"] if not each.text else TEXTS["by_human" if each.gold else "by_machine"]] += 1
    blocks = (
        (TEXTS["why_dropped"], _bars(drops.most_common(), "why", TEXTS["nothing_dropped"])),
        (TEXTS["why_flagged"], _bars(flags.most_common(), "look", TEXTS["nothing_flagged"])),
        (TEXTS["shares"], _bars(list(shares.items()), "who", "")),
    )
    cards = "".join(f'<div class="card"><h3>{escape(name)}</h3>{bars}</div>' for name, bars in blocks)
    return f'<section class="cards">{cards}</section>'


def _bars(counts: Sequence[tuple[str, int]], kind: str, empty: str) -> str:
    if not counts:
        return f'<p class="quiet">{escape(empty)}</p>'
    most = max(count for _, count in counts)
    lines = "".join(
        f"<li><span>{escape(name)}</span><b>{count:,}</b>"
        f'<i style="width:{100 * count / most:.1f}%" aria-hidden="true"></i></li>'
        for name, count in counts
    )
    return f'<ul class="reasons {kind}">{lines}</ul>'


def _listed(title: str, sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    lines = [f"<li>{escape(sentence)}</li>" for sentence in sentences]
    first, rest = lines[:SHOWN_FINDINGS], lines[SHOWN_FINDINGS:]
    more = f"<details><summary>{TEXTS['more']}</summary><ul>{''.join(rest)}</ul></details>" if rest else ""
    return _section(f"{title} ({len(sentences):,})", f'<div class="card"><ul>{"".join(first)}</ul>{more}</div>')


def _distributions(utterances: Sequence[Utterance]) -> str:
    plots = []
    for name, title, unit in HISTOGRAMS:
        kept, dropped = (
            [value for each in utterances if each.kept is side and (value := _value(each, name)) is not None]
            for side in (True, False)
        )
        plots.append(histogram(kept, dropped, title, unit, TEXTS["nobody_listened"]))
    note = f'<p class="note">{TEXTS["shown_kept"]}</p>'
    return _section(TEXTS["distributions"], f'<div class="plots">{"".join(plots)}</div>{note}')


def _value(utterance: Utterance, name: str) -> float | None:
    value: float | None = utterance.seconds if name == "seconds" else getattr(utterance.scores, name)
    return value


def _coverage(utterances: Sequence[Utterance]) -> str:
    """Of the language most is said in."""
    languages = Counter(each.language for each in utterances if each.kept and each.text)
    if not languages:
        return ""
    try:
        coverage = coverage_of(utterances, languages.most_common(1)[0][0])
    except (MissingExtra, BadSetting) as problem:
        return _section(TEXTS["coverage"], f'<p class="quiet">{escape(str(problem))}</p>')
    states = {**dict.fromkeys(coverage.rare, "rare"), **dict.fromkeys(coverage.missing, "missing")}
    bars = sound_bars([(s.symbol, s.share, s.usual, s.count, states.get(s.symbol, "")) for s in coverage.sounds])
    source = TEXTS["coverage_source"].format(source=coverage.source) if coverage.source else ""
    note = f'<p class="note">{escape(source)}</p>' if source else ""
    return _section(TEXTS["coverage"], f'<div class="card"><p>{escape(coverage.sentence)}</p>{bars}{note}</div>')


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _clips(
    folder: Path, utterances: Sequence[Utterance], link: Callable[[Utterance], str], options: ReportOptions
) -> str:
    odd = [each for each in utterances if each.dropped or each.flags]
    if not odd or options.pictures < 1:
        return ""
    chosen = sorted({int(i) for i in np.linspace(0, len(odd) - 1, min(options.pictures, len(odd))).round()})
    left = int(options.embed_mb * 1_000_000)
    cards = []
    for place in chosen:
        each = odd[place]
        card, used = _clip(folder, each, link(each), left, embed=options.embed_mb > 0)
        left -= used
        cards.append(card)
    told = TEXTS["clips_all"] if len(chosen) == len(odd) else TEXTS["clips_some"]
    note = f'<p class="note">{told.format(shown=len(chosen), count=len(odd))}</p>'
    return _section(TEXTS["clips"], note + "".join(cards))


def _clip(folder: Path, utterance: Utterance, href: str, left: int, *, embed: bool) -> tuple[str, int]:
    """A card, and how many bytes of sound were put into it."""
    path, notes = folder / utterance.audio, []
    try:
        picture = wave(read_clip(path, rate=PICTURE_RATE), utterance.words)
    except (BadClip, OSError):
        picture = f'<p class="quiet">{TEXTS["unreadable"]}</p>'
    source, used = href, 0
    if embed and path.is_file():
        if (size := path.stat().st_size * 4 // 3) <= left:
            kind = mimetypes.guess_type(path.name)[0] or "audio/wav"
            source, used = f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}", size
        else:
            notes.append(f'<p class="quiet">{TEXTS["not_embedded"]}</p>')
    lines = [f'<p class="drop">{escape(reason)}</p>' for reason in reasons(utterance.dropped)]
    lines += [f'<p class="flag">{escape(flag)}</p>' for flag in utterance.flags]
    heard = utterance.heard if utterance.heard and utterance.heard != utterance.text else ""
    if heard:
        notes.insert(0, f'<p class="quiet">{TEXTS["heard"]}: {escape(heard)}</p>')
    text = f"<p>{escape(utterance.text)}</p>" if utterance.text else f'<p class="quiet">{TEXTS["no_text"]}</p>'
    name = f'<h3>{escape(utterance.id)} <span class="quiet">{utterance.seconds:.1f} s</span></h3>'
    sound = f'<audio controls preload="none" src="{escape(source)}" aria-label="{escape(utterance.id)}"></audio>'
    return f'<article class="card">{name}{"".join(lines)}{text}{"".join(notes)}{picture}{sound}</article>', used


def _choices(utterances: Sequence[Utterance]) -> str:
    kept, flagged = sum(each.kept for each in utterances), sum(bool(each.flags) for each in utterances)
    kinds = Counter(
        kind
        for each in utterances
        for kind in dict.fromkeys(kind_of(sentence) for sentence in (*reasons(each.dropped), *each.flags))
    )
    choices = [("", f"all ({len(utterances)})"), ("kept", f"{TEXTS['kept']} ({kept})")]
    choices += [
        ("dropped", f"{TEXTS['dropped']} ({len(utterances) - kept})"),
        ("flagged", f"{TEXTS['flagged']} ({flagged})"),
    ]
    choices += [(f"={kind}", f"{kind} ({count})") for kind, count in kinds.most_common()]
    return "".join(f'<option value="{escape(value)}">{escape(name)}</option>' for value, name in choices)


def _rows(utterances: Sequence[Utterance], link: Callable[[Utterance], str]) -> str:
    """The table as JSON that may stand inside a script element."""
    rows = [
        {
            "i": each.id,
            "a": link(each),
            "t": each.text,
            "p": each.speaker,
            "s": each.split,
            "d": reasons(each.dropped),
            "f": list(each.flags),
            "n": [
                round(each.seconds, 2),
                *(None if (v := _value(each, name)) is None else round(v, digits + 1) for name, _, digits in COLUMNS),
            ],
        }
        for each in utterances
    ]
    columns = [["s", 1], *([name, digits] for _, name, digits in COLUMNS)]
    data = {"columns": columns, "speakers": len({each.speaker for each in utterances}), "rows": rows}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
