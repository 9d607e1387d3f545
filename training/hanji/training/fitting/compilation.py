"""A TensorFlow function that is compiled once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import tensorflow as tf


def compiled(function: Callable[..., Any], signature: Sequence[tf.TensorSpec]) -> Callable[..., Any]:
    """``function`` for tensors of this ``signature``, compiled at the first call.

    The graph is called directly: ``tf.function`` counts tracings by the code of a method, so several models,
    each compiled once, look to it like one function that is retraced in a loop, and it warns.
    """

    @cache
    def graph() -> Callable[..., Any]:
        concrete: Callable[..., Any] = tf.function(
            function, input_signature=signature
        ).get_concrete_function()
        return concrete

    return lambda *arguments: graph()(*arguments)


__all__ = ["compiled"]
