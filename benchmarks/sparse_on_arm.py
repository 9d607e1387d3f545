"""Sparse against dense float32 on an ARM processor, emulated or real: CPU time of a call in LiteRT.

    python benchmarks/sparse_on_arm.py --python "COMMAND"

COMMAND runs a Python on the ARM machine that has numpy and ai-edge-litert and sees this checkout and the
temporary directory under the same paths: an emulator's wrapper, or ssh to a board with both mounted.
Four files of the same MobileNet V1 (not trained: time depends on the zeros and their places only):

- dense: no zeros, in the shape that ``sparse_friendly`` gives
- sparse: three quarters of each 1×1 kernel are zero and the file stores them as sparse tensors
- zeros, stored dense: the same network without sparse tensors
- sparse, ordinary shape: the same zeros and sparse tensors, without ``sparse_friendly``

Take an emulator's numbers as ratios, and with care: what QEMU needs for a product depends on its factors. It
multiplies zeros more slowly than other numbers, which a processor does not: the third file, which does the
work of the first, shows how much that is. Between the first two it hardly counts.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tf_keras as keras
from classifier_files import tflite_file
from common import parser, save, spread
from on_device import answers

from hanji.compression.classifiers.pruning.magnitude import pruned_layers
from hanji.compression.classifiers.steps import ImagePrune
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig

SPARSITY = 0.75
SHAPE = (96, 96, 3)
WIDTH = 0.5
MOST_DIFFERENCE = 1e-4


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--python", required=True, help="the command that runs Python on the ARM machine")
    options.add_argument("--turns", type=int, default=5, help="calls of each file in a round (default 5)")
    options.add_argument("--rounds", type=int, default=5, help="of measuring (default 5)")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        paths = written(Path(directory))
        sizes = {name: path.stat().st_size for name, path in paths.items()}
        found = measured(shlex.split(args.python), paths, args.turns, args.rounds)
        expect_same_answers(found["answers"], answers(paths.values()))
    times = dict(zip(paths, found["cpu_us"], strict=True))
    ratios = {
        name: spread((np.array(times["dense"]) / np.array(values)).tolist()) for name, values in times.items()
    }
    for name, ratio in ratios.items():
        print(
            f"{name}: {sizes[name]} bytes, {np.median(times[name]) / 1e3:.1f} ms of CPU, "
            f"{ratio['median']:.2f} times as fast as dense [{ratio['min']:.2f}, {ratio['max']:.2f}]"
        )
    save(
        "sparse-on-arm",
        {
            "sparsity": SPARSITY,
            "shape": SHAPE,
            "width_multiplier": WIDTH,
            "bytes": sizes,
            "cpu_us": {name: spread(values) for name, values in times.items()},
            "speed_over_dense": ratios,
            "machine": found["machine"],
        },
    )


def written(directory: Path) -> dict[str, Path]:
    """The four files."""
    friendly, ordinary = network(sparse_friendly=True), network(sparse_friendly=False)
    contents = {"dense": tflite_file(friendly, SHAPE, "float32", sparse=False)}
    for model in (friendly, ordinary):
        put_zeros(model)
    contents["sparse"] = tflite_file(friendly, SHAPE, "float32", sparse=True)
    contents["zeros, stored dense"] = tflite_file(friendly, SHAPE, "float32", sparse=False)
    contents["sparse, ordinary shape"] = tflite_file(ordinary, SHAPE, "float32", sparse=True)
    paths = {}
    for index, (name, content) in enumerate(contents.items()):
        paths[name] = directory / f"{index}.tflite"
        paths[name].write_bytes(content)
    return paths


def network(*, sparse_friendly: bool) -> keras.Model:
    """Ten classes, no training."""
    keras.utils.set_random_seed(0)
    config = ImageModelConfig(width_multiplier=WIDTH, sparse_friendly=sparse_friendly)
    height, width, channels = SHAPE
    return build_classifier(config, height=height, width=width, channels=channels, classes=10)


def put_zeros(model: keras.Model) -> None:
    """What pruning leaves: the largest weights of each 1×1 kernel."""
    for name in pruned_layers(model, ImagePrune(sparsity=SPARSITY, layers="1x1")):
        kernel = model.get_layer(name).kernel
        sizes = np.abs(kernel.numpy())
        kernel.assign(np.where(sizes > np.quantile(sizes, SPARSITY), kernel.numpy(), 0.0))


def measured(python: list[str], paths: dict[str, Path], turns: int, rounds: int) -> dict[str, Any]:
    """What on_device.py says there."""
    script = Path(__file__).with_name("on_device.py")
    command = [*python, str(script), str(turns), str(rounds), *map(str, paths.values())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(command)}\nfailed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def expect_same_answers(there: list[list[float]], here: list[list[float]]) -> None:
    """The probabilities of the ARM machine must be those of this one."""
    difference = float(np.abs(np.array(there) - np.array(here)).max())
    print(f"largest difference between the answers there and here: {difference:.1e}")
    if not difference <= MOST_DIFFERENCE:
        sys.exit(f"expected at most {MOST_DIFFERENCE}: the ARM machine computes something else")


if __name__ == "__main__":
    main()
