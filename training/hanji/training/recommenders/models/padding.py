"""The padding of histories, known without TensorFlow."""

PADDING = -1
"""In place of an item index: no item."""

__all__ = ["PADDING"]
