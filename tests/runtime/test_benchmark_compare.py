"""`hanji benchmark --compare`: comparability checks, warnings and ratios."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hanji.runtime import cli
from hanji.runtime.benchmarks.compare import compare
from hanji.runtime.errors import HanjiError

pytestmark = pytest.mark.usefixtures("commands")
Document = dict[str, Any]
Write = Callable[[str, Document], Path]


def spread(*values: float) -> Document:
    return {
        "median": sorted(values)[len(values) // 2],
        "min": min(values),
        "max": max(values),
        "values": [*values],
    }


def latency(*values: float) -> Document:
    percentile = {**spread(*values), "pooled": sorted(values)[len(values) // 2]}
    del percentile["median"]
    return {name: copy.deepcopy(percentile) for name in ("p50_ms", "p90_ms", "p99_ms")}


def a_document(*milliseconds: float) -> Document:
    """The document of a measurement with one process for each of ``milliseconds``."""
    state = {"frequency_mhz": 1500.0, "temperature_celsius": 50.0, "throttling": None, "load_average": 0.1}
    protocol = {"version": 1, "task": "recommendation", "input": "a user", "k": 10}
    counts = {"cold_starts": len(milliseconds), "runs": 1000, "warm_up": 20, "seed": 0}
    return {
        "protocol": {**protocol, **counts},
        "asked": {"engine": "auto", "threads": 1},
        "bundle": {"name": "demo", "manifest_sha256": "0" * 64, "items": 1000, "classes": None},
        "engine": {
            "engine": "litert",
            "version": "2.3.0",
            "threads": 1,
            "operators": {"cpu": 3},
            "fallbacks": [],
        },
        "cold_start": {"total_ms": spread(*(100 * value for value in milliseconds))},
        "warm": {"recommend": latency(*milliseconds), "engine_alone": latency(*milliseconds)},
        "overhead": {"p50_ratio": spread(*(2.0 for _ in milliseconds)), "outside_engine_us": spread(-1, 1)},
        "memory": {"peak_bytes": None, "steady_bytes": spread(5_000_000, 5_000_000)},
        "machine": {
            "cpu": "Arm Cortex-A72",
            "usable_cores": 4,
            "before": state,
            "after": copy.deepcopy(state),
        },
        "software": {"hanji": "0.1.0", "numpy": "2.0.0"},
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to(name: str, document: Document) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(document))
        return path

    return to


def test_a_difference_beyond_the_spread(write: Write) -> None:
    found = compare(write("a.json", a_document(2.0, 2.1, 2.2)), write("b.json", a_document(1.0, 1.1, 1.2)))
    ratios = {ratio.what: ratio for ratio in found.ratios}
    assert list(ratios) == [
        "cold_start.total_ms",
        *(
            f"warm.{call}.{name}"
            for call in ("recommend", "engine_alone")
            for name in ("p50_ms", "p90_ms", "p99_ms")
        ),
        "overhead.p50_ratio",
        "memory.steady_bytes",
    ]
    p50 = ratios["warm.recommend.p50_ms"]
    assert (p50.a, p50.b, p50.unit, p50.inside_spread) == (2.1, 1.1, "ms", False)
    assert p50.ratio == pytest.approx(1.1 / 2.1)
    assert (p50.lowest, p50.highest) == (pytest.approx(1.0 / 2.2), pytest.approx(1.2 / 2.0))
    assert ratios["memory.steady_bytes"].inside_spread is True
    assert found.differences == ()
    assert found.warnings == ()


def test_a_difference_within_the_spread(write: Write) -> None:
    found = compare(write("a.json", a_document(1.0, 1.2)), write("b.json", a_document(1.1, 1.3)))
    assert {ratio.inside_spread for ratio in found.ratios} == {True}


def test_one_process_has_no_spread(write: Write) -> None:
    found = compare(write("a.json", a_document(1.0)), write("b.json", a_document(1.1)))
    p50 = next(ratio for ratio in found.ratios if ratio.what == "warm.recommend.p50_ms")
    assert (p50.lowest, p50.highest, p50.inside_spread) == (None, None, None)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("protocol", "task", "image-classification"),
        ("protocol", "input", "a history of 5 to 200 items"),
        ("protocol", "k", 5),
        ("protocol", "cold_starts", 3),
        ("protocol", "runs", 10),
        ("protocol", "warm_up", 0),
        ("protocol", "seed", 1),
        ("bundle", "items", 1001),
        ("bundle", "classes", 10),
    ],
)
def test_incomparable_measurements_are_rejected(write: Write, part: str, field: str, value: object) -> None:
    b = a_document(1.0, 1.1)
    b[part][field] = value
    with pytest.raises(
        HanjiError, match=f"did not measure the same workload: {part}.{field} is .* and {value!r}"
    ):
        compare(write("a.json", a_document(1.0, 1.1)), write("b.json", b))


def test_all_mismatches_are_listed(write: Write) -> None:
    b = a_document(1.0, 1.1)
    b["protocol"] |= {"k": 3, "runs": 5}
    with pytest.raises(HanjiError, match=r"protocol\.k is 10 and 3; protocol\.runs is 1000 and 5; "):
        compare(write("a.json", a_document(1.0, 1.1)), write("b.json", b))


def test_differences_are_listed(write: Write) -> None:
    b = a_document(1.0, 1.1)
    b["bundle"]["manifest_sha256"] = "1" * 64
    b["engine"] |= {"version": "2.2.0", "operators": {"libedgetpu.so.1": 3}}
    b["machine"]["cpu"] = None
    b["machine"]["after"]["temperature_celsius"] = 80.0
    b["software"]["libc"] = "glibc 2.36"
    found = compare(write("a.json", a_document(1.0, 1.1)), write("b.json", b))
    assert {field.what: (field.a, field.b) for field in found.differences} == {
        "bundle.manifest_sha256": ("0" * 64, "1" * 64),
        "engine.version": ("2.3.0", "2.2.0"),
        "engine.operators.cpu": (3, None),
        "engine.operators.libedgetpu.so.1": (None, 3),
        "machine.cpu": ("Arm Cortex-A72", None),
        "software.libc": (None, "glibc 2.36"),
    }


def test_distorted_measurements_give_warnings(write: Write) -> None:
    a, b = a_document(1.0, 1.1), a_document(1.0, 1.1)
    a["machine"]["before"]["load_average"] = 3.5
    b["machine"]["after"] |= {"frequency_mhz": 600.0, "throttling": {"now": ["throttled"], "since_boot": []}}
    b["engine"]["fallbacks"] = ["the CPU runs 1 of the 3 operators"]
    assert compare(write("a.json", a), write("b.json", b)).warnings == (
        "A: the machine was busy: load average 3.5 on 4 cores before the benchmark",
        "B: the CPU was throttled after the benchmark: throttled",
        "B: the CPU frequency dropped from 1500 to 600 MHz",
        "B: not everything ran where requested: the CPU runs 1 of the 3 operators",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a document from `hanji benchmark --json`"),
        ("[" * 100_000, "expected a document from `hanji benchmark --json`"),
        ("[]", "found no 'protocol' in it"),
        ("{}", "found no 'protocol' in it"),
        ('{"protocol": 1}', "expected an object at 'protocol'"),
    ],
)
def test_invalid_documents(write: Write, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(HanjiError, match=message) as raised:
        compare(write("a.json", a_document(1.0)), path)
    assert "broken.json" in str(raised.value)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_of_the_protocol(write: Write, version: object) -> None:
    b = a_document(1.0)
    b["protocol"]["version"] = version
    with pytest.raises(HanjiError, match=r"b\.json: expected protocol version 1, found .*; measure again"):
        compare(write("a.json", a_document(1.0)), write("b.json", b))


@pytest.mark.parametrize(
    "value", [None, "fast", [], {"median": "1", "values": [1]}, {"median": 1, "values": []}, 3]
)
def test_invalid_measurements(write: Write, value: object) -> None:
    b = a_document(1.0, 1.1)
    b["cold_start"]["total_ms"] = value
    a, other = write("a.json", a_document(1.0, 1.1)), write("b.json", b)
    if value is None:  # not reported by that system
        assert "cold_start.total_ms" not in {ratio.what for ratio in compare(a, other).ratios}
        return
    with pytest.raises(HanjiError, match=r"b.json: cold_start.total_ms: expected numeric measurements"):
        compare(a, other)


def test_the_command(capsys: pytest.CaptureFixture[str], write: Write) -> None:
    b = a_document(1.0, 1.1)
    b["software"]["numpy"] = "2.1.0"
    a, b_path = write("a.json", a_document(2.0, 2.1)), write("b.json", b)
    assert cli.main(["benchmark", "--compare", str(a), str(b_path)]) == 0
    text = capsys.readouterr().out
    assert 'software.numpy: "2.0.0" → "2.1.0"' in text
    assert "within the spread" in text
    assert cli.main(["benchmark", "--compare", str(a), str(b_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["differences"] == [{"what": "software.numpy", "a": "2.0.0", "b": "2.1.0"}]
    assert document["ratios"][0]["what"] == "cold_start.total_ms"
    assert cli.main(["benchmark", "--compare", str(a), "nowhere.json"]) == 1
    assert "hanji: error: nowhere.json: No such file" in capsys.readouterr().err
