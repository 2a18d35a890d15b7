"""Mandarin phonemes by misaki (Apache-2.0, `voicewright[zh]`; it needs Python 3.12 or older)."""

from collections.abc import Callable
from importlib import import_module

from voicewright.errors import MissingExtra


def chinese_phonemes() -> Callable[[str], str]:
    """A backend for Mandarin: pinyin with tones as the arrows → ↗ ↓ ↘. Raises MissingExtra when misaki is not
    installed.
    """
    try:
        g2p = import_module("misaki.zh").ZHG2P()
    except ImportError as missing:
        raise MissingExtra(missing.name or "misaki", needed_for="pronouncing 'zh'", extra="zh") from None
    return lambda text: str(g2p(text)[0])
