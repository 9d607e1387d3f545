"""Runs the checks and tests of web_demo, on bundles built here and against results of the Python runtime."""

from __future__ import annotations

import json
import re
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ..browsers import WEB, Npm

MAX_LINE_LENGTH = 110
MAX_FILE_LINES = 300
SOURCES = ("src", "tests", "scripts", "lab")

# The first test builds the bundles and, in a fresh clone, installs the npm packages.
pytestmark = pytest.mark.timeout(1500)


def test_type_check(npm: Npm) -> None:
    expect_success(npm("run", "check"))


def test_manifest_types_match_the_schema(npm: Npm) -> None:
    expect_success(npm("run", "types", "--", "--check"))


def test_unit_tests(npm: Npm, bundles: Path) -> None:
    done = npm("test", HANJI_WEB_BUNDLES=str(bundles))
    expect_success(done)
    assert "skipped" not in done.stdout, done.stdout


def test_browser_tests(npm: Npm, chromium: str, bundles: Path) -> None:
    done = npm("run", "test:browser", HANJI_WEB_BUNDLES=str(bundles), HANJI_CHROMIUM=chromium)
    expect_success(done)
    assert "skipped" not in done.stdout, done.stdout


def test_the_lock_file_contains_no_host() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    assert "://registry" not in json.dumps(lock)


def test_lengths_of_files_and_lines() -> None:
    sources = [path for folder in SOURCES for path in (WEB / folder).rglob("*") if is_source(path)]
    assert sources
    for path in sources:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= MAX_FILE_LINES, f"{path}: {len(lines)} lines"
        long = [number for number, line in enumerate(lines, 1) if len(line) > MAX_LINE_LENGTH]
        assert not long, f"{path}: longer than {MAX_LINE_LENGTH} characters: lines {long}"


def is_source(path: Path) -> bool:
    return bool(re.fullmatch(r"\.(ts|mjs|mts|css|html)", path.suffix)) and path.name != "manifest.types.ts"


def expect_success(done: CompletedProcess[str]) -> None:
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
