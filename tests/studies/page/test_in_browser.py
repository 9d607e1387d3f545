"""study.html in Chromium: no requests, sortable tables, no axe findings, printing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from hanji.studies.page import write_page

from ...browsers import WEB, Npm, chromium, npm
from .made_studies import bare_study, hostile_study, image_study, rating_study

__all__ = ["chromium", "npm"]  # fixtures


@pytest.mark.timeout(600)
def test_in_a_browser(npm: Npm, chromium: str, tmp_path: Path) -> None:
    paths = []
    for made in (image_study, rating_study, bare_study, hostile_study):
        paths.append(tmp_path / f"{made.__name__}.html")
        write_page(made(), paths[-1])
    script = Path(__file__).with_name("in_browser.mjs")
    done = subprocess.run(
        ["node", script, chromium, WEB, *paths], capture_output=True, text=True, timeout=540
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
