"""Parts of the page: Pareto fronts, axes, labels, formatted values, steps."""

from __future__ import annotations

import itertools
import random

import pytest

from hanji.studies.page.axes import floor_of, linear_axis, logarithmic_axis
from hanji.studies.page.front import front
from hanji.studies.page.labels import Box, Name, Sheet, text_width
from hanji.studies.page.steps import steps_as_toml
from hanji.studies.page.view import Difference, Spread
from hanji.studies.page.words import (
    difference_text,
    duration,
    milliseconds,
    moment,
    p_value,
    plain,
    signed,
    size,
    spread,
    timing,
)
from hanji.training.markup import Html, element, text
from hanji.training.settings import read_toml


def test_the_front_has_no_dominated_points() -> None:
    points = [(10.0, 0.9), (5.0, 0.9), (5.0, 0.8), (2.0, 0.7), (20.0, 0.95), (21.0, 0.95)]
    assert front(points) == [3, 1, 4]
    assert front([(cost, -metric) for cost, metric in points], higher_is_better=False) == [3, 1, 4]


def test_equal_points_are_all_on_the_front() -> None:
    assert front([(1.0, 0.5), (1.0, 0.5), (1.0, 0.4)]) == [0, 1]
    assert front([]) == []


def test_the_front_matches_the_definition_of_dominance() -> None:
    rng = random.Random(3)  # noqa: S311
    for _ in range(50):
        points = [(rng.randrange(1, 8), rng.randrange(8)) for _ in range(12)]
        dominated = [
            any((a <= cost and b >= metric and (a, b) != (cost, metric)) for a, b in points)
            for cost, metric in points
        ]
        assert sorted(front(points)) == [
            index for index, is_dominated in enumerate(dominated) if not is_dominated
        ]


def test_logarithmic_axes_preserve_ratios() -> None:
    axis = logarithmic_axis([1_000, 1_000_000], 0, 100)
    assert axis.low < 1_000 < 1_000_000 < axis.high
    assert axis.at(100_000) - axis.at(10_000) == pytest.approx(axis.at(10_000) - axis.at(1_000))
    assert {10_000, 100_000} <= set(axis.ticks)


@pytest.mark.parametrize(
    "values", [[5.0], [5.0, 5.0], [0.0101, 0.0109], [1.0, 9e9], [152_344.0, 41_216.0], [1e-4, 3e-4]]
)
def test_logarithmic_axes_have_enough_ticks(values: list[float]) -> None:
    axis = logarithmic_axis(values, 0, 900, max_ticks=8)
    assert 2 <= len(axis.ticks) <= 9
    assert all(axis.low <= tick <= axis.high for tick in axis.ticks)


@pytest.mark.parametrize("ends", [(0.9, 0.9), (0.0, 1.0), (-0.3, -0.1), (0.98411, 0.98413)])
def test_linear_axes_contain_their_ends(ends: tuple[float, float]) -> None:
    axis = linear_axis(*ends, 0, 100)
    assert axis.low <= ends[0] <= ends[1] <= axis.high
    assert 2 <= len(axis.ticks) <= 8


def test_outliers_are_below_the_axis() -> None:
    assert floor_of([0.98, 0.97, 0.96, 0.72]) == 0.96
    assert floor_of([0.98, 0.97, 0.96, 0.95]) == 0.95
    assert floor_of([0.98, 0.97, 0.3, 0.2]) == 0.2  # two of four are not outliers
    assert floor_of([0.5]) == 0.5


def test_labels_overlap_neither_points_nor_each_other() -> None:
    rng = random.Random(7)  # noqa: S311
    names = [
        Name(rng.uniform(80, 880), rng.uniform(60, 400), f"half · sparse {index}", 7) for index in range(16)
    ]
    marks = [Box.around(name.x, name.y, 7) for name in names]
    places = Sheet(Box(60, 40, 940, 440), 14, list(marks), []).places(names)
    boxes = [place.box for place in places if place]
    assert len(boxes) >= 15
    assert not any(a.meets(b) for a, b in itertools.combinations(boxes, 2))
    assert not any(box.meets(mark) for box in boxes for mark in marks)


