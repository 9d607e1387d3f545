"""Reading and validation of study files."""

from __future__ import annotations

from pathlib import Path

import pytest

from hanji.studies.comparison import compare
from hanji.studies.study import Study, file_of, read_study, with_protocol
from hanji.studies.study_layout import StudyLayout
from hanji.studies.variant import FULL
from hanji.training.errors import HanjiError, RecipeError

ROOT = Path(__file__).parents[2]
HEAD = f'name = "one"\nbase = "{ROOT / "examples/digits.toml"}"\n'
INT8 = '[[recipes]]\nname = "int8"\ncompression = [{ type = "quantize", scheme = "int8" }]\n'
GRID = """
[grid]
quantize = [{ scheme = "int8" }, { label = "trained", scheme = "int8-qat" }, {}]
channels = [{}, { label = "half", keep = 0.5 }]
"""


@pytest.fixture
def study(tmp_path: Path):
    def read(text: str, head: str = HEAD) -> Study:
        path = tmp_path / "study.toml"
        path.write_text(head + text, encoding="utf-8")
        return read_study(path)

    return read


def test_defaults_are_filled_in(study) -> None:
    found = study(INT8)
    assert (found.seeds, found.formats, found.metric, found.engine) == (
        (0,),
        ("tflite", "onnx"),
        "top1",
        "litert",
    )
    assert [variant.name for variant in found.variants] == ["int8"]


RATINGS = f'name = "one"\nbase = "{ROOT / "examples/ncf.toml"}"\n'


def test_a_metric_under_another_protocol(study) -> None:
    found = study(INT8, RATINGS)
    full = with_protocol(found, "full")
    assert (found.metric, full.metric) == ("ndcg_at_10", "full_ranking_ndcg_at_10")
    assert full.sha256 != found.sha256
    assert with_protocol(full, "sampled") == found


@pytest.mark.parametrize(
    ("head", "protocol", "message"),
    [
        (RATINGS, "uniform", "expected one that studies measure, sampled or full, found 'uniform'"),
        (RATINGS + 'metric = "precision_at_10"\n', "full", "precision_at_10 is not measured under 'full'"),
        (HEAD, "full", "'full' is for recommenders, but the task is image-classification"),
    ],
)
def test_a_protocol_that_is_not_measured(study, head: str, protocol: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        with_protocol(study(INT8, head), protocol)


def test_results_of_other_data_are_in_another_directory(study, tmp_path: Path) -> None:
    def of(content: str) -> Path:
        return StudyLayout(study(INT8), None, {0: content}, tmp_path).run_dir(FULL, 0)

    assert of("month 1") == of("month 1") != of("month 2")


def test_a_grid_has_all_combinations_with_steps_in_order(study) -> None:
    found = study(GRID)
    names = ["int8", "trained", "half · int8", "half · trained", "half"]
    assert sorted(variant.name for variant in found.variants) == sorted(names)
    both = next(variant for variant in found.variants if variant.name == "half · trained")
    assert [table["type"] for table in both.tables] == ["channels", "quantize"]


def test_invalid_combinations_are_skipped_with_the_reason(study) -> None:
    sparse = (
        '[grid]\nprune = [{ sparsity = 0.5, sparse_storage = true }]\nquantize = [{}, { scheme = "int8" }]\n'
    )
    found = study(sparse)
    assert len(found.variants) == 1
    assert "sparse_storage" in found.skipped[0]


def test_a_recipe_may_come_from_a_file(study) -> None:
    text = f'[[recipes]]\nname = "shipped"\nfile = "{ROOT / "examples/digits.toml"}"\n'
    found = study(text)
    assert [table["type"] for table in found.variants[0].tables] == ["distil", "quantize"]
    assert file_of(found.base, found.variants[0], 7).seed == 7


def test_recipes_with_the_same_student_are_a_family(study) -> None:
    text = (
        '[grid]\ndistil = [{ label = "a", epochs = 2 }, { label = "b", epochs = 3 }, {}]\n'
        'quantize = [{ scheme = "int8" }, { scheme = "float16" }]\n'
    )
    families = {variant.name: variant.family for variant in study(text).variants}
    assert families["a · int8"] == families["a · float16"] != families["b · int8"]
    assert families["int8"] == ""


def test_the_hash_covers_everything_that_results_depend_on(study) -> None:
    first = study(INT8)
    assert first.sha256 == study(INT8 + "[[budgets]]\nname = 'x'\nmax_bytes = 3\n").sha256
    assert first.sha256 != study("seeds = [1]\n" + INT8).sha256


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "recipes"),
        (INT8 + INT8, "'int8' twice"),
        (INT8.replace('"int8"\n', '"full"\n', 1), "'full' twice"),
        ("seeds = []\n" + INT8, "seeds"),
        ("seeds = [1, 1]\n" + INT8, "seeds"),
        ('formats = ["tfjs"]\n' + INT8, "formats"),
        ('formats = ["tflite", "coreml"]\n' + INT8, "formats"),
        ('metric = "hr_at_10"\n' + INT8, "metric"),
        (INT8.replace("int8", "int7"), "int7"),
        ("[grid]\nlow-rank = [{}]\n", "low-rank"),
        ("[grid]\nquantize = 3\n", "list of tables"),
        ('[grid]\nquantize = [{ scheme = "int8" }, { scheme = "int8" }]\n', "label"),
        ('[[recipes]]\nname = "x"\n', "found neither"),
        (INT8 + "[[budgets]]\nname = 'x'\n", "max_bytes"),
        (INT8 + "[[budgets]]\nname = 'x'\nmax_bytes = -3\n", "max_bytes: expected at least 0"),
        (INT8 + "[[budgets]]\nname = 'x'\nmax_size = 3\n", "max_size"),
    ],
)
def test_invalid_studies_raise(study, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        study(text)


def test_a_step_that_the_model_does_not_support_raises(study) -> None:
    head = f'name = "one"\nbase = "{ROOT / "examples/demo.toml"}"\n'
    with pytest.raises(RecipeError, match="int8-rows"):
        study(INT8, head)


def test_the_error_for_a_recipe_explains_how_to_make_a_study() -> None:
    with pytest.raises(RecipeError, match="found a recipe; a study has a recipe as its base"):
        read_study(ROOT / "examples/digits.toml")


@pytest.mark.parametrize(
    ("data", "message"), [(None, "pass it as --data"), ("nowhere", "expected a directory with data files")]
)
def test_data_that_cannot_be_read_raises_before_any_job(
    tmp_path: Path, data: str | None, message: str
) -> None:
    study = read_study(ROOT / "examples/study-fashion-mnist.toml")
    with pytest.raises(HanjiError, match=f"^(?!seed).*{message}"):
        compare(study, data=data and tmp_path / data, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


STUDIES = ("digits", "fashion-mnist", "movielens-1m")


@pytest.mark.parametrize("name", STUDIES)
def test_the_examples_compare_twelve_recipes_or_more(name: str) -> None:
    found = read_study(ROOT / "examples" / f"study-{name}.toml")
    assert len(found.variants) >= 12
    assert len(found.budgets) == 3
    assert not found.skipped
