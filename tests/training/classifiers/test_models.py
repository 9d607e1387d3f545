"""Conformance tests of every family, including its export formats, and of model settings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf2onnx
import tf_keras as keras
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from hanji.training.classifiers.models.build import HEAD, build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig, Stage
from hanji.training.classifiers.models.folding import fold_batch_norms
from hanji.training.classifiers.models.layers import HardSwish
from hanji.training.classifiers.models.quantizable import qat_obstacle

L = keras.layers
SIZE, CLASSES = 12, 3

CONFIGS = {
    "cnn": ImageModelConfig("cnn", channels=(8,), blocks=(3,), strides=(2,), residual=True),
    "mobilenet-v1": ImageModelConfig(
        channels=(8, 16), blocks=(1, 1), strides=(1, 2), residual=True, stem_channels=8, activation="relu6"
    ),
    "mobilenet-v2": ImageModelConfig(
        "mobilenet-v2", channels=(8, 8), blocks=(1, 1), strides=(1, 1), last_channels=16, stem_channels=8
    ),
    "shufflenet": ImageModelConfig(
        "shufflenet", groups=2, channels=(16,), blocks=(2,), strides=(2,), stem_channels=8, stem_stride=1
    ),
    "sparse-friendly": ImageModelConfig(
        channels=(8,), blocks=(1,), strides=(2,), stem_channels=8, sparse_friendly=True
    ),
}


@pytest.fixture(params=CONFIGS, name="config")
def _config(request: pytest.FixtureRequest) -> ImageModelConfig:
    return CONFIGS[request.param]


@pytest.fixture(name="any_policy", params=["float32", "mixed_bfloat16"])
def _any_policy(request: pytest.FixtureRequest) -> Iterator[str]:
    keras.mixed_precision.set_global_policy(request.param)
    yield request.param
    keras.mixed_precision.set_global_policy("float32")


def built(config: ImageModelConfig, size: int = SIZE, channels: int = 1) -> keras.Model:
    return build_classifier(config, height=size, width=size, channels=channels, classes=CLASSES)


def batch(count: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images whose brightness depends on their class."""
    labels = np.arange(count) % CLASSES
    noise = np.random.default_rng(seed).normal(0.0, 0.5, (count, SIZE, SIZE, 1))
    return (noise + labels[:, None, None, None] - 1.0).astype(np.float32), labels


def with_random_norms(model: keras.Model) -> keras.Model:
    """``model`` with random statistics and scales, as after training."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, L.BatchNormalization):
            layer.set_weights([rng.uniform(0.3, 1.0, array.shape) for array in layer.get_weights()])
    return model


def fit(model: keras.Model, epochs: int) -> list[float]:
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return list(model.fit(*batch(), epochs=epochs, verbose=0).history["loss"])


def test_learns_in_either_precision(config: ImageModelConfig, any_policy: str) -> None:
    model = built(config)
    losses = fit(model, epochs=6)
    assert losses[-1] < losses[0]
    assert model.output_shape == (None, CLASSES)
    assert model(batch()[0]).dtype == tf.float32
    assert {weight.dtype for weight in model.weights} == {tf.float32}
    assert model.get_layer("stem").compute_dtype == any_policy.removeprefix("mixed_")


def test_names_and_layers(config: ImageModelConfig) -> None:
    names = [layer.name for layer in built(config).layers]
    assert {"image", "stem", "stem_norm", "stem_relu", "pooling"} <= set(names)
    assert names[-1] == HEAD
    assert [layer.name for layer in built(config).layers] == names
    assert not any(isinstance(layer, L.Lambda) for layer in built(config).layers)


def scores_of(content: bytes, images: np.ndarray) -> np.ndarray:
    """The float scores of a LiteRT file whose input is one image."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    rows = []
    for image in images:
        interpreter.set_tensor(source, image[None])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(target)[0])
    return np.stack(rows)


def converter_of(model: keras.Model) -> tf.lite.TFLiteConverter:
    function = tf.function(lambda image: model(image, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec((1, *model.input_shape[1:]), tf.float32))
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], model)


def operations_of(content: bytes) -> set[str]:
    """The operations of a file, without any delegate."""
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    return {operation["op_name"] for operation in interpreter._get_ops_details()}


