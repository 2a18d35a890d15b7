"""voicewright: make a voice from a few seconds of recordings, and speak any text with it.

    from voicewright import Studio

    studio = Studio()
    studio.clone("narrator", ["rec1.wav"], consent="I am the speaker")
    studio.speak("Any text.", voice="narrator", out="out.wav")

Names are imported when they are first used, so that `import voicewright` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voicewright.audio.clip import Clip as Clip
    from voicewright.engines.options import EnrollOptions as EnrollOptions
    from voicewright.engines.options import SpeakOptions as SpeakOptions
    from voicewright.errors import VoicewrightError as VoicewrightError
    from voicewright.home import Home as Home
    from voicewright.studio import Studio as Studio
    from voicewright.voice.voice import Voice as Voice

    __version__: str

_NAMES = {
    "Clip": "voicewright.audio.clip",
    "EnrollOptions": "voicewright.engines.options",
    "Home": "voicewright.home",
    "SpeakOptions": "voicewright.engines.options",
    "Studio": "voicewright.studio",
    "Voice": "voicewright.voice.voice",
    "VoicewrightError": "voicewright.errors",
}

__all__ = ["Clip", "EnrollOptions", "Home", "SpeakOptions", "Studio", "Voice", "VoicewrightError", "__version__"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("voicewright")
    if name not in _NAMES:
        raise AttributeError(f"module 'voicewright' has no attribute {name!r}")
    return getattr(import_module(_NAMES[name]), name)


def __dir__() -> list[str]:
    return __all__
