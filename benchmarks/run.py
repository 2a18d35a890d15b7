"""`make bench`: how like their speakers voices are, how many words are wrong, how long it takes.

    python benchmarks/run.py SPEAKERS --preset standard

SPEAKERS is a folder with one folder of recordings for each speaker; by default the sample ones. The last recording
of each speaker is held back: the voice never hears it, and likeness is measured against that one. The sentences are
none of those that any fit uses.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from voicewright import EnrollOptions, Studio
from voicewright.samples import AUSTEN
from voicewright.speech.options import CheckOptions, SpeechSettings

SENTENCES = Path(__file__).with_name("sentences.txt").read_text("utf-8").splitlines()
SOUNDS = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a"}
COLUMNS = ("ge2e", "campplus", "dvector", "words_wrong_percent", "dnsmos", "clone_s", "rtf_checks_off", "rtf_checked")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came out for one speaker."""

    speaker: str
    ge2e: float
    campplus: float
    dvector: float
    words_wrong_percent: float
    dnsmos: float
    clone_s: float
    rtf_checks_off: float
    rtf_checked: float


def bench(studio: Studio, speaker: str, recordings: list[Path], preset: str, folder: Path) -> Row:
    """Make a voice of all recordings but the last, speak every sentence, and measure against the last."""
    *used, held_back = recordings
    start = time.perf_counter()
    studio.clone(speaker, used, options=EnrollOptions(preset=preset), replace=True)  # type: ignore[arg-type]
    clone_s = time.perf_counter() - start
    text, out = " ".join(SENTENCES), folder / f"{speaker}.wav"
    off = studio.speak(text, voice=speaker, settings=SpeechSettings(check=CheckOptions(check="off")))
    checked = studio.speak(text, voice=speaker, out=out)
    report = studio.measure(out, like=[held_back], text=text)
    assert report.words
    assert report.marks
    return Row(
        speaker=speaker,
        **report.similarity,
        words_wrong_percent=100 * report.words.rate,
        dnsmos=report.marks.overall,
        clone_s=clone_s,
        rtf_checks_off=off.scores.rtf,
        rtf_checked=checked.scores.rtf,
    )


def main() -> int:
    """Run the benchmark; one line for each speaker, then the mean; JSON on request."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speakers", type=Path, nargs="?", default=AUSTEN.parent)
    parser.add_argument("--preset", default="standard", choices=["quick", "standard", "best"])
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    given = parser.parse_args()
    rows = []
    print("speaker", *COLUMNS, sep="\t", flush=True)
    with TemporaryDirectory() as folder:
        studio = Studio(Path(folder) / "home")
        for place in sorted(given.speakers.iterdir()):
            recordings = sorted(path for path in place.glob("*") if path.suffix.lower() in SOUNDS)
            if len(recordings) > 1:
                rows.append(bench(studio, place.name, recordings, given.preset, Path(folder)))
                print(place.name, *(f"{getattr(rows[-1], name):.3f}" for name in COLUMNS), sep="\t", flush=True)
    if not rows:
        sys.exit(f"{given.speakers}: no folder with two recordings or more")
    print("mean", *(f"{fmean(getattr(row, name) for row in rows):.3f}" for name in COLUMNS), sep="\t")
    if given.json:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
