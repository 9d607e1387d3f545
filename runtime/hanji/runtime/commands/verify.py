"""`hanji verify`: checks every file's hash and runs the golden self-test on every installed engine."""

from __future__ import annotations

import argparse
import warnings
from dataclasses import asdict, dataclass

from hanji.runtime.bundle import Bundle, open_bundle
from hanji.runtime.commands._shared import (
    add_bundle,
    add_engine,
    open_options,
    print_table,
    requested_by,
)
from hanji.runtime.engines.choice import ENGINE_KINDS, Refusal, consider
from hanji.runtime.errors import BundleError, HanjiError, PlacementWarning
from hanji.runtime.isolation import Tested, tested, tested_here
from hanji.runtime.opening import OpenOptions
from hanji.runtime.terminal import print_json

HELP = "check every file's hash and replay the golden self-test"
EXAMPLE = "hanji verify out/bundle"


@dataclass(frozen=True)
class Check:
    """The result of one check. ``passed`` is None if it could not be run here."""

    name: str
    passed: bool | None
    detail: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    add_engine(parser)
    parser.add_argument(
        "--in-process",
        action="store_true",
        help="self-test in this process, which a harmful model may end, instead of in others with limits",
    )


def run(args: argparse.Namespace) -> int:
    bundle = open_bundle(args.bundle)
    files = _check_files(bundle)
    self_tests = _self_tests(bundle, args)
    checks = [*files, *self_tests]
    failed = [check for check in checks if check.passed is False]
    if args.json:
        passed = not failed and any(check.passed for check in self_tests)
        print_json({"passed": passed, "checks": [asdict(check) for check in checks]})
    else:
        status = {True: "ok", False: "FAILED", None: "skipped"}
        print_table([[status[check.passed], check.name, check.detail] for check in checks])
    if failed:
        counts = f"{len(failed)} of {len(checks)} checks failed"
        raise BundleError(
            f"{bundle.root}: {counts}, first: {failed[0].name}; copy or export the bundle again"
        )
    if not any(check.passed for check in self_tests):
        reasons = "; ".join(check.detail for check in self_tests)
        raise HanjiError(f"all files are intact, but no engine could run the self-test: {reasons}")
    return 0


def _check_files(bundle: Bundle) -> list[Check]:
    checks = [Check("manifest.json", True, f"sha256 {bundle.manifest_sha256}")]
    for file in bundle.manifest.all_files:
        try:
            bundle.content(file)
        except BundleError as error:
            checks.append(Check(file.path, False, str(error)))
        else:
            checks.append(Check(file.path, True, f"sha256 {file.sha256}"))
    return checks


def _tested_isolated(bundle: Bundle, options: OpenOptions) -> Tested:
    """Test in another process, with the warnings that opening would issue here."""
    result = tested(bundle, options)
    for line in result.fallbacks if options.get("policy") == "warn" else ():
        warnings.warn(line, PlacementWarning, stacklevel=2)
    return result


def _self_tests(bundle: Bundle, args: argparse.Namespace) -> list[Check]:
    test = tested_here if args.in_process else _tested_isolated
    request = requested_by(args)
    checks = []
    for kind in ENGINE_KINDS:
        if args.engine not in ("auto", kind.name):
            continue
        decision = consider(bundle.manifest, kind, request)
        if isinstance(decision, Refusal):
            checks.append(Check(f"self-test on {kind.name}", None, decision.reason))
            continue
        name = f"self-test on {kind.name} {decision.version}"
        try:
            result, fallbacks = test(bundle, {**open_options(args), "engine": kind.name})
        except HanjiError as error:
            checks.append(Check(name, False, str(error)))
        else:
            checks.append(Check(name, result.passed, "; ".join((result.detail, *fallbacks))))
    return checks
