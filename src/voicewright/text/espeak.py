"""Phonemes from eSpeak NG, for languages that no permissive list serves. GPL-3: opt in with `voicewright[espeak]`.

The packages `phonemizer-fork` and `espeakng-loader` are imported here and only here.
"""

from collections.abc import Callable
from importlib import import_module

from voicewright.errors import MissingExtra

_VOICES = {"pt-br": "pt-br", "hi": "hi"}
_TO_KOKORO = (
    ("a^ɪ", "I"), ("a^ʊ", "W"), ("d^z", "ʣ"), ("d^ʒ", "ʤ"), ("e^ɪ", "A"), ("o^ʊ", "O"), ("ə^ʊ", "Q"), ("s^s", "S"),
    ("t^s", "ʦ"),
    ("t^ʃ", "ʧ"), ("ɔ^ɪ", "Y"), ("^", ""), ("-", ""),
)  # fmt: skip
"""Kokoro's single symbols for eSpeak's tied pairs, as in its training text (misaki, Apache-2.0)."""


def espeak_phonemes(language: str) -> Callable[[str], str]:
    """A backend for Brazilian Portuguese ("pt-br") or Hindi ("hi"). Raises MissingExtra when eSpeak is not
    installed.
    """
    try:
        loader = import_module("espeakng_loader")
        wrapper = import_module("phonemizer.backend.espeak.wrapper").EspeakWrapper
        backend_class = import_module("phonemizer.backend").EspeakBackend
    except ImportError as missing:
        raise MissingExtra(
            missing.name or "phonemizer-fork", needed_for=f"pronouncing {language!r}", extra="espeak"
        ) from None
    wrapper.set_library(loader.get_library_path())
    wrapper.set_data_path(loader.get_data_path())
    backend = backend_class(
        _VOICES[language], preserve_punctuation=True, with_stress=True, tie="^", language_switch="remove-flags"
    )

    def phonemes(text: str) -> str:
        spoken = " ".join(backend.phonemize([text])).strip()
        for pair, symbol in _TO_KOKORO:
            spoken = spoken.replace(pair, symbol)
        return spoken

    return phonemes
