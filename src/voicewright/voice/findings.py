"""What the reference doctor says, in words."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

from voicewright.voice.choice import deficits
from voicewright.voice.quality import Quality
from voicewright.voice.rules import ReferenceRules
from voicewright.voice.segments import Heard, Segment
from voicewright.voice.speakers import Speaker

Severity = Literal["info", "warning", "problem"]
Grade = Literal["likely good", "fair", "poor"]
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was found, in one sentence."""

    kind: str
    """used, left-out, twice, unreadable, speakers, language, pitch, length; noise, clipping, reverb, music, bandwidth
    and level."""
    where: str
    """The recording (and the time in it); "" for all of them together."""
    sentence: str
    severity: Severity = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """How good a voice these recordings are likely to give, and why not better."""

    grade: Grade
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.grade}: {'; '.join(self.reasons)}" if self.reasons else self.grade


def forecast(findings: Sequence[Finding]) -> Forecast:
    """The worst finding decides: any problem is poor, any warning is fair. The reasons begin with the worst."""
    problems = [finding.sentence for finding in findings if finding.severity == "problem"]
    warnings = [finding.sentence for finding in findings if finding.severity == "warning"]
    grade: Grade = "poor" if problems else "fair" if warnings else "likely good"
    return Forecast(grade=grade, reasons=tuple(problems + warnings))


def clock(seconds: float) -> str:
    """Seconds as m:ss or h:mm:ss."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def place(segment: Segment, recordings: Sequence[Heard]) -> str:
    """A segment's recording and time."""
    return f"{recordings[segment.recording].label} {_times([segment])}"


def use_findings(segments: Sequence[Segment], chosen: Sequence[int], recordings: Sequence[Heard]) -> list[Finding]:
    """What was used of each recording."""
    findings = []
    for number, recording in enumerate(recordings):
        mine = [segments[i] for i in chosen if segments[i].recording == number]
        if not mine:
            continue
        used_s = sum(segment.seconds for segment in mine)
        part = "all" if used_s > 0.95 * recording.speech_s else f"{used_s:.1f} s"
        sentence = f"used {part} of {recording.speech_s:.1f} s of speech ({_times(mine)})"
        findings.append(Finding(kind="used", where=recording.label, sentence=sentence))
    return findings


def _times(segments: Sequence[Segment]) -> str:
    """When the segments of one recording are, those that touch as one."""
    spans: list[tuple[float, float]] = []
    for segment in segments:
        if spans and segment.start_s - spans[-1][1] < 0.2:
            spans[-1] = (spans[-1][0], segment.end_s)
        else:
            spans.append((segment.start_s, segment.end_s))
    return ", ".join(f"{clock(start)}–{clock(math.ceil(end))}" for start, end in spans)


def unused_findings(
    segments: Sequence[Segment],
    chosen: Sequence[int],
    candidates: Sequence[int],
    recordings: Sequence[Heard],
    rules: ReferenceRules,
) -> list[Finding]:
    """Why the rest was left out, one sentence for each recording and reason."""
    if not chosen:
        return []
    best = {kind: median(deficits(segments[i].quality, rules)[kind] for i in chosen) for kind in _WORSE}
    reasons: Counter[tuple[int, str]] = Counter()
    for index in set(candidates) - set(chosen):
        own = deficits(segments[index].quality, rules)
        worst = max(_WORSE, key=lambda kind: own[kind] - best[kind])
        why = (
            _WORSE[worst]
            if own[worst] - best[worst] > 3 and own[worst] > 6
            else "there was enough that is as good or better"
        )
        reasons[segments[index].recording, why] += round(segments[index].seconds * 1000)
    findings = [
        Finding(
            kind="left-out",
            where=recordings[number].label,
            sentence=f"left out {ms / 1000:.1f} s: {why}",
        )
        for (number, why), ms in sorted(reasons.items())
    ]
    for recording in recordings:
        if not recording.speech_s:
            sentence = "no speech was found in it" if recording.seconds else "it is empty"
            findings.append(Finding(kind="left-out", where=recording.label, sentence=sentence, severity="info"))
    return findings


_WORSE = {
    "noise": "noisier than what was used",
    "clipping": "more clipped than what was used",
    "reverb": "more room sound than in what was used",
    "music": "music or a hum behind it",
    "bandwidth": "duller than what was used",
    "level": "quieter than what was used",
}


