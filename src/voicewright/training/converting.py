"""A recording converted as `voicewright convert` does it, for auditions."""

from voicewright.audio.clip import Clip
from voicewright.audio.pitch import Pitch, PitchTracker
from voicewright.conversion.conversion import Conversion
from voicewright.engines.base import Converts
from voicewright.engines.registry import convert_options
from voicewright.errors import BadClip
from voicewright.voice.voice import Voice


def converted(engine: Converts, voice: Voice, clip: Clip, tracker: PitchTracker) -> tuple[Clip, Pitch | None]:
    """`clip` in the voice, with the settings that there are by default and seed 0, and the pitch curve that it should
    follow; nothing, and no curve, where the network has come apart.

    Raises: WrongVoice, StaleVoice, BadVoice: from the engine.
    """
    converter = engine.converter(voice, convert_options(engine.name)())
    try:
        made, told = Conversion(converter, tracker).convert_clip(clip)
    except BadClip:  # what it gives are no numbers
        return Clip.silence(0, converter.rate), None
    return made, told.wished
