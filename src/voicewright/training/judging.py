"""Paired differences with their uncertainty, and what they amount to in one word."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from voicewright.training.listening import Heard

Verdict = Literal["better", "no difference heard", "worse", "not worth it"]
CONFIDENCE = 0.95
RESAMPLES = 9999
FEWEST = 5
"""Texts below which an interval means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One figure of a text: its name, how it is written, which way is better, and the least change that matters."""

    name: str
    title: str
    higher_is_better: bool
    least: float
    digits: int = 3


METERS = (
    Meter(name="likeness", title="likeness (GE2E and CAM++, which chose)", higher_is_better=True, least=0.01),
    Meter(name="dvector", title="likeness (d-vector, which had no say)", higher_is_better=True, least=0.01),
    Meter(name="ge2e", title="GE2E", higher_is_better=True, least=0.01),
    Meter(name="campplus", title="CAM++", higher_is_better=True, least=0.01),
    Meter(name="naturalness", title="naturalness (DNSMOS)", higher_is_better=True, least=0.1, digits=2),
    Meter(name="melody", title="melody followed (correlation)", higher_is_better=True, least=0.02),
    Meter(name="words", title="words wrong, %", higher_is_better=False, least=1.0, digits=1),
)
"""A likeness that moves by 0.01 is 2 or 3 % of the way from two speakers to one; 0.1 of a mark and one word in a
hundred are what the other meters move by when nothing that is heard does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What one meter says of two voices, over the same texts: means `a` and `b`, `difference` = b - a, and its 95 %
    interval (bootstrap over texts; Efron & Tibshirani 1993)."""

    meter: str
    texts: int
    a: float
    b: float
    difference: float
    low: float
    high: float

    @property
    def of(self) -> Meter:
        return next(meter for meter in METERS if meter.name == self.meter)

    @property
    def verdict(self) -> Literal["better", "worse", "same"]:
        """Whether b is better: the interval leaves 0 out, and the difference is large enough to matter."""
        if abs(self.difference) < self.of.least or self.low <= 0 <= self.high:
            return "same"
        return "better" if (self.difference > 0) == self.of.higher_is_better else "worse"

    def __str__(self) -> str:
        digits, sign = self.of.digits, self.difference
        interval = f"{self.low:+.{digits}f} to {self.high:+.{digits}f}"
        return f"{self.of.title}: {self.a:.{digits}f} → {self.b:.{digits}f} ({sign:+.{digits}f}; {interval})"


def differences(a: Sequence[Heard], b: Sequence[Heard]) -> tuple[Difference, ...]:
    """Every meter that heard both sides, on the same texts in the same order."""
    found = []
    for meter in METERS:
        pairs = [(x, y) for x, y in zip(_values(meter.name, a), _values(meter.name, b), strict=True)]
        told = [(x, y) for x, y in pairs if x is not None and y is not None]
        if told:
            found.append(paired(meter.name, [x for x, _ in told], [y for _, y in told]))
    return tuple(found)


def paired(meter: str, a: Sequence[float], b: Sequence[float]) -> Difference:
    """The mean difference of pairs, and where it lies with 95 % confidence. The same pairs give the same interval."""
    import numpy as np

    changes = np.subtract(b, a)
    low = high = float(changes.mean())
    if len(changes) > 1 and np.ptp(changes) > 0:
        from scipy.stats import bootstrap

        interval = bootstrap(
            (changes,),
            np.mean,
            confidence_level=CONFIDENCE,
            n_resamples=RESAMPLES,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
        low, high = float(interval.low), float(interval.high)
    return Difference(
        meter=meter,
        texts=len(changes),
        a=fmean(a),
        b=fmean(b),
        difference=float(changes.mean()),
        low=low,
        high=high,
    )


def judged(found: Sequence[Difference]) -> tuple[Verdict, str]:
    """The verdict on b against a, and the sentence why.

    "better" needs the encoders that chose to hear it closer and the one that did not to agree, with words and
    naturalness no worse; or the same speaker with better words or naturalness. A gain in likeness that costs words or
    naturalness is "not worth it", and so is one too small to be heard.
    """
    by_name = {each.meter: each for each in found}
    likeness, verifier = by_name["likeness"], by_name.get("dvector")
    quality = [each for name in ("naturalness", "melody", "words") if (each := by_name.get(name))]
    harm = [each for each in quality if each.verdict == "worse"]
    gain = [each for each in quality if each.verdict == "better"]
    ears = [each for each in (likeness, verifier) if each]
    lost = [each for each in ears if each.verdict == "worse"]
    if lost or (harm and likeness.verdict != "better"):
        return "worse", f"It lost: {_told([*lost, *harm])}."
    if harm:
        return "not worth it", f"It is more like the speaker ({likeness}), and that cost too much: {_told(harm)}."
    if likeness.verdict == "better" and (verifier is None or verifier.verdict == "better"):
        who = "an encoder that had no say agrees" if verifier else "no encoder that had no say was there to ask"
        return "better", f"It is more like the speaker, and {who}: {_told([*ears, *gain])}."
    if gain:
        return "better", f"It is as like the speaker, and better otherwise: {_told(gain)}."
    if likeness.verdict == "better":
        return "no difference heard", f"Only the encoders that chose it hear it closer: {_told(ears)}."
    if likeness.low > 0:
        return "not worth it", f"It is closer by less than anybody hears: {likeness}."
    return "no difference heard", f"What differs may be chance: {_told(ears)}."


def _told(found: Sequence[Difference]) -> str:
    return "; ".join(map(str, found))


def _values(meter: str, heard: Sequence[Heard]) -> list[float | None]:
    if meter == "likeness":
        return [each.alike for each in heard]
    if meter in ("naturalness", "melody"):
        return [getattr(each, meter) for each in heard]
    if meter == "words":
        mean = fmean(each.words for each in heard) or 1.0
        return [None if each.words_wrong is None else 100 * each.words_wrong / mean for each in heard]
    return [each.likeness.get(meter) for each in heard]