def stray_findings(
    segments: Sequence[Segment], strays: Sequence[int], recordings: Sequence[Heard], why: str
) -> list[Finding]:
    """Segments that are not the wanted voice."""
    if not strays:
        return []
    seconds = sum(segments[i].seconds for i in strays)
    places = ", ".join(place(segments[i], recordings) for i in strays[:3]) + (", …" if len(strays) > 3 else "")
    return [Finding(kind="speakers", where=places, sentence=f"left out {seconds:.1f} s: {why}")]


def quality_findings(used: Sequence[Segment], rules: ReferenceRules) -> list[Finding]:
    """What is wrong with what was used; nothing if nothing is."""
    whole = typical(used)
    seconds = sum(segment.seconds for segment in used)
    # Each of noise and room sound is mistaken for a little of the other: the clearly larger one is named.
    roomy = whole.reverb_s > rules.reverb_fair_s and whole.snr_db >= rules.noise_poor_db
    noise_db = whole.snr_db + (6.0 if roomy else 0.0)
    checks: list[tuple[str, bool, bool, str]] = [
        (
            "length",
            seconds < rules.short_s,
            seconds < rules.poor_s,
            f"only {seconds:.1f} s of speech could be used; 10 to 30 s make a closer voice",
        ),
        (
            "noise",
            noise_db < rules.noise_fair_db,
            noise_db < rules.noise_poor_db,
            f"there is noise {max(whole.snr_db, 0):.0f} dB below the speech; "
            "the voice may sound hoarse, so record in a quieter place",
        ),
        (
            "clipping",
            whole.clipped > rules.clipped_fair,
            whole.clipped > rules.clipped_poor,
            f"{100 * whole.clipped:.1f} % of the samples are clipped; "
            "the voice may sound harsh, so record more quietly",
        ),
        (
            "reverb",
            roomy,
            roomy and whole.reverb_s > rules.reverb_poor_s,
            f"the room can be heard (like {whole.reverb_s:.1f} s of reverberation); "
            "the voice may sound distant, so record closer to the microphone or in a furnished room",
        ),
        (
            "music",
            whole.tones > rules.tones_fair,
            whole.tones > rules.tones_poor,
            "music or a hum can be heard behind the speech; it may get into the voice, so use parts without it",
        ),
        (
            "bandwidth",
            whole.bandwidth_hz < rules.bandwidth_fair_hz,
            whole.bandwidth_hz < rules.bandwidth_poor_hz,
            f"the sound ends at {whole.bandwidth_hz / 1000:.1f} kHz (like a telephone call); "
            "the voice may sound dull, so use a recording of 16 kHz or more",
        ),
        (
            "level",
            whole.level_db < rules.quiet_db,
            False,
            f"the speech is very quiet ({whole.level_db:.0f} dB); record closer to the microphone",
        ),
    ]
    return [
        Finding(kind=kind, where="", sentence=sentence, severity="problem" if poor else "warning")
        for kind, fair, poor, sentence in checks
        if fair or poor
    ]


def typical(used: Sequence[Segment]) -> Quality:
    """The measures of several segments in one: medians, and the mean for clipping. `used` holds one or more."""
    each = [segment.quality for segment in used]
    return Quality(
        level_db=median(q.level_db for q in each),
        snr_db=median(q.snr_db for q in each),
        clipped=fmean(q.clipped for q in each),
        bandwidth_hz=median(q.bandwidth_hz for q in each),
        reverb_s=median(q.reverb_s for q in each),
        tones=median(q.tones for q in each),
    )


def speaker_list(speakers: Sequence[Speaker], segments: Sequence[Segment], recordings: Sequence[Heard]) -> str:
    """The speakers with their seconds and where to hear them, one a line."""
    # Of long recordings the segments are a sample.
    spoken_s, sampled_s = sum(r.speech_s for r in recordings), sum(s.seconds for s in segments)
    scale = max(1.0, spoken_s / sampled_s)
    lines = []
    for number, speaker in enumerate(speakers, start=1):
        places = ", ".join(place(segments[i], recordings) for i in speaker.segments[:3])
        lines.append(
            f"  speaker {number}: about {speaker.seconds * scale:.0f} s, for example {places or 'in short turns'}"
        )
    return "\n".join(lines)
