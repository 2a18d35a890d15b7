import pytest

from voicewright.errors import BadSetting
from voicewright.text.languages import LANGUAGES, heard_language, resolve_language


@pytest.mark.parametrize(
    ("given", "name"),
    {"en": "en-us", "EN_GB": "en-gb", "english": "en-us", "pt": "pt-br", "jp": "ja", "français": "fr"}.items(),
)
def test_languages_have_many_names(given, name):
    assert resolve_language(given) == name


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_languages_own_name_is_itself(name):
    assert resolve_language(name) == name


def test_a_slip_is_met_with_the_nearest_name():
    with pytest.raises(BadSetting, match="did you mean 'english'"):
        resolve_language("englsh")


def test_an_unknown_language_lists_the_known():
    with pytest.raises(BadSetting, match="en-us, en-gb"):
        resolve_language("xx-klingon")


def test_what_was_heard_is_called_as_people_call_it():
    assert [heard_language(code) for code in ("de", "zh", "en-us", "haw")] == [
        "German",
        "Chinese",
        "English",
        "the language 'haw'",
    ]
