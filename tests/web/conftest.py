"""For the tests of web_demo: bundles with what Python answers from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..browsers import chromium, npm
from .answers import write_answers

__all__ = ["chromium", "npm"]  # fixtures


@pytest.fixture(scope="session")
def bundles(port_bundles: Path) -> Path:
    """The ports' bundles, and answers.json beside them."""
    write_answers(port_bundles)
    return port_bundles
