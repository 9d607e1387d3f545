"""The `[data]` table of an image recipe: where the pictures come from and how they are split."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

ImageFormat = Literal["digits", "folder", "idx", "npz", "memory"]
Colour = Literal["auto", "grey", "rgb"]
Fit = Literal["crop", "stretch", "pad"]

_LARGEST_SIDE = 4096  # as the manifest has it


@dataclass(frozen=True)
class ImageDataConfig:
    """How to read, prepare and split the pictures; raises ValueError for values that make no sense."""

    name: str = "digits"
    """What reports and bundles call the data; "digits" is kept for scikit-learn's digits."""

    format: ImageFormat = "digits"
    """"folder": one sub-folder a class; "idx": the files of the MNIST family; "npz": x_train, y_train."""

    height: int = 0
    width: int = 0
    """Pixels of the pictures that the model takes; 0 is the data's own size, which a folder has not."""

    colour: Colour = "auto"
    """"auto" takes the pictures as they are, and those of a folder as RGB."""

    fit: Fit = "crop"
    """What becomes of a picture of another aspect ratio: cut at its middle, stretched, or padded."""

    validation: float = 0.1
    """Fraction of the training pictures of each class that is held out to choose by; 0 holds out none."""

    test: float = 0.2
    """Fraction of the pictures of each class that is held out as test set where the data has none."""

    broken_limit: float = 0.01
    """Fraction of the pictures that may be unreadable; each is named, and more are an error."""

    labels: tuple[str, ...] = ()
    """Class names in order of their index; empty: the index itself. A folder brings its own."""

    names: dict[str, list[str]] = field(default_factory=dict)
    """The class names in other languages, in the same order: `names.ko = [...]`."""

    licence: str = ""
    """Terms of the data as bundles should state them; empty takes what is known of the format."""

    task: ClassVar[str] = "image-classification"

    def __post_init__(self) -> None:
        _check_name(self)
        _check_size(self)
        _fraction(self, "validation", lowest=0.0)
        _fraction(self, "test", lowest=0.01)
        _fraction(self, "broken_limit", lowest=0.0)
        _check_labels(self.labels, "labels")
        _check_translations(self.names)


def _check_name(config: ImageDataConfig) -> None:
    if config.format != "digits" and config.name == "digits":
        raise ValueError(
            f'name: "digits" is kept for format = "digits", and the format here is "{config.format}"; '
            "give the data a name of its own"
        )
    if config.format == "folder" and config.labels:
        raise ValueError(
            "labels: the classes of a folder are called as its sub-folders are; rename those, or give names "
            "in other languages as names"
        )


def _check_size(config: ImageDataConfig) -> None:
    size = (config.height, config.width)
    if min(size) < 0 or max(size) > _LARGEST_SIDE or (0 in size and any(size)):
        raise ValueError(
            f"height and width: expected two numbers of pixels up to {_LARGEST_SIDE}, or 0 for both, found "
            f"{size[0]} and {size[1]}"
        )
    if config.format == "folder" and not any(size):
        raise ValueError(
            'height and width: format = "folder" needs both, as its pictures are of many sizes; '
            "96 for each is a good start"
        )


def _fraction(config: ImageDataConfig, name: str, *, lowest: float) -> None:
    value = getattr(config, name)
    if not lowest <= value < 1.0:
        raise ValueError(f"{name}: expected a fraction of at least {lowest:g} and below 1, found {value}")


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
