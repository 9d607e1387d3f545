"""The evaluator in this process: builds networks, trains, exports, and measures in the inference engines."""

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
from hanji.export.bundle.engines import open_engine
from hanji.export.formats.names import Format
from hanji.export.pipeline import plan_of, with_formats
from hanji.runtime.benchmarks.measuring import nanoseconds
from hanji.runtime.errors import EngineError
from hanji.studies.job import checkpoints_of, copied
from hanji.studies.latency import interleaved
from hanji.studies.outcomes import Part
from hanji.studies.run_job import train_once
from hanji.studies.search.evaluator import Built, Finished, Shape
from hanji.studies.search.setup import Setup
from hanji.studies.search.shapes import bytes_per_weight, shape_key, sparsity_of
from hanji.studies.study import file_of
from hanji.studies.task import task_named
from hanji.studies.variant import FULL, Variant
from hanji.training.errors import RecipeError

_RUNS, _WARM_UP = 50, 5
_NAME, _EXPORTED = "bundle", "exported-"


class LocalEvaluator:
    """Measures in this process, which a crash of a converter terminates; see worker.py."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._task = task_named(setup.base.task)
        self._plan = plan_of(file_of(setup.base, FULL, setup.base.seed))
        self._dataset = self._task.load(self._plan.data, setup.data, seed=setup.base.seed)
        self._untrained_models = self._task.untrained(self._plan, self._dataset)
        self._trained = False
        for leftover in setup.work.glob(f"{_EXPORTED}*"):  # of a killed process
            shutil.rmtree(leftover, ignore_errors=True)
        self._converted: tuple[Variant, Converted] | None = None

    def shapes(self, variants: Sequence[Variant]) -> list[Shape | str]:
        """See Evaluator."""
        parameters: dict[str, int | str] = {}
        shapes: list[Shape | str] = []
        for variant in variants:
            shape = shape_key(variant)
            tables = [table for table in shape.tables if table["type"] != "quantize"]
            if repr(tables) not in parameters:
                parameters[repr(tables)] = self._parameters(Variant(variant.name, tuple(tables)))
            shapes.append(_shape(parameters[repr(tables)], variant))
        keras.backend.clear_session()
        return shapes

    def untrained_bytes(self, shape: Variant) -> int:
        """See Evaluator."""
        return len(self._untrained(shape).contents[MODEL_FILES[self._setup.target]])

    def untrained_ms(self, shape: Variant) -> float:
        """See Evaluator."""
        converted = self._untrained(shape)
        query = self._untrained_models.query(converted)
        engine, _ = open_engine(converted.artifact, converted.contents)
        call = engine.bare_call(query.signature, query.inputs)
        times = [nanoseconds(call) for _ in range(_WARM_UP + _RUNS)]
        return statistics.median(times[_WARM_UP:]) / 1e6

    def build(self, variant: Variant, resume_from: Variant | None) -> Built:
        """See Evaluator; the bundle is temporary, checkpoints are kept."""
        setup = self._setup
        if resume_from is not None:
            _copy_checkpoints(checkpoints_of(setup.work, resume_from), checkpoints_of(setup.work, variant))
        with self._exported(variant) as bundle:
            content = (bundle / MODEL_FILES[setup.target]).read_bytes()
            metric = self._metrics(bundle, "validation")[setup.metric]
            times = interleaved({_NAME: bundle}, setup.engine)
        keras.backend.clear_session()
        if _NAME not in times:
            raise EngineError(f"{setup.engine} cannot run the exported file of {variant.name!r}")
        return Built(len(content), times[_NAME].p50_ms, metric, hashlib.sha256(content).hexdigest())

    def finish(self, winner: Variant) -> Finished:
        """See Evaluator; OUT/bundle is exported from the checkpoints in all formats."""
        setup, bundle = self._setup, self._setup.out / "bundle"
        self._export(winner, bundle, setup.formats, tested=True)
        content = (bundle / MODEL_FILES[setup.target]).read_bytes()
        with self._exported(FULL) as full:
            full_metrics = self._metrics(full, "test")
        winner_metrics = self._metrics(bundle, "test")
        return Finished(winner_metrics, full_metrics, len(content), hashlib.sha256(content).hexdigest())

    def _parameters(self, shape: Variant) -> int | str:
        try:
            return self._untrained_models.parameters(self._recipe(shape))
        except RecipeError as error:
            return str(error)

    def _untrained(self, shape: Variant) -> Converted:
        """The converted untrained model, cached for consecutive measurements of size and latency."""
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
        with tempfile.TemporaryDirectory(dir=setup.work, prefix=_EXPORTED) as directory:
            bundle = Path(directory) / _NAME
            self._export(variant, bundle, (setup.target,), tested=False)
            yield bundle

    def _export(self, variant: Variant, out: Path, formats: Sequence[Format], *, tested: bool) -> None:
        """Compress and export into ``out``; the bundle has metrics of the test set only if ``tested``."""
        task, setup, dataset = self._task, self._setup, self._dataset
        if not tested:
            dataset = task.validation_as_test(dataset, seed=setup.base.seed)
        recipe, trained = self._recipe(variant), self._full_model()
        if variant.tables:
            work = checkpoints_of(setup.work, variant)
            compressed, config = task.compress(trained, recipe, dataset, work=work), self._plan.export
        else:
            compressed = task.uncompressed(trained, dataset, recipe)
            config = task.full_export(self._plan.export)
        task.export(compressed, out, with_formats(config, formats), dataset=dataset, replace=True)

    def _full_model(self) -> Any:
        """The trained full model, which is trained first if it is missing or of other settings or data."""
        if not self._trained:
            train_once(self._setup.base, self._dataset, self._setup.work)
            self._trained = True
        return self._task.load_trained(self._setup.work / "trained")

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
    min_bytes = int(parameters * bytes_per_weight(variant))
    return Shape(parameters, min_bytes, parameters * (1.0 - sparsity_of(variant)))


def _copy_checkpoints(source: Path, target: Path) -> None:
    """Copy the checkpoints of another recipe; only those of the same steps will be resumed."""
    if source.is_dir() and not target.exists():
        shutil.copytree(source, target, copy_function=_linked)


def _linked(source: str, target: str) -> None:
    """Hard-link the file if the file system can: checkpoints are replaced, never modified in place."""
    try:
        os.link(source, target)
    except OSError:
        copied(source, target)


__all__ = ["LocalEvaluator"]
