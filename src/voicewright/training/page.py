"""`write_page`: a comparison as one HTML file that can be sent alone: nothing is fetched, all sound is inside."""

import base64
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from voicewright.training.listening import Heard

if TYPE_CHECKING:
    from voicewright.training.comparison import Comparison
    from voicewright.training.judging import Difference

STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #2e7d4f; --bad: #b0413e; --quiet: #7a8794; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.verdict { font-size: 1.25rem; font-weight: 600; } .better { color: var(--good); } .worse { color: var(--bad); }
.quiet, caption { color: var(--quiet); } .scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
audio { width: 15rem; height: 2.2rem; display: block; } small { color: var(--quiet); display: block; }
img { max-width: 100%; background: #fff; border-radius: .4rem; }
"""
KINDS = {".flac": "audio/flac", ".wav": "audio/wav", ".png": "image/png"}


def write_page(folder: Path, comparison: "Comparison") -> None:
    """Write `folder`/index.html on the comparison whose sounds (and curve.png, if it is there) lie in `folder`."""
    a, b = escape(comparison.a), escape(comparison.b)
    curve = folder / "curve.png"
    parts = [
        f"<h1>{b} against {a}</h1>",
        f'<p class="verdict {_tone(comparison.verdict)}">{escape(comparison.verdict)}</p>',
        f"<p>{escape(comparison.why)}</p>",
        *(f'<p class="quiet">{escape(note)}</p>' for note in comparison.notes),
        _meters(comparison),
        _validation(comparison),
        f'<h2>The run</h2><img src="{data_of(curve)}" alt="Curves over the checkpoints">' if curve.is_file() else "",
        _sounds(folder, comparison),
    ]
    (folder / "index.html").write_text(page(f"{b} against {a}", "\n".join(filter(None, parts))), "utf-8")


def page(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """A whole page of `body` (HTML). `title` is escaped already. It may fetch nothing."""
    policy = "default-src 'none'; img-src data:; media-src data: 'self' file: blob:; style-src 'unsafe-inline'"
    policy += "; script-src 'unsafe-inline'" if script else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<style>{STYLE}{style}</style></head>\n<body>\n{body}\n"
        f"{f'<script>{script}</script>' if script else ''}</body></html>\n"
    )


def data_of(path: Path) -> str:
    """A file as an address that holds it."""
    return f"data:{KINDS[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _tone(verdict: str) -> str:
    return verdict if verdict in ("better", "worse") else "quiet"


def _meters(comparison: "Comparison") -> str:
    head = (
        f"<th>on {len(comparison.heard_a)} texts that no audition used</th>"
        f'<th class="n">{escape(comparison.a)}</th><th class="n">{escape(comparison.b)}</th>'
        '<th class="n">difference</th><th class="n">95 % interval</th><th></th>'
    )
    rows = "".join(map(_meter, comparison.differences))
    names = {"ge2e": "GE2E", "campplus": "CAM++", "dvector": "d-vector"}
    ceiling = ", ".join(f"{escape(names.get(name, name))} {value:.2f}" for name, value in comparison.ceiling.items())
    note = f'<p class="quiet">The speaker\'s own recordings, each against the others: {ceiling}.</p>'
    return f'<h2>Measured</h2><div class="scroll"><table><tr>{head}</tr>{rows}</table></div>{note}'


def _meter(each: "Difference") -> str:
    digits = each.of.digits
    numbers = [f"{each.a:.{digits}f}", f"{each.b:.{digits}f}", f"{each.difference:+.{digits}f}"]
    numbers.append(f"{each.low:+.{digits}f} … {each.high:+.{digits}f}")
    cells = "".join(f'<td class="n">{number}</td>' for number in numbers)
    return f'<tr><td>{escape(each.of.title)}</td>{cells}<td class="{each.verdict}">{each.verdict}</td></tr>'


def _validation(comparison: "Comparison") -> str:
    if not comparison.validation:
        return ""
    rows = "".join(
        f'<tr><td>{escape(each.name.replace("_", " "))}</td><td class="n">{each.a:.4g}</td>'
        f'<td class="n">{each.b:.4g}</td><td class="n">{escape(each.change)}</td></tr>'
        for each in comparison.validation
    )
    names = "".join(f'<th class="n">{escape(name)}</th>' for name in (comparison.a, comparison.b))
    head = f"<th>lower is better</th>{names}<th></th>"
    return f'<h2>Held-out recordings</h2><div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'


def _sounds(folder: Path, comparison: "Comparison") -> str:
    rows = "".join(
        f"<tr><td>{escape(a.text)}</td><td>{_sound(folder, a)}</td><td>{_sound(folder, b)}</td></tr>"
        for a, b in zip(comparison.heard_a, comparison.heard_b, strict=True)
    )
    head = f"<th>text</th><th>{escape(comparison.a)}</th><th>{escape(comparison.b)}</th>"
    return f'<h2>Listen</h2><div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'


def _sound(folder: Path, heard: Heard) -> str:
    if not heard.sound:
        return '<small class="worse">nothing was spoken</small>'
    facts = [f"likeness {heard.alike:.3f}"]
    if heard.naturalness is not None:
        facts.append(f"DNSMOS {heard.naturalness:.2f}")
    if heard.words_wrong:
        facts.append(f"{heard.words_wrong} of {heard.words} words wrong, heard: {heard.heard}")
    player = f'<audio controls preload="none" src="{data_of(folder / heard.sound)}"></audio>'
    return f"{player}<small>{escape(' · '.join(facts))}</small>"
