"""Which segments make the reference."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from voicewright.voice.quality import Quality
from voicewright.voice.rules import ReferenceRules
from voicewright.voice.segments import Segment

SPREAD_DB = 2.0
"""What another `phrase_s` from the same recording costs: a second recording of nearly the same quality is preferred."""
WORSE_DB = 12.0
"""Once there is enough, segments that lag the best by more than this are left out."""
ENOUGH_S = 10.0


def deficits(quality: Quality, rules: ReferenceRules) -> Mapping[str, float]:
    """What is wrong with a segment, in points that weigh like decibels of noise; 0 is nothing.

    A fault at its "poor" line weighs about as much as 18 dB of noise too much.
    """
    excess = {
        "noise": max(0.0, rules.noise_poor_db + 18 - quality.snr_db),
        "clipping": 18 * quality.clipped / rules.clipped_poor,
        "reverb": 18 * quality.reverb_s / rules.reverb_poor_s,
        "music": 18 * max(0.0, quality.tones - 1) / rules.tones_poor,
        "bandwidth": 18 * max(0.0, 8_000 - quality.bandwidth_hz) / (8_000 - rules.bandwidth_poor_hz),
        "level": max(0.0, rules.quiet_db - quality.level_db),
    }
    return {kind: min(points, 60.0) for kind, points in excess.items()}


def choose(segments: Sequence[Segment], candidates: Sequence[int], rules: ReferenceRules) -> list[int]:
    """The best of the candidates, spread over the recordings, 30 s at most; in the order of recordings and time.

    Greedy: the segment with the fewest points next, each recording paying for what it has given. It stops when
    `best_s` are full, or when there is enough and what is left lags far behind the best.
    """
    points = {i: sum(deficits(segments[i].quality, rules).values()) + _brevity(segments[i]) for i in candidates}
    given: dict[int, float] = defaultdict(float)
    chosen: list[int] = []
    total_s, best = 0.0, min(points.values(), default=0.0)
    while points:
        index = min(points, key=lambda i: (points[i] + SPREAD_DB * given[segments[i].recording] / rules.phrase_s, i))
        segment, value = segments[index], points.pop(index)
        if total_s >= ENOUGH_S and value > best + WORSE_DB:
            break
        if total_s + segment.seconds > rules.best_s and chosen:
            continue
        chosen.append(index)
        total_s += segment.seconds
        given[segment.recording] += segment.seconds
    return sorted(chosen, key=lambda i: (segments[i].recording, segments[i].start_s))


def _brevity(segment: Segment) -> float:
    """Points for short segments: single words carry less of a voice and are cut closer."""
    return 3.0 * max(0.0, 2.0 - segment.seconds)
