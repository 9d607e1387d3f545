"""All stages in one run: data → trained model → compressed model → bundle → report.

The result of each stage is kept in OUT/work: an interrupted build resumes, and a build with a changed recipe
or changed data repeats only the stages that the change affects.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hanji.export.bundle.build_report import BuildReport, write_report
from hanji.export.bundle.engines import engines_of
from hanji.export.formats.names import Format
from hanji.export.task import ExportTask, task_named
from hanji.runtime.bundle import open_bundle
from hanji.training.content import obstacle_to_reuse
from hanji.training.errors import RecipeError
from hanji.training.files import write_text_atomic
from hanji.training.interrupts import check_interrupt
from hanji.training.json_files import read_json
from hanji.training.output_lock import lock_inside
from hanji.training.progress import logger
from hanji.training.quiet import import_tensorflow
from hanji.training.recipe_file import RecipeFile, read_recipe_file
from hanji.training.settings import table_from
from hanji.training.task import check_call, optional_path, path_of
from hanji.training.unfinished import remove_leftovers

if TYPE_CHECKING:
    from hanji.export.bundle.files import BundleSummary
    from hanji.training.progress import OnEpoch


@dataclass(frozen=True)
class Plan:
    """A recipe file whose tables have all been checked, before any long-running stage starts."""

    file: RecipeFile
    data: Any
    model: Any
    training: Any
    recipe: Any
    export: Any

    @property
    def task(self) -> ExportTask[Any, Any, Any]:
        """The task of the recipe."""
        return task_named(self.file.task)


class Clock:
    """Seconds per stage, stored in a file so that a stage reused from an earlier run keeps its time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seconds = _earlier_seconds(path)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block and record it under ``name``."""
        check_interrupt()
        start = time.monotonic()
        yield
        check_interrupt()
        self.seconds[name] = round(time.monotonic() - start, 1)
        write_text_atomic(self._path, json.dumps(self.seconds) + "\n")


def plan_of(file: RecipeFile) -> Plan:
    """Check all tables of a recipe file; RecipeError for an invalid one."""
    task = task_named(file.task)
    model = file.settings("model", task.model_config)
    recipe = task.recipe.from_file(file)
    task.check_recipe(recipe, model)
    export = file.settings("export", task.export_config)
    task.check_export(export, model, f"{file.path}: export.")
    return Plan(
        file=file,
        data=file.settings("data", task.data_config),
        model=model,
        training=file.settings("training", task.training_config),
        recipe=recipe,
        export=export,
    )


def build(
    recipe: str | Path,
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    on_epoch: OnEpoch | None = None,
) -> BuildReport:
    """Train, compress, export and measure as a recipe file specifies; the same as ``hanji build``.

    ``data`` is the directory with the data; ``out`` defaults to out/NAME, where NAME is the recipe's name;
    ``seed`` overrides the recipe's seed. OUT/bundle is the bundle to ship. ``on_epoch`` is called after each
    epoch. Raises RecipeError and DataError before any long-running stage starts, ConversionError for a model
    that a format cannot represent.
    """
    check_call(seed=0 if seed is None else seed, on_epoch=on_epoch)
    plan = plan_of(read_recipe_file(path_of(recipe, "recipe"), seed=seed))
    target = optional_path(out, "out") or Path("out") / plan.file.name
    return run_plan(plan, data=optional_path(data, "data"), out=target, on_epoch=on_epoch)


def run_plan(
    plan: Plan,
    *,
    data: Path | None,
    out: Path,
    on_epoch: OnEpoch | None = None,
    train: Callable[[Path], None] | None = None,
) -> BuildReport:
    """Run every stage and write OUT/bundle, OUT/full, OUT/report.json and OUT/report.md.

    OUT/full is the full model as a float32 bundle: the baseline for the compressed one. ``train(work)``, if
    given, trains the full model in place of this process and leaves it in WORK/trained. HanjiError if another
    process builds in ``out``.
    """
    with lock_inside(out):
        return _run_plan(plan, data, out, on_epoch, train)


def _run_plan(
    plan: Plan,
    data: Path | None,
    out: Path,
    on_epoch: OnEpoch | None,
    train: Callable[[Path], None] | None,
) -> BuildReport:
    import_tensorflow()
    task, work = plan.task, out / "work"
    dataset = task.load(plan.data, data, seed=plan.file.seed)
    for line in task.summary(dataset):
        logger.info(line)
    task.check_sizes(plan.recipe, plan.model, dataset)
    work.mkdir(exist_ok=True)
    remove_leftovers(work)
    clock = Clock(work / "seconds.json")
    trained = earlier_trained(plan, dataset.content, work)
    if trained is None:
        with clock.stage("train"):
            if train is None:
                trained = train_into(plan, dataset, work, on_epoch)
            else:
                train(work)
                trained = task.load_trained(work / "trained")
    compressed = earlier_compressed(plan, trained, work)
    if compressed is None:
        with clock.stage("compress"):
            checkpoints = work / "checkpoints"
            compressed = task.compress(trained, plan.recipe, dataset, work=checkpoints, on_epoch=on_epoch)
            task.save_compressed(compressed, work / "compressed")
    full = task.uncompressed(trained, dataset, plan.recipe)
    with clock.stage("export"):
        summary = _export(plan, full, compressed, dataset, out)
    with clock.stage("measure"):
        rows = _measure(plan, full, compressed, dataset, out)
    report = replace(
        task.report(compressed, plan.recipe, dataset, rows, clock.seconds), left_out=dict(summary.left_out)
    )
    write_report(report, out)
    return report


def with_formats(config: Any, formats: Sequence[Format]) -> Any:
    """An export config with other formats; RecipeError where its other options do not allow them."""
    try:
        return replace(config, formats=tuple(formats))
    except ValueError as error:
        raise RecipeError(f"export: {error}") from None


def train_into(plan: Plan, dataset: Any, work: Path, on_epoch: OnEpoch | None = None) -> Any:
    """Train the full model and save it in WORK/trained."""
    trained = plan.task.train(
        dataset,
        plan.model,
        plan.training,
        seed=plan.file.seed,
        work=work / "checkpoints",
        on_epoch=on_epoch,
    )
    plan.task.save_trained(trained, work / "trained")
    return trained


def earlier_trained(plan: Plan, content: str, work: Path) -> Any | None:
    """The model that an earlier run with the same settings saved in ``work``, or None.

    ``content`` is the hash of the data; a model of other data is not reused.
    """
    directory = work / "trained"
    if not directory.exists():
        return None
    import_tensorflow()
    found = plan.task.load_trained(directory)
    if _settings(found) != (plan.model, plan.training, table_from(plan.data), plan.file.seed):
        return None
    reason = obstacle_to_reuse(found.data.content, content)
    if reason is not None:
        logger.warning(f"{directory}: {reason}; training anew")
        return None
    logger.info(f"{directory}: reusing the model that was trained with these settings")
    return found


def earlier_compressed(plan: Plan, trained: Any, work: Path) -> Any | None:
    """The model that an earlier run with the same full model and recipe saved in ``work``, or None."""
    directory = work / "compressed"
    if not directory.exists():
        return None
    found = plan.task.load_compressed(directory)
    if not _same_model(found.full, trained) or found.recipe.tables != plan.recipe.tables:
        return None
    logger.info(f"{directory}: reusing the model that was compressed with these settings")
    return found


def _earlier_seconds(path: Path) -> dict[str, float]:
    try:
        seconds: dict[str, float] = read_json(path)
    except (FileNotFoundError, ValueError):  # missing or damaged: the times are informational only
        return {}
    return seconds


def _settings(trained: Any) -> tuple[Any, Any, Mapping[str, object], int]:
    return trained.config, trained.training, trained.data.config, trained.seed


def _same_model(one: Any, other: Any) -> bool:
    return (
        _settings(one) == _settings(other)
        and one.data.content == other.data.content
        and one.metrics == other.metrics
    )


def _export(plan: Plan, full: Any, compressed: Any, dataset: Any, out: Path) -> BundleSummary:
    task = plan.task
    task.export(full, out / "full", task.full_export(plan.export), dataset=dataset, replace=True)
    summary = task.export(compressed, out / "bundle", plan.export, dataset=dataset, replace=True)
    task.write_samples(dataset, out)
    for line in summary.lines():
        logger.info(line)
    return summary


def _measure(plan: Plan, full: Any, compressed: Any, dataset: Any, out: Path) -> list[Any]:
    """The report rows of the full model, then of the compressed one, in each engine that runs them."""
    task = plan.task
    measured = [("full", out / "full", full), ("compressed", out / "bundle", compressed)]
    return [
        task.measure(bundle, dataset, model, model=name, engine=engine)
        for name, bundle, model in measured
        for engine in engines_of([artifact.format for artifact in open_bundle(bundle).manifest.artifacts])
    ]


__all__ = [
    "Clock",
    "Plan",
    "build",
    "earlier_compressed",
    "earlier_trained",
    "plan_of",
    "run_plan",
    "train_into",
    "with_formats",
]
