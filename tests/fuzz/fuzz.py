"""Feeds damaged files to everything that reads files of others: no reader may fail in an unforeseen way.

    python tests/fuzz/fuzz.py [READER ...] [--seconds 600] [--bundle DIR ...] [--corpus out/fuzz]

libFuzzer (atheris) changes files, guided by which lines of hanji each change reaches; of JSON, it replaces
values as well as bytes. A reader may return or raise a HanjiError. Anything else ends the run with exit code
77 and writes the input to the folder of the corpus as `crash-…`, which `fuzz.py --replay FILE` reads again;
so does an input that takes more than five seconds or 2 GB. What libFuzzer has learned stays in the corpus,
from which the next run continues.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["hanji"]):
    from readers import READERS, HanjiError, files_of

ROOT = Path(__file__).parents[2]
BUNDLES = (ROOT / "out/demo/bundle", ROOT / "out/demo-digits/bundle")
LARGEST_INPUT = 1 << 16
SECONDS_EACH = 5
MEGABYTES = 2048  # TensorFlow, which some readers import, takes 700


VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1, 0.5, -0.0, 2**31, 2**53 + 1, 2**63, -(2**64), 1e308, -1e308),
    *("", " ", "a", "\0", "../x", "/etc/passwd", "\x1b[31m", "\u202e", "\ud800", "0" * 5000, "\U0001f600"),
    *([], {}, [[]], [0], [""], {"": 0}, {"class_name": "function", "module": "os", "config": "system"}),
)
"""What may take the place of a value in JSON."""


def main() -> None:
    warnings.simplefilter("ignore")
    args = arguments()
    names = args.readers or list(READERS)

    def read(data: bytes) -> None:
        """The first byte selects the reader."""
        if data:
            reader = READERS[names[data[0] % len(names)]]
            try:
                reader.read(data[1:])
            except HanjiError:
                return

    if args.replay:
        read(args.replay.read_bytes())
        return
    args.corpus.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        for number, content in enumerate(files_of(READERS[name], args.bundle)):
            if len(content) < LARGEST_INPUT:
                start = bytes([index]) + content
                read(start)  # imports, which take longer than an input may
                (args.corpus / f"{name}-{number}").write_bytes(start)
    flags = {
        "max_total_time": args.seconds,
        "timeout": SECONDS_EACH,
        "rss_limit_mb": MEGABYTES,
        "max_len": LARGEST_INPUT,
        "print_final_stats": 1,
        "seed": args.seed,
        "artifact_prefix": f"{args.corpus}/",
    }
    command = [sys.argv[0], *(f"-{name}={value}" for name, value in flags.items()), str(args.corpus)]
    atheris.Setup(command, read, custom_mutator=mutated)
    atheris.Fuzz()


def mutated(data: bytes, largest: int, seed: int) -> bytes:
    """``data`` with another value somewhere in its JSON, or with other bytes."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    if chance.random() < 0.75:
        try:
            value = json.loads(data[1:])
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict | list) and value:
            changed = json.dumps(with_another_value(value, chance)).encode()
            if len(changed) < largest:
                return data[:1] + changed
    found: bytes = atheris.Mutate(data, largest)
    return found


def with_another_value(value: Any, chance: random.Random) -> Any:
    """The same JSON with one value replaced, doubled or removed."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.15:
        return [value] if chance.random() < 0.1 else chance.choice(VALUES)
    key = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
    action = chance.random()
    if action < 0.1:
        del value[key]
    elif action < 0.2:
        if isinstance(value, list):
            value.insert(key, value[key])
        else:
            value[str(chance.choice(VALUES))] = value[key]
    else:
        value[key] = with_another_value(value[key], chance)
    return value


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("readers", nargs="*", metavar="READER", help=", ".join(READERS))
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0, help="of libFuzzer; 0 takes another one each time")
    parser.add_argument("--bundle", type=Path, nargs="+", default=list(BUNDLES), metavar="DIR")
    parser.add_argument("--corpus", type=Path, default=ROOT / "out/fuzz", metavar="DIR")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="read one input, such as a crash-… file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
