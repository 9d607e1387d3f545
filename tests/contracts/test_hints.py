"""Every hint that hanji can print can be followed.

``hints.py`` finds the hints in the sources by a rule; a hint that has no row here fails the test. A row is
followed as far as the parser of the command, or the settings that the key belongs to: the option exists there
and takes this value, the key exists in the file and takes this value. Whether the proposed training or
conversion then succeeds is not tested here; tests of the messages do that where it takes seconds (gives,
layout, float_layers, --formats, normalization).
"""

from __future__ import annotations

import ast
import importlib.metadata
import shlex
from functools import cache
from typing import Any

import pytest

from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.runtime.cli import GROUP, _parser
from hanji.studies.recipe_reference import lookup
from hanji.studies.study import RecipeTable
from hanji.studies.task import task_named
from hanji.training.recipe_file import RecipeTables
from hanji.training.settings import settings_from

from .hints import ASSIGNMENT, COMMAND, OPTION, TABLE_KEY, found, keys_named, texts

FOREIGN = "an option of another program"
FOUND = "what was found, not what to write"
RECOMMENDER, CLASSIFIER = "recommendation", "image-classification"

COMMANDS = {
    "hanji benchmark --json": "benchmark BUNDLE --json",
    "hanji bundle {model.path} --labels FILE --preprocessing FILE --out BUNDLE": (
        "bundle M --labels FILE --preprocessing FILE --out BUNDLE"
    ),
    "hanji compress {model.path} --recipe int8 --data IMAGES --preprocessing FILE --out DIR": (
        "compress M --recipe int8 --data IMAGES --preprocessing FILE --out DIR"
    ),
    "hanji compress {path} --recipe int8 --data IMAGES --out DIR": (
        "compress M --recipe int8 --data IMAGES --out DIR"
    ),
    "hanji data prepare": "data prepare D --out O",
    "hanji compress --formats onnx,tflite": "compress M.onnx --recipe int8 --out O --formats onnx,tflite",
    "hanji debug-quantization COMPRESSED": "debug-quantization COMPRESSED",
    "hanji export {args.out} --out BUNDLE": "export OUT --out BUNDLE",
    "hanji recipe KEY": "recipe epochs",
    "hanji train --out OUT/work/trained": "train RECIPE --out OUT/work/trained",
    "hanji verify --in-process": "verify BUNDLE --in-process",
}
"""What is run for a command with options or placeholders; those without are looked up by their name alone."""

OPTIONS = {
    "--accept-licence": ["data fetch movielens-1m --out O --accept-licence"],
    "--all": ["watch B --video F --all", "watch B --folder F --all"],
    "--classes N": ["profile RECIPE --classes 10"],
    "--data": [
        *("build R --out O --data D", "train R --out O --data D", "baselines R --data D"),
        *("compress M --recipe int8 --out O --data D", "export C --out O --data D"),
        *("evaluate B --data D", "compare S --out O --data D", "debug-quantization C --data D"),
    ],
    "--data {args.out}": ["train R --data D --out O", "build R --data D --out O"],
    "--delegate libedgetpu.so.1": [
        f"{command} --delegate libedgetpu.so.1"
        for command in (
            "classify B P",
            "benchmark B",
            "watch B --folder F",
            "info B",
            "verify B",
            "recommend B --user 1",
        )
    ],
    "--edge-tpu": ["export C --out O --edge-tpu"],
    "--engine": ["data prepare D --out O --engine duckdb", "data prepare D --out O --engine spark"],
    "--existing": ["watch B --folder F --existing"],
    "--factors": ["baselines R --factors 8"],
    "--folder": ["watch B --folder F"],
    "--force": ["setup-tfjs --force"],
    "--force-reinstall": FOREIGN,
    "--force-reinstall 'hanji-runtime[{choice.kind.extra}]": FOREIGN,
    "--formats": [
        *(
            f"bundle M --labels L --preprocessing P --out O --formats {each}"
            for each in ("onnx,tflite", "onnx")
        ),
        *(f"export C --out O --formats {each}" for each in ("tflite,onnx", "tflite,tfjs")),
        "compress M --recipe int8 --out O --formats onnx,tflite",
    ],
    "--formats {others}": ["export C --out O --formats tflite,onnx"],
    "--genre": ["recommend B --user 1 --genre Drama"],
    "--html": ["data check D --html F"],
    "--input": ["profile M --input 28x28x1"],
    "--input 28x28x1": ["profile M --input 28x28x1"],
    "--instructions": ["benchmark B --instructions"],
    "--jobs": ["compare S --out O --jobs 2"],
    "--labels": ["bundle M --labels L --preprocessing P --out O", "compress M --recipe R --out O --labels L"],
    "--labels FILE": ["compress M --recipe R --out O --labels FILE"],
    "--leave-float": ["debug-quantization C --leave-float 2 --out O"],
    "--leave-float 2": ["debug-quantization C --leave-float 2 --out BUNDLE"],
    "--master": ["data prepare D --out O --engine spark --master spark://HOST:7077"],
    "--master {context.master}": FOUND,
    "--master {master}": FOUND,
    "--master {used}": FOUND,
    "--max-drop": ["search F --out O --max-drop 0.01"],
    "--max-latency-ms": ["search F --out O --max-latency-ms 5"],
    "--max-minutes": ["search F --out O --max-minutes 5"],
    "--max-size": ["search F --out O --max-size 100kB"],
    "--mean 127.5": ["compress M --recipe R --out O --mean 127.5 --std 127.5"],
    "--memory": ["train R --out O --memory 8GB", "baselines R --memory 8GB", "build R --out O --memory 8GB"],
    "--out": ["compare S --out O", "debug-quantization C --leave-float 2 --out O", "build R --out O"],
    "--out BUNDLE": [
        "debug-quantization C --leave-float 2 --out BUNDLE",
        "bundle M --labels L --preprocessing P --out BUNDLE",
    ],
    "--pictures": ["debug-quantization C --pictures 20"],
    "--pictures DIR": ["bundle M --labels L --preprocessing P --out O --pictures DIR"],
    "--preprocessing": ["compress M --recipe R --out O --preprocessing P"],
    "--preprocessing FILE": ["compress M --recipe R --out O --preprocessing FILE"],
    "--recipe": ["data check D --recipe R", "data prepare D --out O --recipe R"],
    "--sasrec": ["baselines R --sasrec"],
    "--scale 1": ["compress M --recipe R --out O --scale 1"],
    "--scale 1/255": ["compress M --recipe R --out O --scale 1/255"],
    "--shared": ["compare S --out O --shared"],
    "--size": ["compress M --recipe R --out O --size 96x96"],
    "--size 96x96": ["compress M --recipe R --out O --size 96x96"],
    "--std 127.5": ["compress M --recipe R --out O --mean 127.5 --std 127.5"],
    "--system-site-packages": FOREIGN,
    "--trials": ["search F --out O --trials 5"],
    "--trust-code": ["compress M --recipe R --out O --trust-code", "profile M --trust-code"],
    "--unknown-item": ["export C --out O --unknown-item skip"],
    "--unknown-user": ["export C --out O --unknown-user error"],
    "--upgrade": FOREIGN,
    "--video": ["watch B --video F"],
    "--workers": ["train R --out O --workers 2", "build R --out O --workers 2"],
}

