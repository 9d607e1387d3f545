"""The ``[data]`` table of an image recipe: where the images come from and how they are split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from annotated_types import Interval, Unit

from hanji.training.settings import Fraction, check_ranges

ImageFormat = Literal["digits", "folder", "idx", "npz", "memory"]
Colour = Literal["auto", "grey", "rgb"]
Fit = Literal["crop", "stretch", "pad"]

_Side = Annotated[int, Interval(ge=0, le=4096), Unit("pixels")]  # the manifest has the same limit


@dataclass(frozen=True)
class ImageDataConfig:
    """How to read, prepare and split the images; raises ValueError for values out of range."""

    name: str = "digits"
    """Name of the data in reports and bundles; "digits" is reserved for scikit-learn's digits."""

    format: ImageFormat = "digits"
    """"digits": built in; "folder": one sub-folder per class; "idx": the files of the MNIST family; "npz": a
    NumPy file with x_train and y_train; "memory" is set by ``ImageDataset.from_arrays``."""

    height: _Side = 0
    """Height of the model's input; 0: the size of the data, which a folder does not have."""

    width: _Side = 0
    """Width of the model's input; 0: the size of the data, which a folder does not have."""

    colour: Colour = "auto"
    """Channels of the model's input. "auto" keeps those of the data, and reads a folder as RGB."""

    fit: Fit = "crop"
    """How an image of another aspect ratio is fitted: cropped at its centre, stretched, or padded."""

    validation: Fraction = 0.1
    """Fraction of the training images of each class that is held out for validation; 0: none."""

    test: Annotated[float, Interval(ge=0.01, lt=1.0)] = 0.2
    """Fraction of the images of each class that is held out for testing, where the data has no test set."""

    broken_limit: Fraction = 0.01
    """Fraction of the images that may be unreadable; each is named, and with more, reading stops with an
    error."""

    labels: tuple[str, ...] = ()
    """Class names in the order of their index; empty: the index itself. A folder has its own."""

    names: dict[str, list[str]] = field(default_factory=dict)
    """Class names in other languages, in the same order: ``names.ko = [...]``."""

    licence: str = ""
    """Terms of the data, as bundles should state them; empty: those known for the format."""

    task: ClassVar[str] = "image-classification"

    def __post_init__(self) -> None:
        check_ranges(self)
        _check_name(self)
        _check_size(self)
        _check_labels(self.labels, "labels")
        _check_translations(self.names)


def _check_name(config: ImageDataConfig) -> None:
    if config.format != "digits" and config.name == "digits":
        raise ValueError(
            f'name: "digits" is reserved for format = "digits", and the format here is "{config.format}"; '
            "choose another name"
        )
    if config.format == "folder" and config.labels:
        raise ValueError(
            "labels: the classes of a folder are named by its sub-folders; rename the sub-folders, or set "
            "names in other languages as names"
        )


def _check_size(config: ImageDataConfig) -> None:
    size = (config.height, config.width)
    if 0 in size and any(size):
        raise ValueError(
            f"height and width: expected both in pixels, or 0 for both, found {size[0]} and {size[1]}"
        )
    if config.format == "folder" and not any(size):
        raise ValueError(
            'height and width: format = "folder" needs both, as its images have many sizes; '
            "96 for each is a good start"
        )


def _check_labels(labels: tuple[str, ...] | list[str], where: str) -> None:
    if any(not label.strip() for label in labels):
        raise ValueError(f"{where}: expected a name for each class, found an empty one")
    if repeated := sorted({label for label in labels if labels.count(label) > 1}):
        raise ValueError(f"{where}: expected different names, found {repeated[0]!r} more than once")


def _check_translations(names: dict[str, list[str]]) -> None:
    for language, labels in names.items():
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise ValueError(f"names.{language}: expected a list of class names, found {labels!r}")
        _check_labels(labels, f"names.{language}")