def test_converts_to_tflite_and_onnx(config: ImageModelConfig) -> None:
    model = with_random_norms(built(config))
    images = batch(4, seed=1)[0]
    expected = model(images, training=False).numpy()
    np.testing.assert_allclose(scores_of(converter_of(model).convert(), images), expected, atol=1e-4)

    onnx_model, _ = tf2onnx.convert.from_keras(model, opset=17)
    session = onnxruntime.InferenceSession(onnx_model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: images})[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_qat_and_conversion_to_an_integer_file(config: ImageModelConfig) -> None:
    model = with_random_norms(built(config))
    assert qat_obstacle(model) is None
    # TFMOT's default scheme does not support a normalization after a pooling; the folded cnn has none.
    quantized = tfmot.quantization.keras.quantize_model(
        fold_batch_norms(model) if config.type == "cnn" else model
    )
    losses = fit(quantized, epochs=12)
    assert losses[-1] < losses[0]

    converter = converter_of(quantized)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    content = converter.convert()
    images = batch(6, seed=1)[0]
    expected = quantized(images, training=False).numpy()
    # Fake quantization rounds halves differently from the kernels: allow a few of the 256 steps.
    step = np.ptp(expected) / 255 + 12 / 255
    np.testing.assert_allclose(scores_of(content, images), expected, atol=4 * step)
    assert operations_of(content) <= {
        *("QUANTIZE", "DEQUANTIZE", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "MEAN", "RELU"),
        *("MAX_POOL_2D", "AVERAGE_POOL_2D", "CONCATENATION", "PAD", "PADV2"),
        *("RESHAPE", "TRANSPOSE", "STRIDED_SLICE", "SLICE"),
    }


@pytest.mark.parametrize("family", ["mobilenet-v1", "mobilenet-v2"])
def test_sparse_friendly_meets_the_requirements_of_xnnpack(family: str) -> None:
    shape = {"channels": (8, 16), "blocks": (1, 2), "strides": (1, 2), "sparse_friendly": True}
    policy = tfmot.sparsity.keras.PruneForLatencyOnXNNPack()
    model = built(ImageModelConfig(family, **shape))
    policy.ensure_model_supports_pruning(model)
    assert model.get_layer("stem").input_shape[-1] == 3
    plain = built(ImageModelConfig(family, **{**shape, "sparse_friendly": False}))
    with pytest.raises(ValueError):
        policy.ensure_model_supports_pruning(plain)
    with pytest.raises(ValueError, match="1 or 3 channels, found 2"):
        built(ImageModelConfig(family, **shape), channels=2)


def test_hard_swish_is_saved_and_fused(tmp_path) -> None:
    config = ImageModelConfig(channels=(8,), blocks=(1,), strides=(1,), activation="hard-swish")
    model = built(config)
    assert isinstance(model.get_layer("stem_swish"), HardSwish)
    x = np.linspace(-5, 5, 21, dtype=np.float32)
    np.testing.assert_allclose(HardSwish()(x), x * np.clip(x + 3, 0, 6) / 6, rtol=1e-6)
    model.save(tmp_path / "model.keras")
    images = batch(2)[0]
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(images), model(images))
    assert "HARD_SWISH" in operations_of(converter_of(model).convert())


