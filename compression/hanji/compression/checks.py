"""What is checked of the numbers of every step that trains."""

from __future__ import annotations


def check_training(epochs: int, learning_rate: float) -> None:
    """ValueError where a step could not train with these."""
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, found {epochs}")
    if learning_rate <= 0:
        raise ValueError(f"learning_rate must be positive, found {learning_rate}")
