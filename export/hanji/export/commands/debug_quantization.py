"""`hanji debug-quantization`: finds the layers of a classifier that lose accuracy when quantized to int8."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hanji.runtime.terminal import print_json, print_lines

if TYPE_CHECKING:
    from hanji.export.classifiers.debug_quantization import Diagnosis, Loss

HELP = "rank the layers of an image classifier by the error that int8 quantization adds"
EXAMPLE = "hanji debug-quantization out/digits/work/compressed --leave-float 2"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the classifier, the images and the number of layers to keep in float32."""
    parser.add_argument(
        "classifier",
        type=Path,
        metavar="COMPRESSED",
        help="the output directory of hanji compress or hanji train",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="the data of the classifier, to measure top-1 as well; not needed for digits",
    )
    parser.add_argument(
        "--pictures",
        type=int,
        default=100,
        metavar="N",
        help="number of calibration images; default: %(default)s",
    )
    parser.add_argument(
        "--leave-float", type=int, default=0, metavar="N", help="keep the N worst layers in float32"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="with --leave-float: write the partly quantized classifier as a bundle",
    )
    parser.add_argument("--json", action="store_true", help="print machine-readable JSON")


def run(args: argparse.Namespace) -> int:
    """Measure and print; return 0."""
    from hanji.training.commands.interruption import ANEW
    from hanji.training.commands.writing import disturbable, writing_to
    from hanji.training.errors import RecipeError
    from hanji.training.progress import show_progress

    show_progress()

    if args.out and not args.leave_float:
        raise RecipeError(
            "--out: expected --leave-float as well, found none; `hanji export` writes the fully quantized "
            "bundle"
        )
    if args.pictures < 1:
        raise RecipeError(f"--pictures: expected 1 or more, found {args.pictures}")

    with writing_to(args.out, ANEW) if args.out else disturbable(ANEW):
        found, snippet = _diagnosis(args)
    if args.json:
        print_json({**asdict(found), "recipe": snippet}, None)
    else:
        print_lines(*_lines(found, snippet))
    return 0


def _diagnosis(args: argparse.Namespace) -> tuple[Diagnosis, str]:
    """The measurements and the lines for a recipe; with --out, the bundle is written."""
    from hanji.training.quiet import import_tensorflow

    import_tensorflow()
    from hanji.export.classifiers.debug_quantization import QuantizationDebugger
    from hanji.export.classifiers.evaluate import training_images
    from hanji.export.classifiers.selective_quantization import (
        classifier_to_debug,
        recipe_snippet,
        with_float_layers,
    )
    from hanji.export.classifiers.writer import export_classifier
    from hanji.training.progress import logger

    compressed = classifier_to_debug(args.classifier, args.data)
    dataset = training_images(compressed, args.data)
    test = None if dataset is None else dataset.test
    if args.out:
        with_float_layers(compressed, ())  # fails early if the bundle cannot be written
    debugger = QuantizationDebugger(compressed, test=test, samples=args.pictures)
    found = debugger.diagnosis(leave_float=args.leave_float)
    snippet = recipe_snippet(compressed.recipe, found.left_in_float) if found.left_in_float else ""
    if args.out:
        partly_quantized = with_float_layers(compressed, found.left_in_float)
        for line in export_classifier(partly_quantized, args.out, test=test, replace=True).lines():
            logger.info(line)
    return found, snippet


def _lines(found: Diagnosis, snippet: str) -> list[str]:
    lines = [
        f"Each layer quantized alone, over {found.pictures} calibration images; error: RMS error of the "
        "logits divided by their standard deviation.",
        "",
        f"{'error':>7}  {'same class':>10}  {'weights':>9}  layer",
    ]
    lines += [
        f"{layer.error:7.4f}  {layer.agreement:10.3f}  {layer.weights:9,}  {layer.layer} "
        f"({', '.join(layer.operators).lower()})"
        for layer in found.layers
    ]
    lines += ["", f"all layers in int8: {_loss(found.all_quantized, found.bytes)}"]
    if found.rest_quantized is not None:
        lines.append(f"the worst {len(found.left_in_float)} in float32: ")
        lines[-1] += _loss(found.rest_quantized, found.rest_bytes)
    if found.float_top1 is not None:
        lines.append(f"all layers in float32: top-1 {found.float_top1:.4f}")
    return [*lines, *(["", *snippet.rstrip().split("\n")] if snippet else [])]


def _loss(loss: Loss, size: int) -> str:
    top1 = "" if loss.top1 is None else f", top-1 {loss.top1:.4f}"
    return f"error {loss.error:.4f}, same class {loss.agreement:.3f}{top1}, {size:,} bytes"
