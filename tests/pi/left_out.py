"""What becomes of a test whose Pi cannot be set up here."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest
from debian import MissingError


def missing(error: MissingError) -> NoReturn:
    """Skips the test, or fails it in CI, which has apt and a network: there nothing is left out."""
    if os.environ.get("CI"):
        pytest.fail(f"CI runs the emulated Pis: {error}")
    pytest.skip(f"no emulated Pi: {error}")
