"""int8 compared with float32 of the same MobileNet in LiteRT, one thread: at 28×28, 96×96 and 224×224.

    python benchmarks/int8_speed.py

The networks are not trained, since training does not affect their speed. The calls of both files alternate;
each takes a uint8 image and returns probabilities.
"""

from __future__ import annotations

import numpy as np
from classifier_files import tflite_file
from common import interleaved_us, parser, save, spread, target_line
from structured_pruning import STUDENT, loaded, network

from hanji.training.classifiers.models.config import ImageModelConfig

ROUNDS = 9
MIN_SPEEDUP = 2.5
NETS = {
    "28×28×1, the student of Fashion-MNIST": (STUDENT, (28, 28, 1), 500),
    "MobileNetV1 96×96×3": (ImageModelConfig(), (96, 96, 3), 50),
    "MobileNetV1 224×224×3": (ImageModelConfig(), (224, 224, 3), 10),
}


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"rounds of measurement (default {ROUNDS})"
    )
    args = options.parse_args()
    result: dict[str, object] = {"rounds": args.rounds}
    for name, (config, shape, turns) in NETS.items():
        model = network(config, shape)
        files = {scheme: tflite_file(model, shape, scheme) for scheme in ("float32", "int8")}
        calls = {scheme: loaded(content, shape).invoke for scheme, content in files.items()}
        times: dict[str, list[float]] = {scheme: [] for scheme in files}
        for _ in range(args.rounds):
            for scheme, value in interleaved_us(calls, turns=turns, warm_up=turns // 5).items():
                times[scheme].append(value)
        speedup = spread((np.array(times["float32"]) / np.array(times["int8"])).tolist())
        result[name] = {
            "bytes": {scheme: len(content) for scheme, content in files.items()},
            "call_us": {scheme: spread(values) for scheme, values in times.items()},
            "float32_over_int8": speedup,
        }
        print(target_line(f"{name}: float32 / int8", speedup["median"], MIN_SPEEDUP, at_most=False))
    save("int8-speed", result)


if __name__ == "__main__":
    main()
