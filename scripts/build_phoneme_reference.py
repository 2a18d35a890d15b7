"""Build `src/voicewright/data/reference/en.tsv`: how often each phoneme and pair of phonemes occurs in read English.

    python scripts/build_phoneme_reference.py sense-and-sensibility.txt

The committed table is made from Jane Austen, "Sense and Sensibility" (1811, public domain; Project Gutenberg 161).
"""

import re
import sys
from collections import Counter
from pathlib import Path

from voicewright.data.coverage import pairs_of, phonemes_of
from voicewright.text.normalize import normalize
from voicewright.text.phonemes import Phonemizer

OUT = Path(__file__).parents[1] / "src" / "voicewright" / "data" / "reference" / "en.tsv"
PAIRS = 500


def main() -> None:
    text = Path(sys.argv[1]).read_text("utf-8", errors="replace")
    text = re.sub(r"\[.*?\]|CHAPTER \d+", "", text)
    phonemizer = Phonemizer("en-us")
    single: Counter[str] = Counter()
    double: Counter[str] = Counter()
    for paragraph in text.split("\n\n"):
        phonemes = phonemizer(normalize(" ".join(paragraph.split())))
        single.update(phonemes_of(phonemes))
        double.update(pairs_of(phonemes))
    lines = [f"# {sum(single.values())} phonemes, {sum(double.values())} pairs; the {PAIRS} commonest pairs"]
    lines += [f"{symbol}\t{count}" for symbol, count in sorted(single.items(), key=lambda item: (-item[1], item[0]))]
    commonest = sorted(double.items(), key=lambda item: (-item[1], item[0]))[:PAIRS]
    lines += [f"{pair}\t{count}" for pair, count in commonest]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
    shown = sum(count for _, count in commonest) / sum(double.values())
    print(f"{len(single)} phonemes, {PAIRS} pairs ({shown:.1%} of all pairs said) -> {OUT}")


if __name__ == "__main__":
    main()
