"""The names of the classes, in the order of the model's outputs, and the results of a classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

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


@dataclass(frozen=True, eq=False, repr=False)
class Classification(Record, Sequence[Prediction]):
    """The predicted classes of an image, most probable first; a sequence of its ``predictions``."""

    predictions: tuple[Prediction, ...]

    @property
    def best(self) -> Prediction:
        return self.predictions[0]

    def __len__(self) -> int:
        return len(self.predictions)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Prediction, ...]: ...
    def __getitem__(self, index: int | slice) -> Prediction | tuple[Prediction, ...]:
        return self.predictions[index]
