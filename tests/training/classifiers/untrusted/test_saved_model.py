"""SavedModels whose graphs read or write files, or run Python: refused before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import tf_keras
from tensorflow.core.protobuf import saved_model_pb2

from hanji.training.classifiers.untrusted.saved_model import expect_known_saved_model
from hanji.training.classifiers.untrusted.trust import trusting_code
from hanji.training.errors import DataError

Operation = Callable[[tf.Tensor, Path], tf.Tensor]


def saved(directory: Path, operation: Callable[[tf.Tensor], tf.Tensor]) -> Path:
    """A SavedModel that computes ``operation``."""

    class Network(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        @tf.function(input_signature=[tf.TensorSpec([None, 4])])
        def serve(self, image: Any) -> Any:
            return {"scores": operation(image)}

    network = Network()
    network.weights = tf.Variable([1.0])
    tf.saved_model.save(network, str(directory), signatures={"serving_default": network.serve})
    return directory


def writes(image: tf.Tensor, marker: Path) -> tf.Tensor:
    with tf.control_dependencies([tf.io.write_file(str(marker), "x")]):
        return tf.identity(image)


def reads(image: tf.Tensor, marker: Path) -> tf.Tensor:
    return image + tf.cast(tf.strings.length(tf.io.read_file(str(marker))), tf.float32)


def calls_python(image: tf.Tensor, marker: Path) -> tf.Tensor:
    return tf.numpy_function(lambda x: x, [image], tf.float32)


def saves_a_checkpoint(image: tf.Tensor, marker: Path) -> tf.Tensor:
    save = tf.raw_ops.SaveV2(prefix=str(marker), tensor_names=["x"], shape_and_slices=[""], tensors=[image])
    with tf.control_dependencies([save]):
        return tf.identity(image)


def inside_a_branch(image: tf.Tensor, marker: Path) -> tf.Tensor:
    return tf.cond(tf.reduce_sum(image) > 0.0, lambda: writes(image, marker), lambda: image)


def from_a_memory_region(image: tf.Tensor, marker: Path) -> tf.Tensor:
    return image + tf.raw_ops.ImmutableConst(dtype=tf.float32, shape=[4], memory_region_name=str(marker))


TRICKS: dict[Operation, str] = {
    writes: "operator WriteFile",
    reads: "operator ReadFile",
    calls_python: "operator (Eager)?PyFunc",
    saves_a_checkpoint: "reads or writes a checkpoint",
    inside_a_branch: "operator WriteFile",
    from_a_memory_region: "operator ImmutableConst",
}


@pytest.mark.parametrize("operation", TRICKS, ids=lambda trick: trick.__name__)
def test_refuses_operators_with_effects(operation: Operation, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    directory = saved(tmp_path / "saved_model", lambda image: operation(image, marker))
    with pytest.raises(DataError, match=rf"{TRICKS[operation]}.*--trust-code"):
        expect_known_saved_model(directory)
    assert not marker.exists()
    with trusting_code():
        expect_known_saved_model(directory)


def test_refuses_the_saver_as_an_entry(tmp_path: Path) -> None:
    """The loader's own function for saving must not be callable under another name."""
    directory = saved(tmp_path / "saved_model", tf.nn.softmax)
    file = directory / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    graph = model.meta_graphs[0]
    saver = next(
        each.signature.name
        for each in graph.graph_def.library.function
        if any(node.op == "SaveV2" for node in each.node_def)
    )
    graph.object_graph_def.concrete_functions[saver].canonicalized_input_signature.SetInParent()
    file.write_bytes(model.SerializeToString())
    with pytest.raises(DataError, match="reads or writes a checkpoint"):
        expect_known_saved_model(directory)


def test_loads_ordinary_models(tmp_path: Path) -> None:
    expect_known_saved_model(saved(tmp_path / "module", lambda image: tf.nn.softmax(image * 2.0)))
    image = tf_keras.Input((8, 8, 3))
    features = tf_keras.layers.BatchNormalization()(tf_keras.layers.Conv2D(4, 3)(image))
    features = tf_keras.layers.GRU(4)(tf_keras.layers.Reshape((6, 24))(features))
    model = tf_keras.Model(image, tf_keras.layers.Dense(2, activation="softmax")(features))
    model.compile("adam", "sparse_categorical_crossentropy")
    tf.saved_model.save(model, str(tmp_path / "keras"))
    expect_known_saved_model(tmp_path / "keras")


def test_loads_ordinary_models_of_keras_3(tmp_path: Path) -> None:
    import keras

    image = keras.Input((8, 8, 3))
    features = keras.layers.LSTM(3)(keras.layers.Reshape((8, 24))(image))
    keras.Model(image, keras.layers.Dense(2, activation="softmax")(features)).export(
        tmp_path / "keras3", verbose=False
    )
    expect_known_saved_model(tmp_path / "keras3")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\xff" * 20)
    with pytest.raises(DataError, match="not a SavedModel that can be read"):
        expect_known_saved_model(tmp_path)
