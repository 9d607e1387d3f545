"""Whether the user trusts the code in model files: ``--trust-code`` of the commands that read them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_TRUSTED = ContextVar("trusts_code", default=False)


def trusts_code() -> bool:
    """Whether code in model files may run."""
    return _TRUSTED.get()


@contextmanager
def trusting_code(trusted: bool = True) -> Iterator[None]:
    """Inside the block, code in model files may run if ``trusted``."""
    token = _TRUSTED.set(trusted)
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def add_trust_option(parser: argparse.ArgumentParser) -> None:
    """Declare --trust-code."""
    parser.add_argument(
        "--trust-code",
        action="store_true",
        help="load a model although it contains code (Lambda layers, custom functions, file operators), "
        "which then runs with your rights: only for files whose author you trust",
    )


__all__ = ["add_trust_option", "trusting_code", "trusts_code"]
