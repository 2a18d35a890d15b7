"""`make demo`: a voice from the sample recordings, a paragraph in it, and how good it is.

One recording is held back: the likeness is measured against that one, which the voice never heard.
"""

import argparse
import sys
import time
from pathlib import Path

from voicewright import EnrollOptions, Studio
from voicewright.apps.make import clone_report
from voicewright.apps.progress import shown
from voicewright.samples import AUSTEN, samples

PARAGRAPH = (
    "This voice was made a minute ago, from twenty seconds of an old public domain recording. "
    "It has never said these words before. It can count to 1,234, tell you that it is half past three, "
    "and wish Dr. Smith a pleasant evening!"
)
HELD_BACK = "austen-0920.flac"


def main() -> int:
    """Run the demo and print what came out of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("demo"), help="where everything goes")
    parser.add_argument("--preset", default="standard", choices=["quick", "standard", "best"])
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    used = [sample.path for sample in samples() if sample.path.name != HELD_BACK]
    held_back = AUSTEN / HELD_BACK
    studio, out = Studio(given.folder / "home"), given.folder / "demo.wav"

    consent = "public-domain recording of a LibriVox volunteer"
    with shown() as progress:
        start = time.perf_counter()
        options = EnrollOptions(preset=given.preset)
        cloned = studio.clone("demo", used, options=options, consent=consent, replace=True, progress=progress)
        cloned_s = time.perf_counter() - start
        speech = studio.speak(PARAGRAPH, voice="demo", out=out, progress=progress)
        spoken_s = time.perf_counter() - start - cloned_s
        report = studio.measure(out, like=[held_back], text=PARAGRAPH, progress=progress)
        measured_s = time.perf_counter() - start - cloned_s - spoken_s

    print(clone_report(cloned))
    print(report)
    print(f"making the voice took {cloned_s:.1f} s, measuring {measured_s:.1f} s")
    print(f"speaking and checking {speech.seconds:.1f} s of sound took {spoken_s:.1f} s")
    print(f"listen: {out.resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
