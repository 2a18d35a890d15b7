"""Curves in a terminal show what the numbers say."""

import math

from voicewright.apps.charts import BLANK, chart, sparkline


def heights(line: list[str]) -> list[int]:
    """The row of the topmost dot of a drawn line, for each of its characters."""
    return [next(i for i, row in enumerate(line) if row[x] != BLANK) for x in range(len(line[0]))]


def test_a_falling_curve_falls() -> None:
    values = [10.0 - n / 10 for n in range(100)]
    rows = chart(values, values, width=60, height=8)
    assert len(rows) == 8
    assert {len(label) + 1 + len(line) for label, _, line in rows} == {60}
    tops = heights([line for _, _, line in rows])
    assert (tops[0], tops[-1]) == (0, 7)
    assert tops == sorted(tops)
    assert rows[0][0].strip() == "10"
    assert rows[-1][0].strip() == "0.1"


def test_a_line_has_no_holes_however_steep() -> None:
    values = [float((-1) ** (n // 20) * 5) for n in range(80)]
    rows = chart(values, values, width=50, height=6)
    assert all(any(line[x] != BLANK for _, _, line in rows) for x in range(40))


def test_a_dot_is_in_the_cloud_or_in_the_line_and_the_line_wins() -> None:
    values = [math.sin(n) for n in range(200)]
    for _, cloud, line in chart(values, [0.0] * 200, width=70, height=7):
        assert all(BLANK in (under, over) for under, over in zip(cloud, line, strict=True))


def test_constant_and_single_values_are_drawn_in_the_middle() -> None:
    for values in ([3.0] * 50, [3.0], [0.0], [-1e9] * 3, [0.1 + 0.2, 0.3]):
        drawn = [line for _, _, line in chart(values, values, width=40, height=5)]
        assert any(character != BLANK for character in drawn[2])
        assert set(sparkline(values, 20)) == {"▅"}


def test_a_sparkline_has_room_for_a_long_curve_and_keeps_its_shape() -> None:
    drawn = sparkline([float(n) for n in range(10_000)], 40)
    assert len(drawn) == 40
    assert (drawn[0], drawn[-1]) == ("▁", "█")
    assert list(drawn) == sorted(drawn)
    assert sparkline([1.0, 2.0], 40) == "▁█"
    assert sparkline([], 40) == ""
