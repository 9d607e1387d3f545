"""Reads the manifest.json of a classifier."""

from __future__ import annotations

from collections.abc import Iterator

from hanji.runtime.json_table import LARGEST_COUNT, Table, as_integer, as_number
from hanji.runtime.manifest.parts import SCHEMA_VERSION, common_fields, common_problems
from hanji.runtime.manifest.types import (
    CLASSIFICATION,
    MULTI_LABEL,
    VALUES,
    ClassifierManifest,
    ImageData,
    ImageInput,
    LabelTable,
    Output,
    Probabilities,
    Signature,
    Tensor,
)

LARGEST_SIDE = 4096
"""Largest height and width of the model's input, in pixels."""
FITS = ("crop", "stretch", "pad")
RESIZES = ("bilinear",)
NORMALIZED_BY = ("graph", "runtime")
SOURCES = ("graph", "softmax", "none")
LEVEL_DTYPES = ("uint8", "int32", "float32")
"""Dtypes of an input that takes pixel values from 0 to 255."""
NUMBER_DTYPES = ("float32", "uint8", "int8")
"""Dtypes of a normalized input, and of the output; integers have a scale and a zero point."""


def classifier_manifest(table: Table) -> ClassifierManifest:
    """Read the manifest from ``table``; BundleError naming the field that violates the schema."""
    labels = table.table("labels")
    output, agreement = None, "top1_agreement"
    if table.integer("schema_version", SCHEMA_VERSION, LARGEST_COUNT) != SCHEMA_VERSION:
        output, agreement = _output(table.table("output")), "agreement"
    return ClassifierManifest(
        **common_fields(table, CLASSIFICATION, _check_signatures, agreement),
        training_data=_image_data(table.table("training_data")),
        labels=LabelTable(labels.path("path"), labels.count("count")),
        picture=_image_input(table.table("picture")),
        probabilities=_probabilities(table.table("probabilities")),
        output=output,
    )


def classifier_problems(manifest: ClassifierManifest) -> Iterator[str]:
    """Constraints beyond JSON Schema: paths are unique and listed in files, shapes and dtypes agree."""
    for index, artifact in enumerate(manifest.artifacts):
        place = f"artifacts[{index}].signatures.classify"
        signature = artifact.signatures["classify"]
        yield from _input_problems(signature.inputs, manifest.picture, f"{place}.inputs")
        yield from _output_problems(signature.outputs, manifest.labels.count, f"{place}.outputs")
    if manifest.output is not None:
        yield from _meaning_problems(manifest.output, manifest.labels.count, manifest.probabilities.source)
    yield from common_problems(manifest, {"labels.path": manifest.labels.path})


def _input_problems(tensors: tuple[Tensor, ...], image_input: ImageInput, place: str) -> Iterator[str]:
    if len(tensors) != 1:
        yield f"{place}: expected one input, found {len(tensors)}"
    tensor = tensors[0]
    if tensor.shape not in ((1, *image_input.shape), (None, *image_input.shape)):
        expected = [1, *image_input.shape]
        yield f"{place}[0].shape: expected {expected} as specified by 'picture', found {_listed(tensor)}"
    if image_input.normalized_by == "runtime":
        yield from _number_problems(tensor, f"{place}[0]")
    elif tensor.dtype not in LEVEL_DTYPES:
        yield f"{place}[0].dtype: expected one of {', '.join(LEVEL_DTYPES)}, found {tensor.dtype}"


def _output_problems(tensors: tuple[Tensor, ...], classes: int, place: str) -> Iterator[str]:
    tensor = tensors[0]
    if tensor.shape not in ((1, classes), (None, classes)):
        yield f"{place}[0].shape: expected [1, {classes}] (labels.count), found {_listed(tensor)}"
    yield from _number_problems(tensor, f"{place}[0]")


def _meaning_problems(output: Output, count: int, source: str) -> Iterator[str]:
    key, found, expected = "thresholds", len(output.thresholds), "graph"
    if output.kind == VALUES:
        key, found, expected = "units", len(output.units), "none"
    if found != count:
        yield f"output.{key}: expected {count} (labels.count), found {found}"
    if source != expected:
        yield f"probabilities.source: expected {expected} for {output.kind}, found {source}"


def _number_problems(tensor: Tensor, place: str) -> Iterator[str]:
    if tensor.dtype not in NUMBER_DTYPES:
        yield f"{place}.dtype: expected one of {', '.join(NUMBER_DTYPES)}, found {tensor.dtype}"
    elif tensor.dtype != "float32" and (tensor.scale is None or tensor.zero_point is None):
        yield f"{place}: expected a scale and a zero_point for dtype {tensor.dtype}, found null"


def _listed(tensor: Tensor) -> str:
    return "[" + ", ".join("null" if size is None else str(size) for size in tensor.shape) + "]"


def _check_signatures(table: Table, signatures: dict[str, Signature]) -> None:
    if "classify" not in signatures:
        table.fail("signatures", "a signature 'classify'")


def _image_data(table: Table) -> ImageData:
    return ImageData(
        name=table.text("name"),
        format=table.text("format"),
        synthetic=table.boolean("synthetic"),
        licence=table.text("licence", shortest=0),
        pictures=table.integer("pictures", 0, LARGEST_COUNT),
        classes=table.count("classes"),
        config=table.table("config").plain(),
        content=table.sha256("content") if "content" in table.keys else "",
    )


def _image_input(table: Table) -> ImageInput:
    channels = table.integer("channels", 1, 3)
    if channels == 2:
        table.fail("channels", "1 (grayscale) or 3 (RGB)")
    std = _numbers(table, "std", channels)
    if min(std) <= 0:
        table.fail("std", "numbers above 0")
    return ImageInput(
        height=table.integer("height", 1, LARGEST_SIDE),
        width=table.integer("width", 1, LARGEST_SIDE),
        channels=channels,
        fit=table.choice("fit", FITS),
        mean=_numbers(table, "mean", channels),
        std=std,
        normalized_by=table.choice("normalized_by", NORMALIZED_BY),
        resize=table.choice("resize", RESIZES),
        background=_levels(table, "background"),
    )


def _numbers(table: Table, key: str, count: int) -> tuple[float, ...]:
    numbers = [number for value in table.array(key) if (number := as_number(value)) is not None]
    if len(numbers) != len(table.array(key)) or len(numbers) != count:
        table.fail(key, f"{count} finite number(s), one per channel")
    return tuple(numbers)


def _levels(table: Table, key: str) -> tuple[int, ...]:
    levels = [as_integer(value) for value in table.array(key)]
    known = tuple(level for level in levels if level is not None and 0 <= level <= 255)
    if len(known) != 3 or len(levels) != 3:
        table.fail(key, "three integers from 0 to 255 (RGB)")
    return known


def _output(table: Table) -> Output:
    kind = table.choice("kind", (MULTI_LABEL, VALUES))
    if kind == VALUES:
        return Output(kind, units=table.text_array("units"))
    thresholds = [as_number(value) for value in table.array("thresholds")]
    known = tuple(value for value in thresholds if value is not None and 0 <= value <= 1)
    if len(known) != len(thresholds):
        table.fail("thresholds", "numbers from 0 to 1")
    return Output(kind, known)


def _probabilities(table: Table) -> Probabilities:
    temperature = table.number("temperature")
    if temperature <= 0:
        table.fail("temperature", "a number above 0")
    return Probabilities(table.choice("source", SOURCES), temperature)
