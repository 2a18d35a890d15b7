"""Japanese phonemes: readings by pyopenjtalk-plus (MIT, `voicewright[ja]`), kana in the symbols that Kokoro learned.

The symbols for each kana are those of misaki's Japanese (Apache-2.0), with which the network was trained.
"""

import re
from collections.abc import Callable
from importlib import import_module

from voicewright.errors import MissingExtra

_ROWS = {
    "": "アイウエオ", "k": "カキクケコ", "ɡ": "ガギグゲゴ", "s": "サシスセソ", "ʣ": "ザジズゼゾ", "t": "タチツテト",
    "d": "ダヂヅデド", "n": "ナニヌネノ", "h": "ハヒフヘホ", "b": "バビブベボ", "p": "パピプペポ", "m": "マミムメモ",
    "ɾ": "ラリルレロ",
}  # fmt: skip
_ODD = {
    "キ": "kʲi", "ギ": "ɡʲi", "シ": "ɕi", "ス": "sɨ", "ジ": "ʥi", "ズ": "zɨ", "チ": "ʨi", "ツ": "ʦɨ", "ヂ": "ʥi",
    "ヅ": "zɨ",
    "ニ": "ɲi", "ヒ": "çi", "フ": "ɸɯ", "ビ": "bʲi", "ピ": "pʲi", "ミ": "mʲi", "リ": "ɾʲi", "ヤ": "ja", "ユ": "jɯ",
    "ヨ": "jo",
    "ワ": "βa", "ヮ": "βa", "ヰ": "i", "ヱ": "e", "ヲ": "o", "ヴ": "vɯ", "ヵ": "ka", "ヶ": "ke",
}  # fmt: skip
_SMALL_Y = {"ャ": "a", "ュ": "ɨ", "ョ": "o", "ェ": "e"}
_SMALL = {"ァ": "a", "ィ": "i", "ゥ": "ɯ", "ェ": "e", "ォ": "o"}
_BEFORE_SMALL = {
    "ウ": "β",
    "ヴ": "v",
    "フ": "ɸ",
    "ツ": "ʦ",
    "ク": "kᵝ",
    "グ": "ɡᵝ",
    "テ": "t",
    "デ": "d",
    "ト": "t",
    "ド": "d",
}
_MARKS = {
    "。": ".", "、": ",", "？": "?", "！": "!", "「": "“", "」": "”", "『": "“", "』": "”", "：": ":", "；": ";",
    "（": "(",
    "）": ")", "・": " ", "，": ",", "．": ".", "～": "—", "〜": "—", "…": "…", "―": "—",
}  # fmt: skip
_KNOWN_MARKS = frozenset(';:,.!?—…"“”()')


def japanese_phonemes() -> Callable[[str], str]:
    """A backend for Japanese. Raises MissingExtra when pyopenjtalk is not installed."""
    try:
        run_frontend = import_module("pyopenjtalk").run_frontend
    except ImportError as missing:
        raise MissingExtra(missing.name or "pyopenjtalk-plus", needed_for="pronouncing 'ja'", extra="ja") from None

    def phonemes(text: str) -> str:
        spoken = ""
        for word in run_frontend(text, use_sudachi_kanji_yomi=False):
            mark = _MARKS.get(word["string"], word["string"])
            if word["pos"] == "記号" and (mark in _KNOWN_MARKS or mark == " "):
                spoken = spoken.rstrip() + mark + " " if mark not in "“(" else spoken + mark
            elif word["mora_size"]:
                joined = word["chain_flag"] == 1 or word["pron"].startswith("ー")
                spoken = (spoken.rstrip() if joined else spoken) + kana_phonemes(word["pron"]) + " "
        return re.sub(r"\s+", " ", spoken).strip()

    return phonemes


def kana_phonemes(kana: str) -> str:
    """Katakana as it is read aloud → phonemes: "トーキョー" → toːkʲoː. Signs that are no kana are left out."""
    moras = re.findall(r"[ァ-ヶ][ァィゥェォャュョ]?|ー", kana.translate(_TO_KATAKANA))
    spoken = [_mora(mora) for mora in moras]
    for place, mora in enumerate(moras):
        if mora == "ン":
            spoken[place] = _nasal(spoken[place + 1] if place + 1 < len(spoken) else "")
    return "".join(spoken)


_TO_KATAKANA = {code: code + 96 for code in range(ord("ぁ"), ord("ゖ") + 1)}


def _mora(mora: str) -> str:
    if mora in ("ー", "ッ", "ン"):
        return {"ー": "ː", "ッ": "ʔ", "ン": "ɴ"}[mora]
    first, small = mora[0], mora[1:]
    plain = _ODD.get(first) or _kana(first)
    if not small:
        return plain
    if first in _BEFORE_SMALL and small in _SMALL:
        soft = "ʲ" if small == "ィ" and first not in "ウクグ" else ""
        return _BEFORE_SMALL[first] + soft + _SMALL[small]
    if small in _SMALL_Y and plain.endswith("i"):
        return ("j" if first == "イ" else plain[:-1]) + _SMALL_Y[small]
    if small in _SMALL_Y and first in "フテデヴ":
        return {"ヴ": "b"}.get(first, _BEFORE_SMALL[first]) + "ʲ" + _SMALL_Y[small]
    return plain[:-1] + (_SMALL.get(small) or _SMALL_Y.get(small, ""))


def _kana(char: str) -> str:
    for consonant, row in _ROWS.items():
        if char in row:
            return consonant + "aiɯeo"[row.index(char)]
    return {**_SMALL, "ャ": "ja", "ュ": "jɯ", "ョ": "jo"}.get(char, "")


def _nasal(following: str) -> str:
    """ン takes the place of articulation of what follows."""
    for nasal, starts in (("m", "mpb"), ("ŋ", "kɡ"), ("ɲ", "ɲʨʥ"), ("n", "ntdɾz")):
        if following[:1] and following[0] in starts:
            return nasal
    return "ɴ"
