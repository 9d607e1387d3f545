"""Versions of installed distributions, compared without a packaging library."""

from __future__ import annotations

import importlib.metadata
import re


def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, None if it is not installed. Imports nothing of it."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def is_at_least(version: str, oldest: str) -> bool:
    """Whether ``version`` is ``oldest`` or newer; a pre-release comes before its release."""
    return _sort_key(version) >= _sort_key(oldest)


def _sort_key(version: str) -> tuple[tuple[int, ...], bool]:
    release = re.match(r"\d+(\.\d+)*", version)
    if release is None:
        return (), False
    numbers = [int(number) for number in release.group().split(".")]
    while numbers and numbers[-1] == 0:  # 2.0 is 2
        numbers.pop()
    is_final = re.match(r"[._-]?(a|b|c|rc|alpha|beta|pre|dev)", version[release.end() :]) is None
    return tuple(numbers), is_final
