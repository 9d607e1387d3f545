"""The memory that may be used: limits, sizes of batches, and refusals."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from hanji.runtime.cli import main
from hanji.training import memory
from hanji.training.commands.memory import add_memory_option, memory_limit_of
from hanji.training.errors import DataError, RecipeError
from hanji.training.memory import available_memory, expect_memory, memory_limit, rows_in_batch

GB = 10**9


def test_a_limit_counts_what_the_process_already_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_resident_bytes", lambda: 300)
    monkeypatch.setattr(memory, "_free_memory", lambda: 5_000)
    with memory_limit(1_000):
        assert available_memory() == 700
        with memory_limit(None):
            assert available_memory() == 700
    with memory_limit(100):
        assert available_memory() == 0


def test_the_environment_sets_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_resident_bytes", lambda: 0)
    monkeypatch.setenv("HANJI_MEMORY", "64KiB")
    assert available_memory() == 65_536
    monkeypatch.setenv("HANJI_MEMORY", "much")
    with pytest.raises(RecipeError, match=r"HANJI_MEMORY.*such as 100KB"):
        available_memory()


@pytest.mark.parametrize(
    ("folder", "files", "left"),
    [
        (
            "",
            {"memory.max": "1000", "memory.current": "800", "memory.stat": "anon 1\ninactive_file 300"},
            500,
        ),
        ("", {"memory.max": "max", "memory.current": "800"}, None),
        ("memory", {"memory.limit_in_bytes": "1000", "memory.usage_in_bytes": "400"}, 600),
        ("", {}, None),
    ],
)
def test_a_control_group_limits_memory(
    tmp_path: Path, folder: str, files: dict[str, str], left: int | None
) -> None:
    group = tmp_path / folder
    group.mkdir(exist_ok=True)
    for name, content in files.items():
        (group / name).write_text(content + "\n")
    assert memory._left(group) == left


def test_batches_are_a_part_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 16_000)
    assert rows_in_batch(10) == 100
    assert rows_in_batch(10, most=7) == 7
    assert rows_in_batch(10, largest=50) == 5
    assert rows_in_batch(10**9) == 1


def test_a_refusal_states_numbers_and_what_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 2 * GB)
    expect_memory(GB, "a table", "use a smaller one")
    with pytest.raises(
        DataError, match=r"a table needs about 3\.0 GB of memory, but 2\.0 GB may be used; use"
    ):
        expect_memory(3 * GB, "a table", "use a smaller one")


def test_the_option_is_refused_for_classifiers() -> None:
    parser = argparse.ArgumentParser()
    add_memory_option(parser)
    args = parser.parse_args(["--memory", "2GB"])
    assert args.memory == 2 * GB
    with pytest.raises(RecipeError, match="--memory is for"), memory_limit_of(args, "image-classification"):
        pass


def test_memory_that_runs_out_is_an_error_without_a_traceback() -> None:
    args = argparse.Namespace(memory=None)
    with pytest.raises(DataError, match="Unable to allocate 5 GiB"), memory_limit_of(args, "recommendation"):
        raise MemoryError("Unable to allocate 5 GiB")


def test_a_command_refuses_what_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('name = "x"\n[data]\nsynthetic_users = 20\nsynthetic_items = 300\n')
    assert main(["baselines", str(recipe), "--memory", "1MB"]) == 1
    error = capsys.readouterr().err
    assert "fewer factors" in error and "--memory" in error
    assert "Traceback" not in error
    assert memory._limit is None
