import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicewright.errors import BadSetting
from voicewright.text.languages import LANGUAGES
from voicewright.text.normalize import normalize

AMERICAN = {
    # numbers
    "I have 21 cats, 1,234 mice and 0.5 dogs.": "I have twenty-one cats, one thousand two hundred thirty-four mice and "
    "zero point five dogs.",
    "007 and 3.14 and .5": "zero zero seven and three point one four and point five",
    "1st, 2nd, 3rd, 21st": "first, second, third, twenty-first",
    "-5 degrees": "minus five degrees",
    "3–5 people, 10-20%": "three to five people, ten to twenty percent",
    "1/2, 3/4, 1 1/2, 2½, 8/10, 24/7": "one half, three quarters, one and a half, two and a half, eight out of ten, "
    "twenty-four seven",
    "10k fans, 4K video, 5G": "ten thousand fans, four K video, five G",
    "Python 3.11.2, v2.0": "Python three point eleven point two, version two point zero",
    "The score was 3-2, ratio 3:1.": "The score was three two, ratio three to one.",
    "5+3=8, 3×4, x^2, a > b": "five plus three equals eight, three times four, x squared, a is greater than b",
    # years
    "In 1984, 2005, 1905 and 1900": "In nineteen eighty-four, two thousand five, nineteen oh five and nineteen hundred",
    "1500 soldiers in 1500": "one thousand five hundred soldiers in fifteen hundred",
    "1990s, '80s, 1914–18, 300 BC": "nineteen nineties, eighties, nineteen fourteen to eighteen, three hundred BC",
    # money
    "$3.50, £1.2m, €1,000, 50¢": "three dollars and fifty cents, one point two million pounds, "
    "one thousand euros, fifty cents",
    "$1, $0.99, -$5, $5–10, 20 EUR, $20/hour": "one dollar, ninety-nine cents, minus five dollars, "
    "five to ten dollars, twenty euros, twenty dollars per hour",
    # dates and times
    "On 5/6/2024.": "On May sixth, twenty twenty-four.",
    "2024-05-06": "May sixth, twenty twenty-four",
    "6 May 2024; May 6, 2024; Jan. 5": "the sixth of May twenty twenty-four; "
    "May sixth, twenty twenty-four; January fifth",
    "the 3rd of June.": "the third of June.",
    "3:30pm, 15:45, 10:00, 10:05, 3 p.m.": "three thirty PM, fifteen forty-five, ten o'clock, ten oh five, three PM.",
    "9am-5pm": "nine AM to five PM",
    # units
    "5 km/h, 20°C, 3ft, 6'2\", 1 km": "five kilometers per hour, twenty degrees Celsius, "
    "three feet, six foot two, one kilometer",
    "10 m², 16 GB, 5 in the box": "ten square meters, sixteen gigabytes, five in the box",
    # codes and addresses
    "Call 555-123-4567.": "Call five five five, one two three, four five six seven.",
    "See https://www.example.com/a-b?c=d now": "See example dot com slash a b now",
    "Mail jane.doe_1@example.org!": "Mail jane dot doe underscore one at example dot org!",
    "#HelloWorld @jane_doe": "hashtag Hello World at jane doe",
    # abbreviations
    "Dr. Smith of 5 Elm St. met St. Peter and Mrs. Hall.": "Doctor Smith of five Elm Street "
    "met Saint Peter and Missus Hall.",
    "See e.g. No. 5, i.e. p. 12 etc.": "See for example number five, that is page twelve et cetera.",
    "J. R. R. Tolkien and George W. Bush": "J R R Tolkien and George W Bush",
    "I got an A. Then vitamin C. Good.": "I got an A. Then vitamin C. Good.",
    "the U.S. and a Ph.D.": "the US and a PhD.",
    "Henry VIII, Chapter IV, World War II": "Henry the eighth, Chapter four, World War two",
    "I am Malcolm X. So do I.": "I am Malcolm X. So do I.",
    # signs, marks, emoji
    "R&B @ 5% + tax #5": "R and B at five percent plus tax number five",
    "I ❤️ pizza 🍕🍕 :)": "I pizza",
    '"Hi", he said -- and left...': "“Hi”, he said — and left…",
    "‘Quoted’, don't, it's, the dogs' bowls": "“Quoted”, don't, it's, the dogs' bowls",
    "**bold** and [link](http://x.com/y)": "bold and link",
    "# Heading": "Heading",
    "１２３ and ﬁne": "one hundred twenty-three and fine",
    "zero\u200bwidth\u0007 bell": "zerowidth bell",
    "STOP THAT RIGHT NOW!": "Stop that right now!",
    "NASA and the FBI": "NASA and the FBI",
    "he/she and/or w/o C++ C#": "he she and or without C plus plus C sharp",
}


@pytest.mark.parametrize(("written", "said"), AMERICAN.items())
def test_american_english_is_written_out_as_it_is_read(written, said):
    assert normalize(written).rstrip(".") == said.rstrip(".")


@pytest.mark.parametrize("written", AMERICAN)
def test_what_is_written_out_stays_as_it_is(written):
    said = normalize(written)
    assert normalize(said) == said


@pytest.mark.parametrize(
    ("written", "said"),
    {
        "5/6/2024": "the fifth of June twenty twenty-four",
        "12/31/1999": "the thirty-first of December nineteen ninety-nine",
        "1,234": "one thousand two hundred and thirty-four",
        "1,001": "one thousand and one",
        "5 km": "five kilometres",
        "£0.50": "fifty pence",
    }.items(),
)
def test_british_english_differs(written, said):
    assert normalize(written, "en-gb") == said


@pytest.mark.parametrize(
    ("language", "said"),
    {
        "es": "veintiuno por ciento, mil doscientos treinta y cuatro, tres coma cinco euros",
        "fr": "vingt et un pour cent, mille deux cent trente-quatre, trois virgule cinq euros",
        "it": "ventuno per cento, milleduecentotrentaquattro, tre virgola cinque euro",
        "pt-br": "vinte e um por cento, mil, duzentos e trinta e quatro, três vírgula cinco euros",
    }.items(),
)
def test_other_languages_say_numbers_and_signs(language, said):
    assert normalize("21 %, 1.234, € 3,5", language) == said


def test_hindi_keeps_its_vowel_signs():
    assert normalize("नमस्ते दुनिया!", "hi") == "नमस्ते दुनिया!"


def test_no_digit_and_no_sign_is_left_in_english():
    for written in AMERICAN:
        said = normalize(written)
        assert not any(char.isdigit() or char in "$£€%&@#+=/<>*_" for char in said), said


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80), st.sampled_from([name for name in LANGUAGES if name not in ("ja", "zh")]))
def test_no_text_is_too_odd(text, language):
    assert "\n" not in normalize(text, language)


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789.,:/-–$£€%'\" kmpGBx×°^#@IVX th's(A)½", max_size=40))
def test_no_number_is_too_odd(text):
    normalize(text)


@pytest.mark.parametrize("unit", ["a.", '"', "1-", "www.", "<", "1,", "* ", "a@", "'a ", " "])
def test_long_odd_text_takes_no_more_than_linear_time(unit):
    normalize(unit * 4000)  # the test's time limit is the assertion: quadratic time would take minutes


def test_unknown_language_is_named():
    with pytest.raises(BadSetting, match="klingon"):
        normalize("hi", "klingon")
