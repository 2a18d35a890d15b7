"""Two small taggers that the package `gruut-lang-en` carries (MIT, by Michael Hansen): parts of speech, and letters
→ sounds.

They are conditional random fields for python-crfsuite. Their features, in the form they were trained with, are facts of
gruut (https://github.com/rhasspy/gruut, MIT); gruut itself, and all it needs, stays unloaded.
"""

import string
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from voicewright.errors import MissingExtra

_Features = dict[str, str | bool | int | float]


def language_folder(language: str, *, extra: str) -> Path:
    """The folder of the package `gruut_lang_xx`. Raises MissingExtra naming `extra` when it is not installed."""
    package = f"gruut_lang_{language}"
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra(package.replace("_", "-"), needed_for=f"pronouncing {language!r}", extra=extra)
    return Path(next(iter(spec.submodule_search_locations)))


@lru_cache(maxsize=8)
def _tagger(model: Path) -> Any:
    """A trained model, read once a process because it never changes."""
    tagger = import_module("pycrfsuite").Tagger()
    tagger.open(str(model))
    return tagger


def parts_of_speech(words: Sequence[str], folder: Path) -> list[str]:
    """A Penn tag for each word and mark of a sentence, tokenised as English treebanks do ("do", "n't")."""
    return list(_tagger(folder / "pos" / "model.crf").tag(_sentence_features(words)))


def _sentence_features(words: Sequence[str]) -> list[_Features]:
    own = [_word_features(word) for word in words]
    sentence = []
    for place, features in enumerate(own):
        features = dict(features)
        if place == 0:
            features["BOS"] = True
        if place == len(own) - 1:
            features["EOS"] = True
        for step in (-2, -1, 1, 2):
            if 0 <= place + step < len(own):
                features |= {f"{step:+d}:{name}": value for name, value in own[place + step].items()}
        sentence.append(features)
    return sentence


def _word_features(word: str) -> _Features:
    features: _Features = {
        "bias": 1.0,
        "word": _coded(word),
        "len(word)": len(word),
        "word.ispunctuation": word in string.punctuation,
        "word.isdigit()": word.isdigit(),
    }
    for length in (2, 3):
        features[f"word[:{length}]"] = word[:length]
        features[f"word[-{length}:]"] = word[-length:]
    return features


def sounds(word: str, folder: Path) -> list[str]:
    """IPA phonemes guessed from a word's letters; stress marks stand before their vowel."""
    if not word:
        return []
    guessed = []
    for label in _tagger(folder / "g2p" / "model.crf").tag(_letter_features(word)):
        guessed += [sound for sound in b64decode(label).decode().split("|") if sound != "_"]
    return guessed


def _letter_features(word: str) -> list[_Features]:
    letters = [_coded(letter) for letter in word]
    coded = []
    for place, letter in enumerate(letters):
        features: _Features = {"bias": 1.0, "grapheme": letter}
        if place == 0:
            features["begin"] = True
        if place == len(letters) - 1:
            features["end"] = True
        for step in (-3, -2, -1, 1, 2, 3):
            if 0 <= place + step < len(letters):
                features[f"grapheme{step:+d}"] = letters[place + step]
        coded.append(features)
    return coded


def _coded(text: str) -> str:
    return b64encode(text.encode("utf-8", "replace")).decode("ascii")
