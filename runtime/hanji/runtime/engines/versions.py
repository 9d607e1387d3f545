"""Versions of installed distributions, compared without a packaging library."""

from __future__ import annotations

import os
import re
import sys

_INSTALLED = re.compile(r"([A-Za-z0-9._]+)-([^-]+)(-[^-]+)?\.(?:dist|egg)-info")
"""How pip and Debian name the directory that describes a distribution: name, version, perhaps Python's."""


def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, None if it is not installed. Imports nothing of it.

    It stands in the name of a directory on ``sys.path``. importlib.metadata, which looks there as well, takes
    as long to import as an engine does, so it is asked only for what lies elsewhere.
    """
    wanted = _normalized(distribution)
    for directory in sys.path:
        for name in _entries(directory):
            found = _INSTALLED.fullmatch(name)
            if found and _normalized(found[1]) == wanted:
                return found[2]
    return _version_elsewhere(distribution)


def is_at_least(version: str, oldest: str) -> bool:
    """Whether ``version`` is ``oldest`` or newer; a pre-release comes before its release."""
    return _sort_key(version) >= _sort_key(oldest)


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _entries(directory: str) -> list[str]:
    """What lies in an entry of ``sys.path``, which may be missing or an archive."""
    try:
        return os.listdir(directory or ".")  # noqa: PTH208
    except OSError:
        return []


def _version_elsewhere(distribution: str) -> str | None:
    """Of a distribution in an archive, or one installed without a version in its directory's name.

    Only if Python finds a package that is called like it: an engine that is missing costs next to nothing.
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
