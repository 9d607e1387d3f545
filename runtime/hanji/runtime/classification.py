"""The names of a classifier's outputs, in their order, and its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, overload

from hanji.runtime.errors import HanjiError
from hanji.runtime.json_table import Table, parse_json
from hanji.runtime.records import Record


@dataclass(frozen=True, eq=False, repr=False)
class Labels(Record):
    """One name per class: the labels in ``values``, translations by language tag in ``names``."""

    values: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]

    def in_language(self, language: str | None) -> tuple[str, ...]:
        """The names in ``language``, or ``values`` for None. HanjiError if the bundle lacks the language."""
        if language is None:
            return self.values
        if language not in self.names:
            known = ", ".join(sorted(self.names)) or "none"
            raise HanjiError(f"language: expected a language of the bundle ({known}), found {language!r}")
        return self.names[language]


def parse_labels(content: bytes, count: int, where: str) -> Labels:
    """Parse the names of ``count`` classes in labels.json; BundleError naming the field if malformed."""
    table = parse_json(content, where)
    values = _names(table, "labels", count)
    if "names" not in table.keys:
        return Labels(values, {})
    names = table.table("names")
    return Labels(values, {language: _names(names, language, count) for language in names.keys})


def _names(table: Table, key: str, count: int) -> tuple[str, ...]:
    names = table.text_array(key)
    if not all(1 <= len(name) <= 1000 for name in names):
        table.fail(key, "strings of 1 to 1000 characters")
    if len(names) != count:
        table.fail(key, f"{count} names (the manifest's count)")
    return names


class Prediction(NamedTuple):
    """One predicted class. A NamedTuple, because creating it must be cheap."""

    rank: int
    label: str
    name: str
    """The label in the requested language, or the label itself."""
    probability: float
    index: int  # type: ignore[assignment]  # overrides tuple.index, which rows do not need
    """Position in the bundle's labels."""


class Value(NamedTuple):
    """One estimated number."""

    label: str
    name: str
    """As of a ``Prediction``."""
    value: float
    unit: str
    """Empty if it has none."""


@dataclass(frozen=True, eq=False, repr=False)
class Classification(Record, Sequence[Prediction]):
    """The predicted classes of an image, most probable first; a sequence of its ``predictions``.

    It is empty if the labels of the bundle have thresholds and none is reached.
    """

    predictions: tuple[Prediction, ...]

    @property
    def best(self) -> Prediction:
        """The first one; HanjiError if there is none."""
        if not self.predictions:
            raise HanjiError("best: no label reaches its threshold; expected a check of len() first")
        return self.predictions[0]

    def __len__(self) -> int:
        return len(self.predictions)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Prediction, ...]: ...
    def __getitem__(self, index: int | slice) -> Prediction | tuple[Prediction, ...]:
        return self.predictions[index]


Answer: TypeAlias = Classification | tuple[Value, ...]
"""For an image, by ``Classifier.classify`` or ``Classifier.estimate``."""


def answer_table(answer: Answer) -> dict[str, object]:
    """A JSON-ready table with the key "classes" or "values"."""
    key = "classes" if isinstance(answer, Classification) else "values"
    return {key: [row._asdict() for row in answer]}
