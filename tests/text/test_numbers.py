import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from voicewright.text.numbers import cardinal, decimal, ordinal, year


@given(st.integers(0, 10**15))
def test_cardinals_agree_with_num2words(number):
    assert cardinal(number, "en-gb") == num2words(number).replace(",", "")
    assert cardinal(number) == num2words(number).replace(",", "").replace(" and ", " ")


@given(st.integers(1, 10**6))
def test_ordinals_agree_with_num2words(number):
    assert ordinal(number, "en-gb") == num2words(number, to="ordinal").replace(",", "")


@pytest.mark.parametrize(
    ("number", "said"),
    {
        1066: "ten sixty-six",
        1900: "nineteen hundred",
        1905: "nineteen oh five",
        2000: "two thousand",
        2024: "twenty twenty-four",
    }.items(),
)
def test_years(number, said):
    assert year(number) == said


def test_numbers_beyond_all_names_are_read_digit_by_digit():
    assert cardinal(10**40).startswith("one zero zero")
    assert decimal("9" * 60, "es") == "9" * 60
