"""Reads an existing ``.tflite`` or ``.onnx`` file, detecting its format.

A file can make its engine crash, run forever or use up the memory, so it is run once in another process
first.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hanji.compression.classifiers.files.onnx_file import OnnxFile
from hanji.compression.classifiers.files.original import NUMBERS, OriginalModel
from hanji.compression.classifiers.files.tflite_file import TfliteFile
from hanji.training.child import call_in_child, naming
from hanji.training.classifiers.untrusted.programs import expect_no_program
from hanji.training.errors import ConversionError
from hanji.training.regular_files import regular_file

TRIAL_SECONDS = 60.0
"""Limit of the trial run."""
TRIAL_BYTES = 2**31
"""Memory of the trial run, in addition to ``_PER_BYTE`` times the size of the file."""
_PER_BYTE = 8
_NO_MEMORY = ("Failed to allocate memory", "bad_alloc")  # in messages of ONNX Runtime
_SIDE = 64  # for a size of the input that the file leaves open


def read_model_file(path: Path, named: Path | None = None) -> OriginalModel:
    """The model in ``path``, which messages call ``named`` if it is a temporary file.

    ConversionError for a file that cannot be read, is in neither format or is damaged, or that its engine
    rejects or does not survive; DataError for a file of another kind, which is a program.
    """
    expect_no_program(path)
    shown, content = named or path, _content_of(path)
    call_in_child(
        f"{__name__}:try_model_file",
        {"path": str(path.absolute()), "shown": str(shown)},
        what=f"{shown}: the engine",
        hint="the file is damaged or made to harm; create it again, or ask where it comes from",
        seconds=TRIAL_SECONDS,
        memory=TRIAL_BYTES + _PER_BYTE * len(content),
    )
    return model_file(shown, content)


def try_model_file(path: str, shown: str) -> None:
    """Load the file in the absolute ``path`` and run it once, in the child process, which it may crash.

    ConversionError as for ``read_model_file``, naming the file as ``shown``, and if the run needs too much
    memory; not for an input that the model does not take.
    """
    with naming(path, shown):
        model = model_file(Path(path), _content_of(Path(path)))
        _run_once(model)


def _run_once(model: OriginalModel) -> None:
    """Run the model with noise of the declared shape; sizes that it leaves open become small."""
    for tensor in model.inputs[:1]:
        if tensor.dtype in NUMBERS:
            first, *others = tensor.shape or (1,)
            shape = [first or 1, *(size or _SIDE for size in others)]
            try:
                model.run(np.random.default_rng(0).integers(0, 128, shape).astype(tensor.dtype))
            except ConversionError as error:
                if any(text in str(error) for text in _NO_MEMORY):
                    raise


def _content_of(path: Path) -> bytes:
    try:
        return regular_file(path).read_bytes()
    except OSError as error:
        raise ConversionError(f"{path}: cannot be read: {error.strerror or error}") from None


def model_file(path: Path, content: bytes) -> OriginalModel:
    """The model in ``content``; ``path`` names it in messages, and weights in other files lie beside it.

    ConversionError as for ``read_model_file``.
    """
    if content[4:8] == b"TFL3":
        return TfliteFile(path, content)
    if path.suffix.lower() == ".tflite":
        raise ConversionError(
            f"{path}: expected a TFLite file, with the identifier TFL3 at byte 4, found "
            f"{content[4:8]!r}; check that the file is complete"
        )
    return OnnxFile(path, content)


__all__ = ["model_file", "read_model_file", "try_model_file"]
