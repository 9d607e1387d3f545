"""The stages one by one, as commands, on a user-supplied ratings file."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hanji.runtime.cli import main

Hanji = Callable[..., subprocess.CompletedProcess[str]]

RECIPE = """
name = "books"
seed = 1

[data]
name = "books"
format = "csv"
ratings = "loans.csv"
user_column = "reader"
item_column = "isbn"
timestamp_column = "lent_at"
items = "titles.csv"
title_column = "title"

[model]
embedding_size = 8
mlp_embedding_size = 4
hidden_units = [8]

[training]
epochs = 3
batch_size = 512
learning_rate = 0.01

[[compression]]
type = "distil"
embedding_size = 4
mlp_embedding_size = 4
hidden_units = [4]
epochs = 2

[[compression]]
type = "quantize"
scheme = "int8-qat"
epochs = 1

[export]
formats = ["tflite"]
"""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe, the loans of 150 readers and 160 books with string ids, and titles."""
    directory = tmp_path_factory.mktemp("books")
    (directory / "books.toml").write_text(RECIPE)
    rng = np.random.default_rng(0)
    lines = ["reader,isbn,lent_at"]
    for reader in range(150):
        chosen = rng.choice(160, 15, replace=False, p=np.arange(160, 0, -1) / (160 * 161 / 2))
        lines += [f"reader-{reader},isbn-{book:03},{time}" for time, book in enumerate(chosen)]
    (directory / "loans.csv").write_text("\n".join(lines) + "\n")
    titles = [f'isbn-{book:03},"Book, no. {book}"' for book in range(160)]
    (directory / "titles.csv").write_text("\n".join(["isbn,title", *titles]) + "\n")
    return directory


@pytest.fixture(scope="module")
def staged(books: Path, hanji: Hanji) -> Path:
    """The output directories trained/, compressed/ and bundle/ of the three commands."""
    recipe = books / "books.toml"
    for arguments in (
        ("train", recipe, "--data", books, "--out", books / "trained"),
        ("compress", books / "trained", "--recipe", recipe, "--data", books, "--out", books / "compressed"),
        ("export", books / "compressed", "--out", books / "bundle", "--formats", "tflite,onnx"),
    ):
        done = hanji(*arguments)
        assert done.returncode == 0, done.stderr
        (books / f"{arguments[0]}.txt").write_text(done.stdout)
    return books


def test_training_and_the_model_card_name_the_protocols_of_their_metrics(staged: Path, hanji: Hanji) -> None:
    sampled, full = (staged / "train.txt").read_text().splitlines()[:2]
    assert re.fullmatch(r"leave-one-out, 99 sampled negatives, .*: hr_at_10 0\.\d{4}, ndcg_at_10 .*", sampled)
    assert re.fullmatch(
        r"leave-one-out, all \d+ items .*: hr_at_10 .*, mrr 0\.\d{4}, coverage_at_10 .*", full
    )
    card = (staged / "bundle" / "MODEL_CARD.md").read_text(encoding="utf-8")
    found = hanji("evaluate", staged / "bundle", "--data", staged, "--protocol", "full", "--json")
    measured = json.loads(found.stdout)
    table = card.split(f"Full ranking: {measured['protocol']}.")[1]
    listed = dict(re.findall(r"\| (\w+) \| [\d.]+ \| ([\d.]+) \|", table))
    for name, value in listed.items():
        assert float(value) == pytest.approx(measured[name], abs=0.02)
    assert set(listed) == {"hr_at_10", "ndcg_at_10", "mrr", "coverage_at_10"}


