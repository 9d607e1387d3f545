"""Versions of installed distributions, compared without the packaging library."""

from __future__ import annotations

import os
import re
import sys

_INSTALLED = re.compile(r"([A-Za-z0-9._]+)-([^-]+)(-[^-]+)?\.(?:dist|egg)-info")
"""Metadata directory names of pip and Debian: name, version, and optionally the Python version."""


def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, or None if it is not installed. Does not import it.

    The version is read from the name of a metadata directory on ``sys.path``. importlib.metadata does the
    same, but takes as long to import as an engine, so it is used only for distributions not found that way.
    """
    wanted = _normalized(distribution)
    for directory in sys.path:
        for name in _entries(directory):
            found = _INSTALLED.fullmatch(name)
            if found and _normalized(found[1]) == wanted:
                return found[2]
    return _version_elsewhere(distribution)


def is_at_least(version: str, oldest: str) -> bool:
    """Whether ``version`` is ``oldest`` or newer; a pre-release is older than its release."""
    return _sort_key(version) >= _sort_key(oldest)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _entries(directory: str) -> list[str]:
    """The entries of a ``sys.path`` directory; [] if it is missing or an archive."""
    try:
        return os.listdir(directory or ".")  # noqa: PTH208
    except OSError:
        return []


def _version_elsewhere(distribution: str) -> str | None:
    """The version of a distribution in an archive, or without a version in its metadata directory's name.

    Looked up only if a package of the same name exists, so that a missing engine costs almost no time.
    """
    from importlib.util import find_spec

    if find_spec(distribution.replace("-", "_")) is None:
        return None
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _sort_key(version: str) -> tuple[tuple[int, ...], bool]:
    release = re.match(r"\d+(\.\d+)*", version)
    if release is None:
        return (), False
    numbers = [int(number) for number in release.group().split(".")]
    while numbers and numbers[-1] == 0:  # 2.0 is 2
        numbers.pop()
    is_final = re.match(r"[._-]?(a|b|c|rc|alpha|beta|pre|dev)", version[release.end() :]) is None
    return tuple(numbers), is_final