def test_channel_shuffle_interleaves_the_groups() -> None:
    config = ImageModelConfig(
        "shufflenet", groups=2, channels=(16,), blocks=(1,), strides=(1,), stem_channels=4
    )
    model = built(config)
    shuffle = keras.Model(
        model.get_layer("block_1_in_relu").output, model.get_layer("block_1_shuffled").output
    )
    shape = shuffle.input_shape[1:]
    channels = np.broadcast_to(np.arange(4, dtype=np.float32), (1, *shape))
    assert shuffle(channels)[0, 1, 2].numpy().tolist() == [0, 2, 1, 3]


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_stems_stride(stride: int) -> None:
    config = ImageModelConfig("shufflenet", stem_stride=stride, channels=(48,), blocks=(1,), strides=(1,))
    assert built(config, size=16).get_layer("block_1_in").output_shape[1:3] == (16 // stride, 16 // stride)


def test_widths_are_rounded_as_in_the_paper() -> None:
    def widths(factor: float, **settings) -> tuple[int, ...]:
        config = ImageModelConfig(width_multiplier=factor, **settings)
        return tuple(stage.channels for stage in config.stages)

    assert widths(0.25) == (16, 32, 64, 128, 256)
    assert widths(0.05) == (8, 8, 16, 24, 48)
    assert widths(0.35, type="mobilenet-v2") == (8, 8, 16, 24, 32, 56, 112)
    assert widths(1.0, channels=(5, 7, 11, 13, 17)) == (5, 7, 11, 13, 17)
    assert widths(0.5, type="shufflenet") == (120, 240, 480)
    assert ImageModelConfig("mobilenet-v2", width_multiplier=0.5).last == 1280
    assert ImageModelConfig("mobilenet-v2", width_multiplier=1.4).last == 1792
    assert ImageModelConfig("mobilenet-v2", last_channels=0).last == 0
    assert ImageModelConfig("cnn", width_multiplier=0.5).stem == Stage(16, 1, 1)
    assert ImageModelConfig("shufflenet", width_multiplier=0.5).stem == Stage(12, 1, 4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": (8, 16)}, "found 2 channels, 5 blocks, 5 strides"),
        ({"strides": (1, 3, 1, 1, 1)}, "strides: expected at least 1 and at most 2 each"),
        ({"blocks": (1, 0, 1, 1, 1)}, "blocks: expected at least 1 each"),
        ({"width_multiplier": 0.0}, "width_multiplier: expected above 0"),
        ({"dropout": 1.0}, "dropout: expected at least 0 and below 1"),
        ({"kernel_size": 4}, "kernel_size: expected an odd number, found 4"),
        ({"expansion": 0}, "expansion: expected at least 1"),
        ({"stem_stride": 4}, r"stem_stride: expected one of \(1, 2\) for a mobilenet-v1, found 4"),
        ({"stem_channels": -1}, "stem_channels: expected at least 0"),
        ({"type": "mobilenet-v2", "residual": True}, "residual: only for mobilenet-v1 and cnn"),
        ({"type": "cnn", "sparse_friendly": True}, "for MobileNets only, found a cnn"),
        ({"sparse_friendly": True, "stem_stride": 1}, "needs stem_stride 2"),
        ({"type": "shufflenet", "groups": 5}, "only for 1, 2, 3, 4, 8"),
        ({"type": "shufflenet", "channels": (40, 80, 160)}, "expected multiples of 12"),
        ({"type": "shufflenet", "channels": (48, 24, 96)}, "to have more channels than the one before"),
        ({"type": "shufflenet", "stem_channels": 20}, "expected a multiple of 3"),
    ],
)
def test_invalid_settings(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImageModelConfig(**settings)


@pytest.mark.parametrize("family", ["cnn", "mobilenet-v1", "mobilenet-v2", "shufflenet"])
def test_images_that_are_too_small(family: str) -> None:
    with pytest.raises(ValueError, match=f"a {family} with these strides needs larger images"):
        built(ImageModelConfig(family), size=4)


def test_a_single_class() -> None:
    with pytest.raises(ValueError, match="two classes, found 8×8×1 and 1"):
        build_classifier(CONFIGS["cnn"], height=8, width=8, channels=1, classes=1)


def obstacle(*layers: L.Layer, shape: tuple[int, ...] = (8, 8, 2), dtype: str = "float32") -> str:
    found = qat_obstacle(keras.Sequential([keras.Input(shape, dtype=dtype), *layers]))
    assert found is not None
    return found


def test_obstacles_to_quantization_aware_training(any_policy: str) -> None:
    if any_policy == "mixed_bfloat16":
        assert "computes in bfloat16" in str(qat_obstacle(built(CONFIGS["mobilenet-v1"])))
        return
    hard_swish = ImageModelConfig(channels=(8,), blocks=(1,), strides=(1,), activation="hard-swish")
    assert qat_obstacle(built(hard_swish)) is None
    assert "flattened()" in obstacle(keras.Sequential([keras.Input((8, 8, 2)), L.Dense(2)]))
    assert "Lambda" in obstacle(L.Dense(2), L.Lambda(lambda x: x))
    assert "recurrent" in obstacle(L.Dense(2), L.Reshape((8, 16)), L.LSTM(2))
    assert "activation hard_sigmoid" in obstacle(L.Conv2D(2, 3, activation="hard_sigmoid"))
    assert "its input is int32" in obstacle(L.Embedding(4, 2), L.Dense(2), shape=(), dtype="int32")
    assert "no convolution" in obstacle(L.Flatten())
    assert "has no input shape yet" in str(qat_obstacle(keras.Sequential([L.Dense(2)])))