Row = tuple[Any, dict[str, Any]]
MODEL_FILE = WrapSettings


def data(task: str, **keys: Any) -> Row:
    return task_named(task).data_config, {"name": "mine", **keys}


def model(**keys: Any) -> Row:
    return task_named(RECOMMENDER).model_config, keys


def step(task: str, kind: str, **keys: Any) -> Row:
    return task_named(task).recipe.step_types[kind], keys


KEYS: dict[str, Row | str] = {
    "channels = 1": (MODEL_FILE, {"channels": 1}),
    "channels = 3": (MODEL_FILE, {"channels": 3}),
    "cold_items = true": data(RECOMMENDER, format="csv", ratings="r.csv", cold_items=True),
    "compression = [...]": (RecipeTable, {"name": "a", "compression": []}),
    'config = "{source.name}"': (MODEL_FILE, {"config": "config.json", "resample": "bilinear"}),
    'criterion = "l1"': step(CLASSIFIER, "channels", keep=0.5, criterion="l1"),
    "do_center_crop = false": FOUND,
    "embedding_size = {step.embedding_size}": FOUND,
    'file = "..."': (RecipeTable, {"name": "a", "file": "int8.toml"}),
    "float_layers = [{names}]": step(CLASSIFIER, "quantize", scheme="int8", float_layers=["a", "b"]),
    'format = "auto"': data(RECOMMENDER, format="auto"),
    'format = "csv"': data(RECOMMENDER, format="csv", ratings="r", user_column="u", item_column="i"),
    'format = "digits"': data(CLASSIFIER, format="digits", name="digits"),
    'format = "folder"': data(CLASSIFIER, format="folder", height=32, width=32),
    'format = "synthetic"': data(RECOMMENDER, format="synthetic", name="synthetic"),
    'format = "{config.format}"': FOUND,
    'format = "{for_files}"': data(CLASSIFIER, format="folder", height=32, width=32),
    'gives = "logits"': (MODEL_FILE, {"gives": "logits"}),
    'gives = "multi-label"': (MODEL_FILE, {"gives": "multi-label"}),
    'gives = "multi-label-logits"': (MODEL_FILE, {"gives": "multi-label-logits"}),
    'gives = "scores"': (MODEL_FILE, {"gives": "scores"}),
    'gives = "values"': (MODEL_FILE, {"gives": "values"}),
    "header = false": data(
        RECOMMENDER, format="csv", ratings="r", header=False, user_column="1", item_column="2"
    ),
    'history_pooling = "sum"': model(type="history", history_pooling="sum"),
    'history_pooling = "timescales"': model(type="history", history_pooling="timescales"),
    'item_column = "2"': data(RECOMMENDER, format="csv", ratings="r", user_column="1", item_column="2"),
    "keep = {keep}": FOUND,
    'layers = "all"': step(CLASSIFIER, "prune", sparsity=0.5, layers="all"),
    'layout = "channels-first"': (MODEL_FILE, {"layout": "channels-first"}),
    'layout = "channels-last"': (MODEL_FILE, {"layout": "channels-last"}),
    "mean = [0.485, 0.456, 0.406]": (MODEL_FILE, {"mean": [0.485, 0.456, 0.406]}),
    "mean = [127.5]": (MODEL_FILE, {"mean": [127.5], "std": [127.5]}),
    "mean = [128]": (MODEL_FILE, {"mean": [128], "std": [128]}),
    'output = "{found[0].tensor.name}"': (MODEL_FILE, {"output": "logits"}),
    'resample = "bilinear"': (MODEL_FILE, {"resample": "bilinear"}),
    "scale = 0.00392156862745098": (MODEL_FILE, {"scale": 0.00392156862745098}),
    "scale = 1": (MODEL_FILE, {"scale": 1}),
    'scheme = "{scheme}"': step(CLASSIFIER, "quantize", scheme="int8"),
    'split = "{split}"': FOUND,
    "std = [0.229, 0.224, 0.225]": (MODEL_FILE, {"std": [0.229, 0.224, 0.225]}),
    "std = [127.5]": (MODEL_FILE, {"std": [127.5]}),
    "std = [128]": (MODEL_FILE, {"std": [128]}),
    'task = "{base.task}"': (RecipeTables, {"name": "a", "task": CLASSIFIER}),
    'task = "{self.task}"': FOUND,
    'task = "{table.task}"': FOUND,
    'task = "{task}"': (RecipeTables, {"name": "a", "task": RECOMMENDER}),
    "task = {task}": FOUND,
    "thresholds = 0.5": (MODEL_FILE, {"gives": "multi-label", "thresholds": [0.5]}),
    'timestamp_column = ""': data(RECOMMENDER, format="csv", ratings="r", timestamp_column=""),
    'type = "history"': model(type="history"),
    'type = "quantize"': step(CLASSIFIER, "quantize", scheme="int8"),
    'type = "{step_type}"': FOUND,
    'user_column = "1"': data(RECOMMENDER, format="csv", ratings="r", user_column="1", item_column="2"),
}
"""What the key belongs to, and a table with it: of a recipe, a study or a preprocessing file."""

