"""The evaluator in this process: builds networks, trains, exports, and asks the real engines."""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tf_keras as keras

from hanji.export.bundle.artifact import MODEL_FILES, Converted
from hanji.export.formats.names import Format
from hanji.export.pipeline import plan_of, with_formats
from hanji.runtime.benchmarks.timing import nanoseconds
from hanji.runtime.engines.choice import ENGINE_KINDS, Choice, create_engine
from hanji.runtime.engines.versions import installed_version
from hanji.runtime.errors import EngineError
from hanji.studies.job import checkpoints_of
from hanji.studies.latency import interleaved
from hanji.studies.outcomes import Part
from hanji.studies.run_job import train_once
from hanji.studies.search.evaluator import Built, Finished, Shape
from hanji.studies.search.setup import Setup
from hanji.studies.search.shapes import bytes_a_weight, shape_key, sparsity_of
from hanji.studies.study import file_of
from hanji.studies.task import task_named
from hanji.studies.variant import FULL, Variant
from hanji.training.errors import RecipeError

_RUNS, _WARM_UP = 50, 5
_NAME, _EXPORTED = "bundle", "exported-"


class LocalEvaluator:
    """Measures in this process; what a crash takes down is this process, too."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._task = task_named(setup.base.task)
        self._plan = plan_of(file_of(setup.base, FULL, setup.base.seed))
        self._dataset = self._task.load(self._plan.data, setup.data, seed=setup.base.seed)
        self._untrained_models = self._task.untrained(self._plan, self._dataset)
        self._trained = False
        for left_behind in setup.work.glob(f"{_EXPORTED}*"):  # by a process that was killed
            shutil.rmtree(left_behind, ignore_errors=True)
        self._converted: tuple[Variant, Converted] | None = None

    def shapes(self, variants: Sequence[Variant]) -> list[Shape | str]:
        """Of each variant, or why it can have none."""
        found: dict[str, int | str] = {}
        shapes: list[Shape | str] = []
        for variant in variants:
            shape = shape_key(variant)
            tables = [table for table in shape.tables if table["type"] != "quantize"]
            if repr(tables) not in found:
                found[repr(tables)] = self._parameters(Variant(variant.name, tuple(tables)))
            shapes.append(_shape(found[repr(tables)], variant))
        keras.backend.clear_session()
        return shapes

    def untrained_bytes(self, shape: Variant) -> int:
        """The size of the file that a network of this shape and scheme makes."""
        return len(self._untrained(shape).contents[MODEL_FILES[self._setup.target]])

    def untrained_ms(self, shape: Variant) -> float:
        """The median of the engine's own call with that file, one thread."""
        converted = self._untrained(shape)
        question = self._untrained_models.question(converted)
        call = _engine(converted).bare_call(question.signature, question.inputs)
        times = [nanoseconds(call) for _ in range(_WARM_UP + _RUNS)]
        return statistics.median(times[_WARM_UP:]) / 1e6

    def built(self, variant: Variant, resume_from: Variant | None) -> Built:
        """Train, export and measure in a place that is cleared afterwards; checkpoints stay."""
        setup = self._setup
        if not self._trained:
            train_once(setup.base, setup.data, setup.work)
            self._trained = True
        if resume_from is not None:
            _take_over(checkpoints_of(setup.work, resume_from), checkpoints_of(setup.work, variant))
        with self._exported(variant) as bundle:
            content = (bundle / MODEL_FILES[setup.target]).read_bytes()
            metric = self._metrics(bundle, "validation")[setup.metric]
            times = interleaved({_NAME: bundle}, setup.engine)
        keras.backend.clear_session()
        if _NAME not in times:
            raise EngineError(f"{setup.engine} cannot run what {variant.name!r} makes")
        return Built(len(content), times[_NAME].p50_ms, metric, hashlib.sha256(content).hexdigest())

    def finished(self, winner: Variant) -> Finished:
        """OUT/bundle from the checkpoints in all formats, and both test metrics, read for the first time."""
        setup, bundle = self._setup, self._setup.out / "bundle"
        self._export(winner, bundle, setup.formats, tested=True)
        content = (bundle / MODEL_FILES[setup.target]).read_bytes()
        with self._exported(FULL) as full:
            of_full = self._metrics(full, "test")
        of_winner = self._metrics(bundle, "test")
        return Finished(of_winner, of_full, len(content), hashlib.sha256(content).hexdigest())

    def _parameters(self, shape: Variant) -> int | str:
        try:
            return self._untrained_models.parameters(self._recipe(shape))
        except RecipeError as error:
            return str(error)

    def _untrained(self, shape: Variant) -> Converted:
        """Kept until another is asked for: size and speed are asked for one after the other."""
        if self._converted is None or self._converted[0] != shape:
            self._converted = (
                shape,
                self._untrained_models.converted(self._recipe(shape), self._setup.target),
            )
            keras.backend.clear_session()
        return self._converted[1]

    @contextmanager
    def _exported(self, variant: Variant) -> Iterator[Path]:
        setup = self._setup
        with tempfile.TemporaryDirectory(dir=setup.work, prefix=_EXPORTED) as place:
            bundle = Path(place) / _NAME
            self._export(variant, bundle, (setup.target,), tested=False)
            yield bundle

    def _export(self, variant: Variant, out: Path, formats: Sequence[Format], *, tested: bool) -> None:
        """Compress and export into ``out``; the bundle states metrics of the test set only if ``tested``."""
        task, setup, dataset = self._task, self._setup, self._dataset
        if not tested:
            dataset = task.validation_as_test(dataset, seed=setup.base.seed)
        recipe, trained = self._recipe(variant), task.load_trained(setup.work / "trained")
        if variant.tables:
            work = checkpoints_of(setup.work, variant)
            compressed, config = task.compress(trained, recipe, dataset, work=work), self._plan.export
        else:
            compressed = task.uncompressed(trained, dataset, recipe)
            config = task.full_export(self._plan.export)
        task.export(compressed, out, with_formats(config, formats), dataset=dataset, replace=True)

    def _recipe(self, variant: Variant) -> Any:
        tables = [dict(table) for table in variant.tables]
        return self._task.recipe.from_tables(variant.name, tables, str(self._setup.base.path))

    def _metrics(self, bundle: Path, part: Part) -> dict[str, float]:
        setup = self._setup
        outcomes = self._task.outcomes_of(
            bundle, self._dataset, engine=setup.engine, part=part, seed=setup.base.seed
        )
        return outcomes.metrics()


def _shape(parameters: int | str, variant: Variant) -> Shape | str:
    if isinstance(parameters, str):
        return parameters
    least = int(parameters * bytes_a_weight(variant))
    return Shape(parameters, least, parameters * (1.0 - sparsity_of(variant)))


def _engine(converted: Converted) -> Any:
    name = converted.artifact.engines[0].name
    kind = next(kind for kind in ENGINE_KINDS if kind.name == name)
    version = installed_version(kind.distribution)
    if version is None:
        raise EngineError(f"{kind.distribution} is not installed; try: pip install {kind.distribution}")
    return create_engine(Choice(kind, version, converted.artifact), converted.contents, threads=1)


def _take_over(source: Path, target: Path) -> None:
    """Checkpoints of another recipe; each is taken up only where it belongs to the same steps."""
    if source.is_dir() and not target.exists():
        shutil.copytree(source, target, copy_function=_linked)


def _linked(source: str, target: str) -> None:
    """One file under two names where the file system can do that: checkpoints are replaced, never changed."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


__all__ = ["LocalEvaluator"]
