"""Sparse compared with dense float32 on an ARM processor, emulated or real: CPU time per call in LiteRT.

    python benchmarks/sparse_on_arm.py --python "COMMAND"

COMMAND runs Python on the ARM machine, with numpy and ai-edge-litert and with this checkout and the temporary
directory under the same paths: an emulator's wrapper, or ssh to a board with both mounted. Four files of the
same MobileNet V1 (not trained: the time depends only on the zeros and their positions):

- dense: no zeros, in the architecture of ``sparse_friendly``
- sparse: 75 % sparsity in each 1×1 kernel, stored as sparse tensors
- zeros, stored dense: the same network without sparse tensors
- sparse, ordinary shape: the same sparsity and sparse tensors, without ``sparse_friendly``

Results of an emulator should be used only as ratios, and with care: QEMU's time for a product depends on its
operands. It multiplies zeros more slowly than other values, unlike a real processor: the third file, with the
same operations as the first, shows the size of this effect, which is small between the first two.
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
from on_device import outputs

from hanji.compression.classifiers.pruning.magnitude import pruned_layers
from hanji.compression.classifiers.steps import ImagePrune
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig

SPARSITY = 0.75
SHAPE = (96, 96, 3)
WIDTH = 0.5
MAX_DIFFERENCE = 1e-4


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--python", required=True, help="the command that runs Python on the ARM machine")
    options.add_argument("--turns", type=int, default=5, help="calls of each file per round (default 5)")
    options.add_argument("--rounds", type=int, default=5, help="rounds of measurement (default 5)")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        paths = write_files(Path(directory))
        sizes = {name: path.stat().st_size for name, path in paths.items()}
        results = measure(shlex.split(args.python), paths, args.turns, args.rounds)
        expect_same_outputs(results["answers"], outputs(paths.values()))
    times = dict(zip(paths, results["cpu_us"], strict=True))
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
            "machine": results["machine"],
        },
    )


def write_files(directory: Path) -> dict[str, Path]:
    """Write the four files; returns their paths by name."""
    friendly, ordinary = network(sparse_friendly=True), network(sparse_friendly=False)
    contents = {"dense": tflite_file(friendly, SHAPE, "float32", sparse=False)}
    for model in (friendly, ordinary):
        set_zeros(model)
    contents["sparse"] = tflite_file(friendly, SHAPE, "float32", sparse=True)
    contents["zeros, stored dense"] = tflite_file(friendly, SHAPE, "float32", sparse=False)
    contents["sparse, ordinary shape"] = tflite_file(ordinary, SHAPE, "float32", sparse=True)
    paths = {}
    for index, (name, content) in enumerate(contents.items()):
        paths[name] = directory / f"{index}.tflite"
        paths[name].write_bytes(content)
    return paths


def network(*, sparse_friendly: bool) -> keras.Model:
    """An untrained network with ten classes."""
    keras.utils.set_random_seed(0)
    config = ImageModelConfig(width_multiplier=WIDTH, sparse_friendly=sparse_friendly)
    height, width, channels = SHAPE
    return build_classifier(config, height=height, width=width, channels=channels, classes=10)


def set_zeros(model: keras.Model) -> None:
    """Set the smallest weights of each 1×1 kernel to zero, like pruning."""
    for name in pruned_layers(model, ImagePrune(sparsity=SPARSITY, layers="1x1")):
        kernel = model.get_layer(name).kernel
        sizes = np.abs(kernel.numpy())
        kernel.assign(np.where(sizes > np.quantile(sizes, SPARSITY), kernel.numpy(), 0.0))


def measure(python: list[str], paths: dict[str, Path], turns: int, rounds: int) -> dict[str, Any]:
    """The results of on_device.py on the ARM machine."""
    script = Path(__file__).with_name("on_device.py")
    command = [*python, str(script), str(turns), str(rounds), *map(str, paths.values())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{shlex.join(command)}\nfailed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def expect_same_outputs(arm: list[list[float]], local: list[list[float]]) -> None:
    """Exit unless the probabilities of the ARM machine equal those of this one."""
    difference = float(np.abs(np.array(arm) - np.array(local)).max())
    print(f"largest difference between the outputs of the ARM machine and this one: {difference:.1e}")
    if not difference <= MAX_DIFFERENCE:
        sys.exit(f"expected a difference of at most {MAX_DIFFERENCE}, found {difference:.1e}")


if __name__ == "__main__":
    main()