def test_the_bundle_uses_the_ids_of_the_data(staged: Path, hanji: Hanji) -> None:
    excluded = ["isbn-000", "isbn-001"]
    done = hanji(
        "recommend", staged / "bundle", "--user", "reader-7", "--exclude", ",".join(excluded), "--json"
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert len(result["items"]) == 10
    assert result["items"][0]["title"].startswith("Book, no. ")
    assert not {row["item"] for row in result["items"]} & set(excluded)


def test_evaluate_rebuilds_the_split_from_the_manifest(staged: Path, hanji: Hanji) -> None:
    done = hanji("evaluate", staged / "bundle", "--data", staged, "--json")
    assert done.returncode == 0, done.stderr
    assert 0.0 < json.loads(done.stdout)["hr_at_10"] <= 1.0


def test_evaluating_on_other_data_is_an_error(staged: Path, hanji: Hanji, tmp_path: Path) -> None:
    (tmp_path / "titles.csv").write_text((staged / "titles.csv").read_text())
    (tmp_path / "loans.csv").write_text((staged / "loans.csv").read_text().replace("isbn-1", "other-1"))
    done = hanji("evaluate", staged / "bundle", "--data", tmp_path)
    assert_one_error(done.returncode, done.stderr, "does not know")


def test_an_unknown_user_gets_items_marked_as_ranked_by_popularity(staged: Path, hanji: Hanji) -> None:
    done = hanji("recommend", staged / "bundle", "--user", "no-such-reader", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["source"] == "popularity"


@pytest.fixture(scope="module")
def built(books: Path, hanji: Hanji, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output directory of `hanji build`, which runs all stages."""
    out = tmp_path_factory.mktemp("built") / "out"
    done = hanji("build", books / "books.toml", "--data", books, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_a_repeated_build_reuses_finished_stages(books: Path, built: Path, hanji: Hanji) -> None:
    hashes = (built / "bundle" / "manifest.sha256").read_text()
    seconds = json.loads((built / "report.json").read_text())["seconds"]
    again = hanji("build", books / "books.toml", "--data", books, "--out", built)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("reusing the model that was") == 2
    found = json.loads((built / "report.json").read_text())["seconds"]
    assert (found["train"], found["compress"]) == (seconds["train"], seconds["compress"])
    assert (built / "bundle" / "manifest.sha256").read_text() == hashes


def test_the_same_seed_builds_the_same_bundle(books: Path, built: Path, hanji: Hanji, tmp_path: Path) -> None:
    done = hanji("build", books / "books.toml", "--data", books, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    manifests = [out / "bundle" / "manifest.json" for out in (built, tmp_path / "out")]
    assert manifests[0].read_bytes() == manifests[1].read_bytes()


def test_ctrl_c_in_training_prints_one_line_and_leaves_no_partial_output(books: Path, tmp_path: Path) -> None:
    text = (books / "books.toml").read_text().replace("epochs = 3", "epochs = 10000\npatience = 10000")
    (tmp_path / "long.toml").write_text(text)
    out = tmp_path / "trained"
    command = [sys.executable, "-m", "hanji.runtime.cli", "train", tmp_path / "long.toml", "--data", books]
    process = subprocess.Popen(
        [*map(str, command), "--out", str(out)],
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts background processes with this signal ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    checkpoint = tmp_path / "trained.checkpoints" / "training-neumf.npz"
    for _ in range(1800):  # TensorFlow starts slowly on a busy machine
        if checkpoint.exists():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, output = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in output
    assert "hanji: error: interrupted; run the same command again" in output.splitlines()[-1]
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (("embedding_size = 8", "embeding_size = 8"), ["embeding_size", "did you mean"]),
        (('format = "csv"', 'format = "xlsx"'), ["data.format", "xlsx", "movielens-1m"]),
        (('user_column = "reader"', 'user_column = "who"'), ["who", "reader"]),
        (('scheme = "int8-qat"', 'scheme = "int3"'), ["scheme", "int3"]),
    ],
)
def test_an_invalid_recipe_is_rejected_before_any_stage_starts(
    books: Path,
    tmp_path: Path,
    change: tuple[str, str],
    parts: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    invalid = tmp_path / "invalid.toml"
    invalid.write_text((books / "books.toml").read_text().replace(*change))
    code = main(["build", str(invalid), "--data", str(books), "--out", str(tmp_path / "out")])
    assert_one_error(code, capsys.readouterr().err, *parts)
    assert not (tmp_path / "out").exists()


def test_a_history_model_has_no_policy_for_unknown_users(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "history.toml"
    recipe.write_text(
        'name = "h"\n[data]\nformat = "synthetic"\n[model]\ntype = "history"\n'
        '[export]\nunknown_user = "error"\n'
    )
    code = main(["build", str(recipe), "--out", str(tmp_path / "out")])
    assert_one_error(code, capsys.readouterr().err, "export.unknown_user", "which has no users")


def test_an_output_path_that_cannot_be_written_is_an_error(
    staged: Path, hanji: Hanji, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    done = hanji(
        "export", staged / "compressed", "--out", tmp_path / "file" / "bundle", "--formats", "tflite"
    )
    assert_one_error(done.returncode, done.stderr, "file")


def test_a_full_disk_is_an_error_and_leaves_no_partial_output(
    staged: Path, hanji: Hanji, tmp_path: Path
) -> None:
    import resource

    def small_files_only() -> None:
        # Writes beyond 2 kB fail with an OSError, as on a full disk (Python ignores SIGXFSZ).
        resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))

    out = tmp_path / "bundle"
    done = hanji(
        "export", staged / "compressed", "--out", out, "--formats", "onnx", preexec_fn=small_files_only
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("hanji: error: ")
    assert list(tmp_path.iterdir()) == []


def assert_one_error(code: int, stderr: str, *parts: str) -> None:
    """Assert exit code 1 and a one-line error message, without a traceback."""
    assert code == 1, stderr
    assert "Traceback" not in stderr
    last = stderr.strip().splitlines()[-1]
    assert last.startswith("hanji: error: ")
    for part in parts:
        assert part in last
