"""CPU time and outputs of .tflite files on any machine; needs only numpy and ai-edge-litert.

    python on_device.py TURNS ROUNDS FILE...

The last line of the output is JSON: per file, the median CPU time of each round in microseconds and the
output for the same random image.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main() -> None:
    turns, rounds, *files = sys.argv[1:]
    paths = [Path(file) for file in files]
    interpreters = [loaded(path) for path in paths]
    result = {
        "answers": [output_of(interpreter) for interpreter in interpreters],
        "cpu_us": [[] for _ in paths],
        "machine": platform.machine(),
    }
    for _ in range(int(rounds)):
        for values, median in zip(result["cpu_us"], medians(interpreters, int(turns)), strict=True):
            values.append(median)
    print(json.dumps(result))


def outputs(paths: Iterable[Path]) -> list[list[float]]:
    """The output of each file for the random image."""
    return [output_of(loaded(path)) for path in paths]


def loaded(path: Path) -> Interpreter:
    """An interpreter with one thread and a random image as its input."""
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()[0]
    image = np.random.default_rng(0).integers(0, 256, details["shape"]).astype(details["dtype"])
    interpreter.set_tensor(details["index"], image)
    return interpreter


def output_of(interpreter: Interpreter) -> list[float]:
    """The probabilities of one call."""
    interpreter.invoke()
    values = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return [float(value) for value in values.ravel()]


def medians(interpreters: list[Interpreter], turns: int) -> list[float]:
    """Median CPU time per call in microseconds, with alternating files."""
    times: list[list[int]] = [[] for _ in interpreters]
    for _ in range(turns):
        for values, interpreter in zip(times, interpreters, strict=True):
            start = time.process_time_ns()
            interpreter.invoke()
            values.append(time.process_time_ns() - start)
    return [statistics.median(values) / 1e3 for values in times]


if __name__ == "__main__":
    main()
