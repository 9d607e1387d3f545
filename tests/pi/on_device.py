"""Helper program that runs on an emulated Pi and prints JSON.

on_device.py levels FILE          outputs of an int8 file for eight inputs, on the installed engine
on_device.py opened BUNDLE ENGINE the runtime's placement report of an opened bundle
on_device.py known DIRECTORY      the .tflite files in DIRECTORY whose operators the engine supports
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

INPUTS = 8


def interpreter(content: bytes) -> Any:
    """An interpreter of LiteRT if installed, else of tflite-runtime."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tflite_runtime.interpreter import Interpreter
    return Interpreter(model_content=content, num_threads=1)


def levels(path: Path) -> list[list[int]]:
    """Outputs, int8 [INPUTS, classes], of a file with one int8 input and output; the inputs are fixed."""
    runner = interpreter(path.read_bytes()).get_signature_runner("classify")
    ((name, entry),) = runner.get_input_details().items()
    noise = np.random.RandomState(0).randint(-128, 128, (INPUTS, *entry["shape"])).astype(np.int8)
    return [next(iter(runner(**{name: values}).values())).ravel().tolist() for values in noise]


def opened(path: str, engine: str) -> dict[str, object]:
    """The placement of a bundle's model, and the numpy version."""
    from hanji.runtime import Classifier, Recommender
    from hanji.runtime.bundle import open_bundle
    from hanji.runtime.manifest import CLASSIFICATION

    model: Any = Classifier if open_bundle(path).manifest.task == CLASSIFICATION else Recommender
    with model.open(path, engine=engine) as session:
        return {"placement": session.placement.as_json(), "numpy": np.__version__}


def known(directory: Path) -> list[str]:
    """The names of the files without unsupported operators."""
    names = []
    for path in sorted(directory.glob("*.tflite")):
        try:
            interpreter(path.read_bytes())
        except ValueError:
            continue
        names.append(path.stem)
    return names


def main() -> None:
    command, path, *rest = sys.argv[1:]
    result: object = None
    if command == "levels":
        result = levels(Path(path))
    elif command == "opened":
        result = opened(path, *rest)
    elif command == "known":
        result = known(Path(path))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
