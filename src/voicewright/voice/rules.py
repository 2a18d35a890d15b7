"""`ReferenceRules`: every threshold of the reference doctor, with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field


def _same_speaker() -> Mapping[str, float]:
    return {"campplus": 0.58, "ge2e": 0.66}


@dataclass(frozen=True, kw_only=True)
class ReferenceRules:
    """What makes a good reference.

    "Measured" means: on recordings of six real speakers (LibriVox, studio prompts, interviews), clean and with
    noise, room sound, music or a narrower band added at known strength.
    """

    block_s: float = 30.0
    """Recordings are read in blocks of this length; memory does not depend on how long they are."""
    pool_s: float = 300.0
    """Speech kept for the choice, drawn evenly from everything; bounds memory (60 MB at 48 kHz) and embedding time."""

    phrase_s: float = 6.0
    """Longest segment; long enough for whole phrases, short enough that one cough spoils little."""
    shortest_s: float = 0.7
    """Shorter stretches of speech are single syllables and rarely clean."""
    join_gap_s: float = 0.3
    """Speech closer than this belongs to one phrase; longer pauses are left out."""
    edge_s: float = 0.1
    """Kept before and after speech, so that soft onsets and tails survive."""

    refuse_s: float = 2.0
    """Below this, speaker encoders see one or two words and a voice is a guess: refused (3 s is the advice)."""
    poor_s: float = 3.0
    short_s: float = 6.0
    """From 3 to 6 s a voice can be made; likeness still grows quickly with length."""
    best_s: float = 30.0
    """More than this changes a speaker embedding little."""

    noise_fair_db: float = 20.0
    noise_poor_db: float = 12.0
    """Speech to background. Measured: within 2 dB up to 20 dB; dense speech reads 22 dB at most on its own pauses."""
    clipped_fair: float = 0.0005
    clipped_poor: float = 0.01
    """Share of samples in flat tops; unclipped speech has none."""
    reverb_fair_s: float = 0.35
    reverb_poor_s: float = 0.7
    """Reverberation time with as much room as direct sound. A furnished room has 0.3 to 0.5 s, a bare one 0.8 s."""
    tones_fair: float = 3.0
    tones_poor: float = 5.0
    """Held tones in the quiet quarter. Measured: dry speech up to 1.0, in a 1.2 s room up to 3.0, with music 15 dB
    below it 1 to 9 (drums alone have none)."""
    bandwidth_fair_hz: float = 6_500.0
    bandwidth_poor_hz: float = 4_300.0
    """Telephones end at 3.4 to 4 kHz; encoders and listeners use up to 8 kHz."""
    quiet_db: float = -42.0
    """Speech below this level (RMS, full scale = 0 dB) shares the lowest bits with the converter's noise."""

    window_s: float = 3.0
    """Speech that a speaker embedding is taken from; at 2 s, one speaker's windows already scatter by 0.05 more."""
    least_window_s: float = 1.0
    """Embeddings of less are not trusted."""
    same_speaker: Mapping[str, float] = field(default_factory=_same_speaker)
    """Mean cosine similarity above which two groups of windows are one speaker, by the encoder's name. Measured with
    CAM++, halves of one speaker, one of them degraded: 0.59 (telephone) to 0.87; two speakers: 0.25 to 0.57 (two women
    in one studio, quick turns). GE2E drops to 0.56 for one speaker in noise and in quiet, so prefer CAM++."""
    same_speaker_default: float = 0.6
    """For encoders without a measured value."""
    noisy_speaker_per_db: float = 0.012
    """The threshold sinks by this for each dB of noise beyond `noise_poor_db`: noise scatters one speaker's windows."""
    other_speaker_s: float = 2.5
    other_speaker_share: float = 0.1
    """A second voice counts when it has both; less is left out as a stray."""

    sure_words: float = 0.55
    """Mean probability above which a recogniser's words are believed (and the language taken to be its own)."""
