"""The languages that the default engine speaks, and the names people give them."""

from dataclasses import dataclass
from difflib import get_close_matches

from voicewright.errors import BadSetting


@dataclass(frozen=True, slots=True)
class Language:
    """`numbers` is the language's name in num2words, "" where the phoneme backend reads digits itself."""

    name: str
    title: str
    numbers: str


LANGUAGES = {
    language.name: language
    for language in (
        Language("en-us", "American English", "en"),
        Language("en-gb", "British English", "en"),
        Language("es", "Spanish", "es"),
        Language("fr", "French", "fr"),
        Language("it", "Italian", "it"),
        Language("pt-br", "Brazilian Portuguese", "pt_BR"),
        Language("hi", "Hindi", ""),
        Language("ja", "Japanese", ""),
        Language("zh", "Mandarin Chinese", ""),
    )
}

ALIASES = {
    "en": "en-us", "us": "en-us", "american": "en-us", "english": "en-us",
    "gb": "en-gb", "uk": "en-gb", "en-uk": "en-gb", "british": "en-gb",
    "es-es": "es", "es-mx": "es", "es-419": "es", "spanish": "es", "español": "es",
    "fr-fr": "fr", "fr-ca": "fr", "french": "fr", "français": "fr",
    "it-it": "it", "italian": "it", "italiano": "it",
    "pt": "pt-br", "br": "pt-br", "portuguese": "pt-br", "português": "pt-br",
    "hi-in": "hi", "hindi": "hi",
    "jp": "ja", "ja-jp": "ja", "japanese": "ja",
    "zh-cn": "zh", "zh-hans": "zh", "cn": "zh", "cmn": "zh", "chinese": "zh", "mandarin": "zh",
}  # fmt: skip

HEARD = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
"""Languages that recognisers hear, by their code (ISO 639-1)."""


def heard_language(code: str) -> str:
    """What people call a language that a recogniser heard: "de" → "German"; a rare one keeps its code."""
    return HEARD.get(code.partition("-")[0], f"the language {code!r}")


def resolve_language(name: str) -> str:
    """The language's own name for whatever it was called: "en" → "en-us", "pt_BR" → "pt-br".

    Raises BadSetting with the nearest name when there is no such language.
    """
    key = name.strip().lower().replace("_", "-")
    if key in LANGUAGES:
        return key
    if key in ALIASES:
        return ALIASES[key]
    near = get_close_matches(key, [*LANGUAGES, *ALIASES], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(LANGUAGES)}"
    raise BadSetting(f"no language is called {name!r}; {hint}")


def is_english(language: str) -> bool:
    return language.startswith("en")
