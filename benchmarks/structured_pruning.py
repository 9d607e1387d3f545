"""Half of a MobileNet's channels: bytes of the file and time per call, compared with the full network.

    python benchmarks/structured_pruning.py

The networks are not trained, since training affects neither their size nor their speed; their normalizations
get random scales, so that the kept channels are not simply the first ones. The calls of both files alternate,
with one thread, in LiteRT.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tf_keras as keras
from ai_edge_litert.interpreter import Interpreter
from classifier_files import tflite_file
from common import interleaved_us, parser, save, spread, target_line

from hanji.compression.classifiers.pruning.channels import prune_channels
from hanji.compression.classifiers.steps import ImageScheme
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.profile import profile

ROUNDS = 9  # of measurement
KEEP = 0.5
MAX_BYTES = 0.4
MAX_TIME = 0.5
STUDENT = ImageModelConfig(  # similar to that of examples/fashion-mnist.toml, without mirroring
    channels=(48, 96, 144),
    blocks=(2, 3, 2),
    strides=(2, 1, 2),
    stem_channels=16,
    stem_stride=1,
    residual=True,
)
NETS = {
    "96×96×3, width 1": (ImageModelConfig(), (96, 96, 3), 50),
    "28×28×1": (STUDENT, (28, 28, 1), 500),
}
SCHEMES: tuple[ImageScheme, ...] = ("float32", "int8")


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"rounds of measurement (default {ROUNDS})"
    )
    args = options.parse_args()
    result: dict[str, object] = {"keep": KEEP, "rounds": args.rounds}
    for name, (config, shape, turns) in NETS.items():
        full = network(config, shape)
        nets = {"whole": full, "half": prune_channels(full, keep=KEEP, criterion="bn-scale")}
        results: dict[str, object] = {part: complexity(net) for part, net in nets.items()}
        for scheme in SCHEMES:
            results[scheme] = comparison(f"{name}, {scheme}", nets, shape, scheme, turns, args.rounds)
        result[name] = results
    save("structured-pruning", result)


def network(config: ImageModelConfig, shape: tuple[int, int, int]) -> keras.Model:
    """An untrained network with ten classes."""
    keras.utils.set_random_seed(0)
    height, width, channels = shape
    model = build_classifier(config, height=height, width=width, channels=channels, classes=10)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(rng.uniform(0.5, 1.5, layer.gamma.shape))
    return model


def complexity(model: keras.Model) -> dict[str, int]:
    """Parameters and multiply-accumulates."""
    counts = profile(model)
    return {"parameters": counts.parameters, "macs": counts.macs}


def comparison(
    name: str,
    nets: Mapping[str, keras.Model],
    shape: tuple[int, int, int],
    scheme: ImageScheme,
    turns: int,
    rounds: int,
) -> dict[str, object]:
    """Bytes and microseconds of both files, and their ratios."""
    files = {part: tflite_file(net, shape, scheme) for part, net in nets.items()}
    times = {part: np.empty(rounds) for part in files}
    calls = {part: loaded(content, shape).invoke for part, content in files.items()}
    for index in range(rounds):
        for part, value in interleaved_us(calls, turns=turns, warm_up=turns // 5).items():
            times[part][index] = value
    sizes = {part: len(content) for part, content in files.items()}
    bytes_ratio = sizes["half"] / sizes["whole"]
    time_ratio = spread((times["half"] / times["whole"]).tolist())
    print(target_line(f"{name}: file, half / full", bytes_ratio, MAX_BYTES, at_most=True))
    print(target_line(f"{name}: call, half / full", time_ratio["median"], MAX_TIME, at_most=True))
    return {
        "bytes": sizes,
        "bytes_ratio": bytes_ratio,
        "call_us": {part: spread(values.tolist()) for part, values in times.items()},
        "time_ratio": time_ratio,
    }


def loaded(content: bytes, shape: tuple[int, int, int]) -> Interpreter:
    """An interpreter with a random image as its input."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    image = np.random.default_rng(1).integers(0, 256, (1, *shape), dtype=np.uint8)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    return interpreter


if __name__ == "__main__":
    main()