def test_a_label_without_room_is_omitted() -> None:
    name = Name(50, 50, "a name much too long for this little chart", 5)
    assert Sheet(Box(0, 0, 100, 100), 14, [Box.around(50, 50, 5)], []).places([name]) == [None]


def test_korean_text_is_wider() -> None:
    assert text_width("한지", 14) > text_width("ab", 14) * 1.5


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [(812, "812\u00a0B"), (8_344, "8.34\u00a0KB"), (10_000, "10\u00a0KB"), (1.2e6, "1.2\u00a0MB")],
)
def test_sizes(bytes_: float, text: str) -> None:
    assert size(bytes_) == text


def test_formatted_numbers() -> None:
    assert (milliseconds(0.5), timing(0.5), timing(0.01234), timing(1234.0)) == (
        "0.5",
        "0.500",
        "0.0123",
        "1,234",
    )
    assert (duration(0.42), duration(59.6), duration(430), duration(7_500)) == (
        "0.42 s", "1 min 0 s", "7 min 10 s", "2 h 5 min",
    )  # fmt: skip
    assert (signed(-0.01234), signed(0.01234), signed(-0.000001)) == ("−0.0123", "+0.0123", "0.0000")
    assert (p_value(0.0), p_value(0.04321), p_value(None)) == ("< 0.001", "0.043", "")
    assert spread(Spread(0.5, None, 0.5, 0.5)) == "0.5000"
    assert spread(Spread(0.5, 0.01, 0.4, 0.6)) == "0.5000 ± 0.0100"
    assert [size(None), milliseconds(None), timing(None), duration(None), signed(None), spread(None)] == [
        ""
    ] * 6


def test_moments() -> None:
    assert moment("2025-03-02T10:14:07+00:00") == "2 March 2025, 10:14 UTC"
    assert moment("2025-03-02T10:14:07Z") == "2 March 2025, 10:14 UTC"
    assert moment("yesterday") == "yesterday"


def test_values_as_one_line_of_text() -> None:
    assert plain({"cpu_model": "x", "cores": 2, "none": None}) == "cpu model: x, cores: 2"
    assert (plain([1, 2]), plain(True), plain(None), plain(8_200_000)) == ("1, 2", "yes", "", "8,200,000")


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (-0.03, -0.01, "worse by 0.0200"),
        (0.01, 0.03, "better by 0.0200"),
        (-0.01, 0.05, "no significant difference"),
        (0.0, 0.04, "no significant difference"),
    ],
)
def test_texts_of_differences(low: float, high: float, text: str) -> None:
    difference = Difference((low + high) / 2, low, high, 0.02, 100)
    assert difference_text(difference, higher_is_better=True) == text
    opposite = {"worse": "better", "better": "worse"}.get(text.split()[0], text.split()[0])
    assert difference_text(difference, higher_is_better=False).split()[0] == opposite


def test_steps_as_toml_can_be_read_back(tmp_path) -> None:
    steps = [
        {
            "type": "distil",
            "temperature": 3.0,
            "model": {"channels": [24, 48], "deep": {"a b": "x\x7f\"'\n한"}},
        },
        {"type": "prune", "sparsity": 0.5, "only": None, "structured": False, "parts": [{"name": "head"}]},
    ]
    path = tmp_path / "steps.toml"
    path.write_text(steps_as_toml(steps), encoding="utf-8")
    del steps[1]["only"]
    assert read_toml(path)["compression"] == steps


def test_text_is_escaped_and_markup_is_not() -> None:
    assert element("p", "<&>", Html("<b>x</b>"), None, title="\"'") == (
        '<p title="&quot;&#39;">&lt;&amp;&gt;<b>x</b></p>'
    )
    assert element("rect", x=1.0, y=0.333333, hidden=False, class_=None) == '<rect x="1" y="0.33"></rect>'
    assert text("a\x00\ud800b") == "a\ufffd\ufffdb"
