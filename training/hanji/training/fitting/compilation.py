"""TensorFlow functions that are compiled once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import tensorflow as tf


def compiled(function: Callable[..., Any], signature: Sequence[tf.TensorSpec]) -> Callable[..., Any]:
    """``function`` for tensors of this ``signature``, compiled at the first call.

    The concrete function is called directly: ``tf.function`` counts the tracings of a method over all
    instances, so compiling several models once each would trigger its warning about retracing in a loop.
    """

    @cache
    def graph() -> Callable[..., Any]:
        concrete: Callable[..., Any] = tf.function(
            function, input_signature=signature
        ).get_concrete_function()
        return concrete

    return lambda *arguments: graph()(*arguments)


__all__ = ["compiled"]
