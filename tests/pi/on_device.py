"""What runs on an emulated Pi beside the `hanji` command, and prints JSON.

on_device.py levels FILE          what an int8 file gives for eight inputs, by the engine that is installed
on_device.py opened BUNDLE ENGINE what the runtime reports of an opened bundle
on_device.py known DIRECTORY      which of the .tflite files in DIRECTORY the engine knows all operators of
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

INPUTS = 8


def interpreter(content: bytes) -> Any:
    """Of LiteRT, or else of tflite-runtime."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        from tflite_runtime.interpreter import Interpreter
    return Interpreter(model_content=content, num_threads=1)


def levels(path: Path) -> list[list[int]]:
    """Outputs int8 [INPUTS, classes] of a file with one int8 input and output; inputs are always the same."""
    runner = interpreter(path.read_bytes()).get_signature_runner("classify")
    ((name, entry),) = runner.get_input_details().items()
    noise = np.random.RandomState(0).randint(-128, 128, (INPUTS, *entry["shape"])).astype(np.int8)
    return [next(iter(runner(**{name: values}).values())).ravel().tolist() for values in noise]


def opened(path: str, engine: str) -> dict[str, object]:
    """The placement of a bundle's model, and what is under it."""
    from hanji.runtime import Classifier, Recommender
    from hanji.runtime.bundle import open_bundle
    from hanji.runtime.manifest import CLASSIFICATION

    model: Any = Classifier if open_bundle(path).manifest.task == CLASSIFICATION else Recommender
    with model.open(path, engine=engine) as found:
        return {"placement": found.placement.as_json(), "numpy": np.__version__}


def known(directory: Path) -> list[str]:
    """The names of the files that the engine does not refuse for an operator."""
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
    found: object = None
    if command == "levels":
        found = levels(Path(path))
    elif command == "opened":
        found = opened(path, *rest)
    elif command == "known":
        found = known(Path(path))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
