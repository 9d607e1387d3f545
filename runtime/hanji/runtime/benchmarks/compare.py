"""Compares two documents of `hanji benchmark`: refuses unlike ones, says what differs, then divides."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hanji.runtime.benchmarks.protocol import VERSION
from hanji.runtime.errors import HanjiError

_MUST_BE_ALIKE = (
    *(f"protocol.{name}" for name in ("task", "input", "k", "cold_starts", "runs", "warm_up", "seed")),
    "bundle.items",
    "bundle.classes",
)
"""Another question, another number of answers or another catalogue to choose from is another measurement."""
_SAID = ("asked", "bundle", "engine", "machine", "software")
_STATES = ("machine.before", "machine.after")
"""Never the same twice: what they say of a measurement stands in the warnings."""
_BUSY = 0.5
"""Load average over usable cores, before a benchmark, from which other work is spoken of."""


@dataclass(frozen=True)
class Difference:
    """What is not the same in both: where it stands in the documents, and its values."""

    what: str
    a: object
    b: object


@dataclass(frozen=True)
class Ratio:
    """``b`` over ``a``. ``lowest`` and ``highest`` are those of any process of B over any of A.

    ``inside_spread`` says whether the ranges of the processes overlap: then the difference is no more than
    what one run differs from the next. All three are None where a document holds one process only.
    """

    what: str
    unit: str
    a: float
    b: float
    ratio: float
    lowest: float | None
    highest: float | None
    inside_spread: bool | None


@dataclass(frozen=True)
class Comparison:
    """``warnings`` say in words why a document may not be worth comparing."""

    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]
    ratios: tuple[Ratio, ...]


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The document in the file ``path``; HanjiError if it is none, or of another version of the protocol."""
    try:
        document = json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise HanjiError(f"{path}: expected what `hanji benchmark --json` prints: {error}") from None
    for part in ("protocol", *_SAID, *_STATES, "cold_start", "warm", "overhead", "memory"):
        if not isinstance(_in(document, part, path), Mapping):
            raise HanjiError(f"{path}: expected an object at {part!r}; measure again")
    version = document["protocol"].get("version")
    if version != VERSION:
        raise HanjiError(
            f"{path}: expected protocol version {VERSION}, found {version!r:.40}; "
            "measure again with this hanji"
        )
    return dict(document)


def compare(path_a: str | os.PathLike[str], path_b: str | os.PathLike[str]) -> Comparison:
    """Compare the documents in two files; HanjiError, with all that is unlike, where they may not be."""
    a, b = read(path_a), read(path_b)
    unlike = [Difference(what, _in(a, what, path_a), _in(b, what, path_b)) for what in _MUST_BE_ALIKE]
    unlike = [difference for difference in unlike if difference.a != difference.b]
    if unlike:
        shown = "; ".join(f"{one.what} is {one.a!r:.60} and {one.b!r:.60}" for one in unlike)
        raise HanjiError(
            f"{path_a} and {path_b} did not measure the same: {shown}; "
            "measure one of them again like the other"
        )
    differences = [
        difference
        for part in _SAID
        for difference in _differences(part, _in(a, part, path_a), _in(b, part, path_b))
    ]
    differences += _differences("instructions", a.get("instructions"), b.get("instructions"))
    warnings = [*_warnings("A", a), *_warnings("B", b)]
    return Comparison(tuple(differences), tuple(warnings), tuple(_ratios(a, b, path_a, path_b)))


def _differences(where: str, a: object, b: object) -> Iterator[Difference]:
    """The leaves that differ."""
    if where in _STATES:
        return
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for name in dict.fromkeys([*a, *b]):
            yield from _differences(f"{where}.{name}", a.get(name), b.get(name))
    elif a != b:
        yield Difference(where, a, b)


def _warnings(name: str, document: Mapping[str, Any]) -> Iterator[str]:
    machine = document["machine"]
    before, after = machine["before"], machine["after"]
    load, cores = _number(before.get("load_average")), _number(machine.get("usable_cores"))
    if load is not None and cores is not None and load > _BUSY * cores:
        yield f"{name}: other work ran beside it: a load of {load:g} on {cores:g} cores before it began"
    for when, state in (("before", before), ("after", after)):
        throttling = state.get("throttling")
        held = throttling.get("now") if isinstance(throttling, Mapping) else None
        if held:
            yield f"{name}: the processor was held back {when} it: {_listed(held)}"
    quick, slow = _number(before.get("frequency_mhz")), _number(after.get("frequency_mhz"))
    if quick is not None and slow is not None and slow < 0.9 * quick:
        yield f"{name}: the processor's frequency fell from {quick:.0f} to {slow:.0f} MHz"
    fallbacks = document["engine"].get("fallbacks")
    if fallbacks:
        yield f"{name}: not all ran where it was asked to: {_listed(fallbacks)}"


def _listed(words: object) -> str:
    return ", ".join(map(str, words)) if isinstance(words, list) else str(words)


def _ratios(
    a: Mapping[str, Any], b: Mapping[str, Any], path_a: str | os.PathLike[str], path_b: str | os.PathLike[str]
) -> Iterator[Ratio]:
    measured = [
        *((f"cold_start.{name}", "ms") for name in a["cold_start"]),
        *((f"warm.{call}.{name}", "ms") for call in a["warm"] for name in ("p50_ms", "p90_ms", "p99_ms")),
        *((f"overhead.{name}", "µs" if name.endswith("_us") else "") for name in a["overhead"]),
        *((f"memory.{name}", "bytes") for name in a["memory"]),
    ]
    for what, unit in measured:
        first, second = _in(a, what, path_a), _in(b, what, path_b)
        if first is not None and second is not None:  # None is what a system did not tell
            numbers = _Measured(first, what, path_a), _Measured(second, what, path_b)
            if all(min(one.value, *one.values) > 0 for one in numbers):
                yield _ratio(what, unit, *numbers)


class _Measured:
    """One measured quantity of a document; HanjiError if it is not made of numbers."""

    def __init__(self, found: object, what: str, path: str | os.PathLike[str]) -> None:
        fields = found if isinstance(found, Mapping) else {}
        value, values = fields.get("pooled", fields.get("median")), fields.get("values")
        numbers = (
            [_number(one) for one in (value, *values)] if isinstance(values, list) and values else [None]
        )
        known = [number for number in numbers if number is not None]
        if len(known) < len(numbers):
            raise HanjiError(f"{path}: {what}: expected measured numbers, found {found!r:.80}; measure again")
        self.value, self.values = known[0], known[1:]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _ratio(what: str, unit: str, a: _Measured, b: _Measured) -> Ratio:
    lowest = highest = inside = None
    if min(len(a.values), len(b.values)) > 1:
        lowest, highest = min(b.values) / max(a.values), max(b.values) / min(a.values)
        inside = lowest <= 1 <= highest
    return Ratio(what, unit, a.value, b.value, b.value / a.value, lowest, highest, inside)


def _in(document: object, where: str, path: str | os.PathLike[str]) -> Any:
    """The part of a document that is called, for instance, "protocol.k"."""
    found = document
    for name in where.split("."):
        if not isinstance(found, Mapping) or name not in found:
            raise HanjiError(
                f"{path}: expected what `hanji benchmark --json` prints, found no {where!r} in it"
            )
        found = found[name]
    return found


__all__ = ["Comparison", "Difference", "Ratio", "compare", "read"]
