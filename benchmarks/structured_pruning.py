"""Half the channels of a MobileNet: bytes of the file and time of a call, beside the whole network.

    python benchmarks/structured_pruning.py

The networks are not trained, as neither their size nor their speed depends on what they have learned; their
normalizations get random scales, so that the channels that stay are not simply the first ones. The two files
are called in turns, one thread, in LiteRT.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tf_keras as keras
from ai_edge_litert.interpreter import Interpreter
from classifier_files import tflite_file
from common import interleaved_us, parser, save, spread, verdict

from hanji.compression.classifiers.pruning.channels import cut_channels
from hanji.compression.classifiers.steps import ImageScheme
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.profile import profile

ROUNDS = 9  # of measuring
KEEP = 0.5
MOST_BYTES = 0.4
MOST_TIME = 0.5
STUDENT = ImageModelConfig(  # about that of examples/fashion-mnist.toml, which looks at mirror images as well
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
    options.add_argument("--rounds", type=int, default=ROUNDS, help=f"of measuring (default {ROUNDS})")
    args = options.parse_args()
    result: dict[str, object] = {"keep": KEEP, "rounds": args.rounds}
    for name, (config, shape, turns) in NETS.items():
        whole = network(config, shape)
        cut = cut_channels(whole, keep=KEEP, criterion="bn-scale")
        nets = {"whole": whole, "half": cut}
        found: dict[str, object] = {part: work(net) for part, net in nets.items()}
        for scheme in SCHEMES:
            found[scheme] = compared(f"{name}, {scheme}", nets, shape, scheme, turns, args.rounds)
        result[name] = found
    save("structured-pruning", result)


def network(config: ImageModelConfig, shape: tuple[int, int, int]) -> keras.Model:
    """Ten classes, no training."""
    keras.utils.set_random_seed(0)
    height, width, channels = shape
    model = build_classifier(config, height=height, width=width, channels=channels, classes=10)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(rng.uniform(0.5, 1.5, layer.gamma.shape))
    return model


def work(model: keras.Model) -> dict[str, int]:
    """Parameters and multiply-accumulates."""
    found = profile(model)
    return {"parameters": found.parameters, "macs": found.macs}


def compared(
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
    print(verdict(f"{name}: file, half / whole", bytes_ratio, MOST_BYTES, at_most=True))
    print(verdict(f"{name}: call, half / whole", time_ratio["median"], MOST_TIME, at_most=True))
    return {
        "bytes": sizes,
        "bytes_ratio": bytes_ratio,
        "call_us": {part: spread(values.tolist()) for part, values in times.items()},
        "time_ratio": time_ratio,
    }


def loaded(content: bytes, shape: tuple[int, int, int]) -> Interpreter:
    """Ready to be called, with a random picture."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    image = np.random.default_rng(1).integers(0, 256, (1, *shape), dtype=np.uint8)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
    return interpreter


if __name__ == "__main__":
    main()
