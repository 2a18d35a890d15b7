"""The user's own pronunciations: respellings ("Nguyen: win") and phonemes ("Kokoro: /kˈOkəɹO/")."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from voicewright.errors import BadText
from voicewright.text.phonemes import GIVEN, check_phonemes

_PHONEMES = re.compile(r"/([^/]*)/")
_FORMATS = (".yaml", ".yml", ".json", ".tsv", ".txt")


@dataclass(frozen=True)
class Lexicon:
    """Words or phrases → how to say them; "/…/" holds phonemes, anything else is a respelling.

    An entry in lower case stands for the word however it is capitalised; an entry with a capital ("Polish") only for
    that spelling. Only whole words are replaced, longer phrases before shorter ones.
    """

    entries: dict[str, str]

    def __post_init__(self) -> None:
        for word, said in self.entries.items():
            _checked(word, said, "the lexicon")

    @classmethod
    def read(cls, path: str | Path) -> "Lexicon":
        """From a file of `word: respelling` lines (.yaml, .yml, .txt), `word<TAB>respelling` lines (.tsv) or a JSON
        object.

        In lines, `#` starts a comment. Raises BadText with the line's number for a line that is no entry, a word given
        twice, an empty side or unknown phonemes; or when the file cannot be read.
        """
        path = Path(path)
        if path.suffix.lower() not in _FORMATS:
            raise BadText(f"{path}: a lexicon is a file ending in {', '.join(_FORMATS)}")
        try:
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as problem:
            raise BadText(f"{path}: cannot be read as UTF-8 text ({problem})") from None
        return cls(_from_json(text, path) if path.suffix.lower() == ".json" else _from_lines(text, path))

    def respell(self, text: str) -> str:
        """`text` with its respellings in place; to be applied before numbers and signs are written out."""
        return self._replaced(text, phonemes=False)

    def mark_phonemes(self, text: str) -> str:
        """`text` with `[word](/phonemes/)` where the user gave phonemes; to be applied to normalised text."""
        return self._replaced(text, phonemes=True)

    def _replaced(self, text: str, *, phonemes: bool) -> str:
        chosen = {word: said for word, said in self.entries.items() if bool(_PHONEMES.fullmatch(said)) == phonemes}
        if not chosen:
            return text
        words = sorted(chosen, key=len, reverse=True)
        pattern = "|".join(
            re.escape(word).replace(r"\ ", r"\s+")
            if word != word.lower()
            else f"(?i:{re.escape(word)})".replace(r"\ ", r"\s+")
            for word in words
        )
        whole = re.compile(rf"{GIVEN.pattern}|(?<!\w)(?P<entry>{pattern})(?!\w)")

        def said(match: re.Match[str]) -> str:
            if match["entry"] is None:
                return match[0]
            key = re.sub(r"\s+", " ", match["entry"])
            spoken = chosen.get(key) or chosen[key.lower()]
            return f"[{match['entry']}]({spoken})" if phonemes else spoken

        return whole.sub(said, text)


def _from_json(text: str, path: Path) -> dict[str, str]:
    try:
        pairs: object = json.loads(text, object_pairs_hook=list)
    except json.JSONDecodeError as problem:
        raise BadText(f"{path}, line {problem.lineno}: not JSON ({problem.msg})") from None
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) and isinstance(pair[1], str) for pair in pairs):
        raise BadText(f'{path}: must hold one object of words and respellings, like {{"Nguyen": "win"}}')
    return _unique([(0, word, said) for word, said in pairs], path)


def _from_lines(text: str, path: Path) -> dict[str, str]:
    tabbed = path.suffix.lower() == ".tsv"
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", line).strip()
        if not line or line == "---":
            continue
        word, mark, said = line.partition("\t" if tabbed else ":")
        if not mark:
            raise BadText(
                f"{path}, line {number}: no {'tab' if tabbed else 'colon'} in {line!r}; "
                f"write word{'<tab>' if tabbed else ': '}respelling"
            )
        found.append((number, _unquoted(word), _unquoted(said)))
    return _unique(found, path)


def _unique(found: list[tuple[int, str, str]], path: Path) -> dict[str, str]:
    entries: dict[str, str] = {}
    for number, word, said in found:
        where = f"{path}, line {number}" if number else str(path)
        word = re.sub(r"\s+", " ", word)
        if word in entries:
            raise BadText(f"{where}: {word!r} is given twice; keep one of {entries[word]!r} and {said!r}")
        entries[word] = _checked(word, said, where)
    return entries


def _checked(word: str, said: str, where: str) -> str:
    if not word.strip() or not said.strip():
        raise BadText(f"{where}: nothing stands on one side of {word!r}: {said!r}; write word: respelling")
    if set(word) & set("[]()"):
        raise BadText(f"{where}: {word!r} holds brackets; a word or phrase has none")
    if phonemes := _PHONEMES.fullmatch(said):
        check_phonemes(phonemes[1], f"{where}, {word!r}")
    elif said.startswith("/") or "[" in said:
        raise BadText(f"{where}: phonemes of {word!r} stand between two slashes, /like this/; got {said!r}")
    return said


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
