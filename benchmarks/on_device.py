"""CPU time and answers of .tflite files, on whatever machine runs this; needs numpy and ai-edge-litert only.

    python on_device.py TURNS ROUNDS FILE...

The last line of the output is JSON: by file, the median microseconds of CPU of each round and the answer to
the same random picture.
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
    found = {
        "answers": [answer_of(interpreter) for interpreter in interpreters],
        "cpu_us": [[] for _ in paths],
        "machine": platform.machine(),
    }
    for _ in range(int(rounds)):
        for values, median in zip(found["cpu_us"], medians(interpreters, int(turns)), strict=True):
            values.append(median)
    print(json.dumps(found))


def answers(paths: Iterable[Path]) -> list[list[float]]:
    """What each file says of the random picture."""
    return [answer_of(loaded(path)) for path in paths]


def loaded(path: Path) -> Interpreter:
    """Ready to be called with a random picture, one thread."""
    interpreter = Interpreter(model_path=str(path), num_threads=1)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()[0]
    image = np.random.default_rng(0).integers(0, 256, details["shape"]).astype(details["dtype"])
    interpreter.set_tensor(details["index"], image)
    return interpreter


def answer_of(interpreter: Interpreter) -> list[float]:
    """The probabilities of one call."""
    interpreter.invoke()
    values = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return [float(value) for value in values.ravel()]


def medians(interpreters: list[Interpreter], turns: int) -> list[float]:
    """Median microseconds of CPU of a call, the files in turns."""
    times: list[list[int]] = [[] for _ in interpreters]
    for _ in range(turns):
        for values, interpreter in zip(times, interpreters, strict=True):
            start = time.process_time_ns()
            interpreter.invoke()
            values.append(time.process_time_ns() - start)
    return [statistics.median(values) / 1e3 for values in times]


if __name__ == "__main__":
    main()
