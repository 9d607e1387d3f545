"""Fixtures for the tests of web_demo: bundles, and the results of the Python runtime for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..browsers import chromium, npm
from ..hostile_files import write_hostile
from .answers import write_results

__all__ = ["chromium", "npm"]  # fixtures


@pytest.fixture(scope="session")
def bundles(port_bundles: Path) -> Path:
    """The folder of the ports' bundles, with answers.json and hostile.json next to them."""
    write_results(port_bundles)
    write_hostile(port_bundles / "history" / "bundle", port_bundles / "hostile.json")
    return port_bundles
