"""Build `src/voicewright/text/data/en-{us,gb}.tsv.gz` from misaki's pronouncing lexicons.

    pip download --no-deps misaki==0.9.4 && unzip misaki-0.9.4-py3-none-any.whl
    python scripts/build_english_lexicon.py misaki/data

One line a word, sorted by its UTF-8 bytes: the word, a tab, the usual phonemes, then `TAG=phonemes` for each part of
speech that is said in another way (`TAG=` alone: spelled letter by letter). `~` before the phonemes marks the
entries of
misaki's "silver" lists, which no person checked. Lexicons by hexgrad, https://github.com/hexgrad/misaki, Apache-2.0.
"""

import gzip
import json
import sys
from pathlib import Path

ACCENTS = {"en-us": "us", "en-gb": "gb"}
DATA = Path(__file__).parent.parent / "src" / "voicewright" / "text" / "data"


def line(word: str, entry: str | dict[str, str | None], *, checked: bool) -> str:
    mark = "" if checked else "~"
    if isinstance(entry, str):
        return f"{word}\t{mark}{entry}"
    others = [f"{tag}={phonemes or ''}" for tag, phonemes in entry.items() if tag != "DEFAULT"]
    return "\t".join([word, mark + str(entry["DEFAULT"]), *others])


def build(source: Path, accent: str) -> bytes:
    checked = json.loads((source / f"{accent}_gold.json").read_text("utf-8"))
    unchecked = json.loads((source / f"{accent}_silver.json").read_text("utf-8"))
    lines = [line(word, entry, checked=True) for word, entry in checked.items()]
    lines += [line(word, entry, checked=False) for word, entry in unchecked.items() if word not in checked]
    return "\n".join(["", *sorted(lines, key=lambda text: text.split("\t")[0].encode()), ""]).encode()


def main() -> None:
    source = Path(sys.argv[1])
    for language, accent in ACCENTS.items():
        packed = gzip.compress(build(source, accent), compresslevel=9, mtime=0)
        (DATA / f"{language}.tsv.gz").write_bytes(packed)
        print(f"{language}: {len(packed):,} bytes")


if __name__ == "__main__":
    main()
