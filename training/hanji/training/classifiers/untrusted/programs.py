"""Refuses files that are programs by nature: loading a pickle runs what it says."""

from __future__ import annotations

from pathlib import Path

from hanji.training.errors import DataError

_PYTORCH = (".pt", ".pth", ".pt2")
_PICKLES = (".pkl", ".pickle", ".joblib")


def expect_no_program(path: Path) -> None:
    """DataError for a file of PyTorch or a pickle, with what to give instead."""
    suffix = path.suffix.lower()
    if path.is_file() and suffix in (*_PYTORCH, *_PICKLES):
        kind = "file of PyTorch" if suffix in _PYTORCH else "pickle"
        remedy = (
            "torch.onnx.export(model, (example,), 'model.onnx', dynamo=True), or another exporter to ONNX"
        )
        raise DataError(
            f"{path}: a {kind} is a program, which hanji does not run; export the model with {remedy}, and "
            "give the .onnx file"
        )


__all__ = ["expect_no_program"]
