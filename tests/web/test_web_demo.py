"""web_demo's own checks and tests, on bundles that are built here and beside the Python runtime's answers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ..browsers import WEB, Npm

LONGEST_LINE = 110
LONGEST_FILE = 300
SOURCES = ("src", "tests", "scripts", "lab")

# The first test waits for the bundles, and for npm on a fresh clone.
pytestmark = pytest.mark.timeout(1500)


def test_types_fit(npm: Npm) -> None:
    expect_success(npm("run", "check"))


def test_the_manifests_types_are_those_of_the_schema(npm: Npm) -> None:
    expect_success(npm("run", "types", "--", "--check"))


def test_the_loader(npm: Npm, bundles: Path) -> None:
    done = npm("test", HANJI_WEB_BUNDLES=str(bundles))
    expect_success(done)
    assert "skipped" not in done.stdout, done.stdout


def test_in_a_browser(npm: Npm, chromium: str, bundles: Path) -> None:
    done = npm("run", "test:browser", HANJI_WEB_BUNDLES=str(bundles), HANJI_CHROMIUM=chromium)
    expect_success(done)
    assert "skipped" not in done.stdout, done.stdout


def test_the_lock_file_names_no_host() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    assert "://registry" not in json.dumps(lock)


def test_files_and_lines_are_short() -> None:
    sources = [path for folder in SOURCES for path in (WEB / folder).rglob("*") if is_source(path)]
    assert sources
    for path in sources:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= LONGEST_FILE, f"{path}: {len(lines)} lines"
        long = [number for number, line in enumerate(lines, 1) if len(line) > LONGEST_LINE]
        assert not long, f"{path}: longer than {LONGEST_LINE} characters: lines {long}"


def is_source(path: Path) -> bool:
    return bool(re.fullmatch(r"\.(ts|mjs|mts|css|html)", path.suffix)) and path.name != "manifest.types.ts"


def expect_success(done: CompletedProcess[str]) -> None:
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
