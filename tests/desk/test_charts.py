"""Charts: stacked bars with an axis, and the same figures in a table."""

import pytest

from offerhub.desk.charts import Series, bars, scale


@pytest.mark.parametrize(
    ("most", "steps"),
    [(0, [0, 1]), (1, [0, 1]), (4, [0, 1, 2, 3, 4]), (7, [0, 2, 4, 6, 8]), (41, [0, 20, 40, 60])],
)
def test_the_axis_has_round_steps_up_to_the_highest_bar(most: int, steps: list[int]) -> None:
    assert scale(most) == steps


def test_every_figure_is_in_the_table_and_no_bar_is_drawn_for_zero() -> None:
    chart = bars("Ends", "Week", ["1", "2"], [Series("Paid", [3, 0]), Series("Back", [0, 2], 2)])
    assert [(row.label, row.values) for row in chart.rows] == [("1", ["3", "0"]), ("2", ["0", "2"])]
    assert chart.svg.count("<rect") == 2
    assert "style=" not in chart.svg


def test_what_a_label_says_is_text_and_not_markup() -> None:
    chart = bars("<b>", "Week", ["<script>"], [Series("<i>", [1])])
    assert "<script>" not in chart.svg
    assert "<i>" not in chart.svg