NO_KEYS = {"it", "them", "are", "in", "its", "tflite"}
"""Words in the place of a key that are none; ``tflite`` is a format, to be left out of --formats."""

NOT_IN_RECIPES = {"model.inputs", "model.outputs"}
"""Attributes of a Keras model in the message of a refused one."""


@cache
def parser() -> Any:
    return _parser({entry.name: entry.load() for entry in importlib.metadata.entry_points(group=GROUP)})


def expect_rows(hints: dict[str, set[str]], rows: Any) -> None:
    """Each hint has a row, and each row a hint."""
    missing = {hint: sorted(modules) for hint, modules in hints.items() if hint not in rows}
    assert not missing, f"hints without a row in this test, which has to say how each is followed: {missing}"
    assert not set(rows) - set(hints), "rows of hints that are no longer in the sources"


def test_the_rule_finds_hints_in_messages_alone() -> None:
    source = '''
def f(parser):
    """Docstrings may speak of --nothing 1."""
    parser.add_argument("--own", help="see --other 2")
    raise E(f"{where}: refused; use --scale {value}/255 or" f" set layout = \\"nchw\\" in the file")
'''
    (text,) = texts(ast.parse(source))
    assert OPTION.findall(text) == ["--scale {value}/255"]
    assert ASSIGNMENT.findall(text) == ['layout = "nchw"']


def test_every_hint_has_a_row() -> None:
    expect_rows({hint: where for hint, where in found(COMMAND).items() if len(hint.split()) > 2}, COMMANDS)
    expect_rows(found(OPTION), OPTIONS)
    expect_rows(found(ASSIGNMENT), KEYS)


@pytest.mark.parametrize("name", sorted({hint.split()[1] for hint in found(COMMAND)}))
def test_commands_exist(name: str) -> None:
    assert name in {entry.name for entry in importlib.metadata.entry_points(group=GROUP)}


@pytest.mark.parametrize(
    "line",
    sorted(
        {*COMMANDS.values(), *(line for row in OPTIONS.values() if isinstance(row, list) for line in row)}
    ),
)
def test_command_lines_are_accepted(line: str) -> None:
    parser().parse_args(shlex.split(line))


@pytest.mark.parametrize("hint", sorted(hint for hint, row in KEYS.items() if row != FOUND))
def test_keys_are_accepted(hint: str) -> None:
    kind, table = KEYS[hint]
    assert hint.split(" = ")[0] in {*table, "scheme", "type"}
    settings_from(kind, table, "hint")


def test_keys_of_recipes_exist() -> None:
    unknown = {hint: where for hint, where in found(TABLE_KEY).items() if not lookup(hint)}
    assert set(unknown) <= NOT_IN_RECIPES, unknown


def test_what_is_to_be_set_or_left_out_is_a_key() -> None:
    unknown = {word: where for word, where in keys_named().items() if not lookup(word)}
    assert set(unknown) <= NO_KEYS, unknown
