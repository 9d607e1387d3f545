"""The `hanji` command: discovers installed sub-commands and loads only the one that runs.

A sub-command is a module registered in the entry-point group ``hanji.commands``. It must be cheap to import
and provide ``HELP`` (one line), ``EXAMPLE``, ``add_arguments(parser)`` and ``run(args) -> exit code``.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from hanji.runtime import __version__
from hanji.runtime.errors import HanjiError, PlacementWarning
from hanji.runtime.terminal import printable_line, printable_lines

GROUP = "hanji.commands"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Exit code: 0, or 1 with one line on stderr (2 for usage errors, from argparse)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # titles may not be encodable
    try:
        with warnings.catch_warnings():
            _show_placement_warnings()
            code = _run(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader, such as `head`, closed the pipe
        _release_stdout()
        return 1
    except HanjiError as error:
        return _fail(str(error), error.exit_code)
    except MemoryError:
        return _fail("not enough memory; try: a smaller input, or a machine with more memory")
    except RecursionError:
        return _fail("nested too deep; try: an input with fewer levels")
    except OSError as error:
        _release_stdout()
        reason = error.strerror or str(error)
        return _fail(f"{error.filename}: {reason}" if error.filename else reason)
    except KeyboardInterrupt:
        return _fail("interrupted")


def _run(arguments: list[str]) -> int:
    entries = {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}
    if not entries:
        raise HanjiError("no command is installed; try: pip install --force-reinstall hanji-runtime")
    wanted = [arguments[0]] if arguments and arguments[0] in entries else sorted(entries)
    options = _parser({name: entries[name].load() for name in wanted}).parse_args(arguments)
    code: int = options.run(options)
    return code


def _parser(commands: Mapping[str, ModuleType]) -> argparse.ArgumentParser:
    parser = _Parser(prog="hanji", description="Small models for on-device inference.")
    parser.add_argument("--version", action="version", version=f"hanji {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in commands.items():
        command = subparsers.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=f"example:\n  {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


class _Parser(argparse.ArgumentParser):
    """Errors quote arguments, which may be names of files that a shell has inserted."""

    def _print_message(self, message: str, file: Any = None) -> None:
        super()._print_message(printable_lines(message), file)


def _show_placement_warnings() -> None:
    """Print warnings on stderr, each PlacementWarning as one line without its source location."""

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any, **__: Any
    ) -> None:
        text = f"hanji: warning: {printable_line(str(message))}\n"
        if not issubclass(category, PlacementWarning):
            text = warnings.formatwarning(message, category, filename, lineno)
        sys.stderr.write(printable_lines(text))

    warnings.simplefilter("always", PlacementWarning)
    warnings.showwarning = show


def _fail(message: str, exit_code: int = 1) -> int:
    sys.stderr.write(f"hanji: error: {printable_line(message)}\n")
    return exit_code


def _release_stdout() -> None:
    """Flush stdout; if that fails, redirect it to /dev/null so that Python's exit does not fail again."""
    try:
        sys.stdout.flush()
    except OSError:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
