"""Parameters and multiply-accumulates of a Keras file, counted in another process.

Building a network takes as much memory as its config says, whatever the size of the file.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from hanji.training.child import call_in_child, naming
from hanji.training.classifiers.profile_result import LayerProfile, Profile
from hanji.training.classifiers.untrusted.trust import trusting_code, trusts_code
from hanji.training.errors import DataError

SECONDS = 600.0
"""Limit of time."""

Shape = tuple[int, int, int]


def keras_profile(path: Path, shape: Shape | None = None) -> Profile:
    """The profile of the tf_keras network in ``path`` for an image of ``shape``: height, width, channels.

    ConversionError for a file that cannot be loaded, needs more memory than there is, or whose input has
    another or an unknown size.
    """
    with tempfile.TemporaryDirectory(prefix="hanji-profile-") as directory:
        target = Path(directory, "profile.json")
        call_in_child(
            f"{__name__}:write_profile",
            {
                "path": str(path.absolute()),
                "shown": str(path),
                "shape": shape,
                "trusted": trusts_code(),
                "target": str(target),
            },
            what=f"{path}: TensorFlow",
            hint="the file is damaged, made to harm, or too large for this machine",
            seconds=SECONDS,
        )
        table = json.loads(target.read_text(encoding="utf-8"))
    rows = tuple(
        LayerProfile(**{**row, "output_shape": tuple(row["output_shape"])}) for row in table.pop("rows")
    )
    inputs = tuple(tuple(sizes) for sizes in table.pop("input_shapes"))
    return Profile(rows=rows, input_shapes=inputs, **table)


def write_profile(path: str, shown: str, shape: Shape | None, trusted: bool, target: str) -> None:
    """In the child: write the profile of the file in the absolute ``path``, called ``shown``, as JSON."""
    from hanji.training.quiet import import_tensorflow

    import_tensorflow()
    from hanji.training.classifiers.models.loading import load_network
    from hanji.training.classifiers.profile import profile

    with naming(path, shown), trusting_code(trusted):
        try:
            found = profile(load_network(Path(path)), shape)
        except ValueError as error:
            raise DataError(f"{path}: {error}") from None
    Path(target).write_text(json.dumps(asdict(found)), encoding="utf-8")


__all__ = ["keras_profile", "write_profile"]
