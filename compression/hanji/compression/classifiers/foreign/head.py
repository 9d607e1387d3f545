"""What a model's output means: logits or probabilities, of classes or of one unit for two classes.

The operation that computes the output decides, together with its values on the user's images; the name or
type of the last layer decides nothing.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import tensorflow as tf
import tf_keras as keras
from numpy.typing import NDArray
from scipy.special import expit

from hanji.compression.classifiers.foreign.frozen import FrozenGraph, Node, node_of
from hanji.training.classifiers.metrics import probabilities_of
from hanji.training.errors import RecipeError

Head = Literal["logits", "probabilities", "binary logit", "binary probability"]
"""Of a binary head, the one unit stands for the second class."""

SMALLEST = 1e-7
"""Probabilities below are taken for this one where logits are their logarithms."""

_PRODUCTS = {"MatMul", "BatchMatMulV2", "Einsum", "Conv2D", "DepthwiseConv2dNative", "_FusedMatMul"}
_AFFINE = {
    *(
        "Identity",
        "BiasAdd",
        "Add",
        "AddV2",
        "AddN",
        "Sub",
        "Mul",
        "RealDiv",
        "Neg",
        "Cast",
        "Mean",
        "AvgPool",
    ),
    *("Reshape", "Squeeze", "Transpose", "FusedBatchNormV3", "ConcatV2", "Pack", "Sum"),
}
_BOUNDED = {"Sigmoid", "Softmax"}
_ACTIVATIONS = {"Relu", "Relu6", "Tanh", "Elu", "Selu", "Softplus", "Softsign", "LeakyRelu"}
_OTHER_OUTPUTS = (
    'for labels that are independent of one another, set gives = "multi-label" in a --preprocessing file, '
    'for numbers gives = "values", and name the outputs by --labels; for one class per image,'
)


def head_of(graph: FrozenGraph, outputs: NDArray[np.float32], where: str) -> Head:
    """The head of the model with this graph, whose outputs float32 [n, units] are those of the user's images.

    RecipeError, naming ``where`` the model comes from, for outputs that are neither logits nor probabilities
    of classes of which each image has one.
    """
    if not np.isfinite(outputs).all():
        raise RecipeError(
            f"{where}: expected finite outputs for the images, found NaN or infinity; retrain it"
        )
    if outputs.shape[1] == 1:
        return _binary_head(graph, outputs, where)
    last, sources = graph.last, _sources(graph)
    if last.op == "Sigmoid":
        raise RecipeError(
            f"{where}: expected logits or softmax as the output, found sigmoid in layer {_layer(last)!r}, so "
            f"that each class is a label of its own; {_OTHER_OUTPUTS} train it with softmax"
        )
    if _are_probabilities(outputs, tolerance=0.01 if graph.half_precision else 1e-3):
        return "probabilities"
    if sources <= _PRODUCTS:
        return "logits"
    if last.op in _ACTIVATIONS:
        raise RecipeError(
            f"{where}: expected logits or softmax as the output, found {last.op.lower()} in layer "
            f"{_layer(last)!r}; {_OTHER_OUTPUTS} save the model without it, or with softmax"
        )
    if sources & _BOUNDED or _within_unit(outputs) or _same_sum(outputs):
        raise RecipeError(
            f"{where}: expected logits, or probabilities that sum to one, found outputs between "
            f"{outputs.min():.3g} and {outputs.max():.3g} that sum to {outputs[0].sum():.3g} for the first "
            f"image; {_OTHER_OUTPUTS} save the model with softmax or logits as its output"
        )
    return "logits"


def answers(outputs: NDArray[np.float32], head: Head) -> NDArray[np.float32]:
    """The probabilities float32 [n, classes] that ``outputs`` [n, units] mean."""
    if head == "logits":
        return probabilities_of(outputs).astype(np.float32)
    if head == "probabilities":
        return outputs
    if head == "binary logit":
        return np.concatenate([expit(-outputs), expit(outputs)], axis=1)
    return np.concatenate([1.0 - outputs, outputs], axis=1)


def logits_of(output: Any, head: Head) -> Any:
    """The Keras tensor of logits [B, classes] of a Keras tensor ``output`` [B, units] with that head.

    Half the logit of a unit for its class, and half of it against, have exactly the unit's probability.
    """
    if head in ("probabilities", "binary probability"):
        floor = tf.maximum(output, SMALLEST)
        if head == "probabilities":
            return tf.math.log(floor)
        output = tf.math.log(floor) - tf.math.log(tf.maximum(1.0 - output, SMALLEST))
    if head == "logits":
        return output
    halves = keras.initializers.Constant([[-0.5, 0.5]])
    return keras.layers.Dense(2, use_bias=False, kernel_initializer=halves, name="two_classes")(output)


def before_activation(head: Head) -> Head:
    """The head of the same network without its final softmax or sigmoid."""
    return "logits" if head == "probabilities" else "binary logit"


def _binary_head(graph: FrozenGraph, outputs: NDArray[np.float32], where: str) -> Head:
    within = _within_unit(outputs)
    if graph.last.op == "Sigmoid":
        return "binary probability"
    linear = _sources(graph) <= _PRODUCTS
    if within and not linear:
        return "binary probability"
    if linear and not within:
        return "binary logit"
    raise RecipeError(
        f"{where}: expected one sigmoid unit, or at least two classes, found one output between "
        f"{outputs.min():.3g} and {outputs.max():.3g} from {graph.last.op}, which may be a logit or "
        "something else; save the model with a sigmoid as its output or, if it is a number, set gives = "
        '"values" in a --preprocessing file and name it by --labels'
    )


def _sources(graph: FrozenGraph) -> set[str]:
    """The operations that the output is an affine function of."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [graph.last]
    while waiting:
        node = waiting.pop()
        if node.name in seen:
            continue
        seen.add(node.name)
        inputs = [graph.nodes[node_of(name)] for name in node.input]
        computed = [other for other in inputs if not _is_constant(other, graph)]
        if node.op not in _AFFINE or (node.op in ("Mul", "RealDiv") and len(computed) > 1):
            found.add(node.op)
        else:
            waiting += computed
    return found


def _is_constant(node: Node, graph: FrozenGraph) -> bool:
    while node.op == "Identity":
        node = graph.nodes[node_of(node.input[0])]
    return bool(node.op == "Const")


def _are_probabilities(outputs: NDArray[np.float32], tolerance: float) -> bool:
    return bool((outputs >= 0.0).all() and abs(outputs.sum(axis=1) - 1.0).max() < tolerance)


def _within_unit(outputs: NDArray[np.float32]) -> bool:
    return bool((outputs >= 0.0).all() and (outputs <= 1.0).all())


def _same_sum(outputs: NDArray[np.float32]) -> bool:
    """Whether the outputs are never negative and have one sum for all images, as scaled probabilities do."""
    sums = outputs.sum(axis=1)
    return bool((outputs >= 0.0).all() and len(sums) > 1 and np.ptp(sums) <= 1e-3 * abs(sums).max())


def _layer(node: Node) -> str:
    """The layer in the name of an operation, such as "scores" in "model/scores/Sigmoid"."""
    scopes = str(node.name).split("/")
    return scopes[-2] if len(scopes) > 1 else scopes[0]


__all__ = ["SMALLEST", "Head", "answers", "before_activation", "head_of", "logits_of"]
