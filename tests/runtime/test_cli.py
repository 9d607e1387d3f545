"""The `hanji` command on a device."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hanji.runtime import Recommender, __version__, cli
from hanji.runtime.commands import _shared, info, verify
from hanji.runtime.engines import choice

pytestmark = pytest.mark.usefixtures("commands")
Capture = pytest.CaptureFixture[str]
DEVICE_COMMANDS = ["benchmark", "classify", "info", "recommend", "verify"]


def hanji(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


def fails(capsys: Capture, *arguments: object) -> str:
    """Run a command that must fail with exit code 1, and return its one line on stderr."""
    assert hanji(*arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("hanji: error: ")
    assert error.endswith("\n")
    assert error.count("\n") == 1
    return error


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_help_lists_the_commands(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # Python 3.13 wraps at hyphens
    with pytest.raises(SystemExit) as stopped:
        hanji("--help")
    assert stopped.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for help_text in (info.HELP, verify.HELP):
        assert help_text in text


@pytest.mark.parametrize("name", DEVICE_COMMANDS)
def test_each_command_has_help_with_an_example(capsys: Capture, name: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        hanji(name, "--help")
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert f"example:\n  hanji {name} " in text
    assert "--json" in text


def test_version(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stopped:
        hanji("--version")
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"hanji {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["info"],
        ["recommend", "b"],
        ["recommend", "b", "--user", "1", "--history", "2"],
        ["recommend", "b", "--history", "1", "--history-file", "f"],
        ["recommend", "b", "--history", "1", "--diversity", "much"],
        ["info", "b", "--nonsense"],
        ["recommend", "b", "--user", "1", "--engine", "nonsense"],
    ],
)
def test_usage_errors_exit_with_2(capsys: Capture, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        hanji(*arguments)
    assert stopped.value.code == 2
    assert "usage: hanji" in capsys.readouterr().err


def test_only_the_command_that_runs_is_loaded(monkeypatch: pytest.MonkeyPatch, onnx_bundle: Path) -> None:
    loaded = []
    load = importlib.metadata.EntryPoint.load

    def record(entry: importlib.metadata.EntryPoint) -> Any:
        loaded.append(entry.name)
        return load(entry)

    monkeypatch.setattr(importlib.metadata.EntryPoint, "load", record)
    assert hanji("info", onnx_bundle) == 0
    assert loaded == ["info"]


def test_help_imports_no_engine() -> None:
    program = (
        "import sys; from hanji.runtime import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'ai_edge_litert', 'onnxruntime', 'tensorflow', 'onnx', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_no_commands_are_installed(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr(cli, "GROUP", "hanji.nothing")
    assert "no command is installed; try: pip install" in fails(capsys, "info", "bundle")


def test_info(capsys: Capture, bundle: Path) -> None:
    assert hanji("info", bundle) == 0
    text = capsys.readouterr().out
    for part in ("synthetic data", "tflite", "onnx", "hr_at_10", "0.7000", "quantize", "litert ≥ 2.0.0"):
        assert part in text


def test_info_without_synthetic_data_and_parity(
    capsys: Capture, make_parts: Callable[..., Any], tmp_path: Path
) -> None:
    parts = make_parts("onnx")
    parts.manifest["training_data"]["synthetic"] = False
    parts.manifest["artifacts"][0]["parity"] = {"checked": False, "reason": "Node.js was not found"}
    assert hanji("info", parts.write(tmp_path / "bundle")) == 0
    text = capsys.readouterr().out
    assert "synthetic data" not in text
    assert "not checked: Node.js was not found" in text


def test_info_shows_the_input(capsys: Capture, onnx_bundle: Path, onnx_history_bundle: Path) -> None:
    assert hanji("info", onnx_bundle) == 0
    text = capsys.readouterr().out
    assert "takes         the id of one of 20 users" in text
    assert "unknown user  popularity" in text
    assert hanji("info", onnx_history_bundle) == 0
    text = capsys.readouterr().out
    assert "takes         the user's interaction history; no user table" in text
    assert "unknown user" not in text
    assert hanji("info", onnx_history_bundle, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["takes"], result["manifest"]["users"]) == ("history", None)


def test_info_as_json(capsys: Capture, onnx_bundle: Path) -> None:
    assert hanji("info", onnx_bundle, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["manifest"]["training_data"]["synthetic"] is True
    assert len(result["manifest_sha256"]) == 64
    assert [(engine["name"], engine["ready"]) for engine in result["engines"]] == [
        ("litert", False),
        ("tflite-runtime", False),
        ("onnxruntime", True),
    ]


def test_verify(capsys: Capture, bundle: Path) -> None:
    assert hanji("verify", bundle) == 0
    lines = capsys.readouterr().out.splitlines()
    skipped = [line for line in lines if line.startswith("skipped")]
    assert [line.split()[3] for line in skipped] == ["tflite-runtime"]
    lines = [line for line in lines if line not in skipped]
    assert len(lines) == 1 + 4 + 3 + 2
    assert all(line.startswith("ok") for line in lines)
    assert any("self-test on litert" in line for line in lines)


def test_verify_a_history_bundle(capsys: Capture, history_bundle: Path) -> None:
    assert hanji("verify", history_bundle) == 0
    lines = capsys.readouterr().out.splitlines()
    skipped = [line for line in lines if line.startswith("skipped")]
    assert [line.split()[3] for line in skipped] == ["tflite-runtime"]
    lines = [line for line in lines if line not in skipped]
    assert len(lines) == 1 + 3 + 3 + 2
    assert all(line.startswith("ok") for line in lines)
    assert sum("4 histories, largest difference" in line for line in lines) == 2


def test_verify_reports_all_damaged_files(capsys: Capture, bundle: Path) -> None:
    (bundle / "pairs.onnx").unlink()
    (bundle / "MODEL_CARD.md").write_text("# Another one\n")
    assert hanji("verify", bundle) == 1
    output = capsys.readouterr()
    failed = [line.split()[1] for line in output.out.splitlines() if line.startswith("FAILED")]
    assert failed[:2] == ["MODEL_CARD.md", "pairs.onnx"]
    assert any("ok" in line and "litert" in line for line in output.out.splitlines())
    assert "3 of 11 checks failed, first: MODEL_CARD.md" in output.err


def test_verify_detects_other_outputs(
    capsys: Capture, make_parts: Callable[..., Any], tmp_path: Path, weights: Any
) -> None:
    other = dataclasses.replace(weights, bias=weights.bias + 1)
    path = make_parts("onnx", model=other).write(tmp_path / "bundle")
    assert hanji("verify", path, "--json") == 1
    output = capsys.readouterr()
    result = json.loads(output.out)
    assert result["passed"] is False
    assert [check["name"][:24] for check in result["checks"] if check["passed"] is False] == [
        "self-test on onnxruntime"
    ]
    assert "1 of 10 checks failed, first: self-test on onnxruntime" in output.err


def test_verify_without_an_engine(
    capsys: Capture, onnx_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "installed_version", lambda _: None)
    error = fails(capsys, "verify", onnx_bundle)
    assert "all files are intact, but no engine could run the self-test" in error
    assert "pip install 'hanji-runtime[onnx]'" in error


def test_recommend(capsys: Capture, onnx_bundle: Path) -> None:
    assert hanji("recommend", onnx_bundle, "--user", "103", "-k", "3", "--exclude", "5005,5001") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("3 items for user 103 (onnxruntime ")
    assert "synthetic data" in lines[1]
    assert lines[2].split() == ["rank", "item", "title", "genres", "score"]
    assert lines[3].split()[:7] == ["1", "5011", "Title", "11", "Drama,", "War", "1.0338"]
    assert len(lines) == 6
    assert len({len(line) for line in lines[2:]}) == 1, "columns are aligned"


def test_recommend_as_json(capsys: Capture, onnx_bundle: Path, tmp_path: Path) -> None:
    excluded = tmp_path / "seen.txt"
    excluded.write_text("5011\n\n77\n")
    arguments = [
        "--user",
        103,
        "-k",
        2,
        "--exclude",
        "5005",
        "--exclude",
        "5016,78",
        "--exclude-file",
        excluded,
    ]
    assert hanji("recommend", onnx_bundle, *arguments, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["source"] == "model"
    assert result["synthetic"] is True
    assert result["skipped"] == 2
    assert result["engine"]["name"] == "onnxruntime"
    assert not {5005, 5011, 5016} & {row["item"] for row in result["items"]}
    assert sorted(result["items"][0]) == ["genres", "item", "rank", "score", "title", "why"]


def test_recommend_for_a_history(capsys: Capture, onnx_history_bundle: Path) -> None:
    assert hanji("recommend", onnx_history_bundle, "--history", "5003, 5017, 5008", "-k", "3", "--why") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("3 items for a history of 3 (onnxruntime ")
    assert "synthetic data" in lines[1]
    assert lines[2].split() == ["rank", "item", "title", "genres", "score"]
    reasons = [line for line in lines[3:] if line.startswith("      because of Title ")]
    assert len(lines) == 3 + 3 + len(reasons)
    assert 1 <= len(reasons) <= 3
    assert all(re.search(r"Title (3|17|8) \(\d+%\)", line) for line in reasons)


def test_a_history_that_is_no_list_of_ids_is_refused(
    capsys: Capture, onnx_history_bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("hanji.runtime.commands.recommend._LONGEST", 10)
    path = tmp_path / "history.txt"
    path.write_text("5003\n5017")
    assert hanji("recommend", onnx_history_bundle, "--history-file", path) == 0
    path.write_text("5003\n5017\n")
    assert hanji("recommend", onnx_history_bundle, "--history-file", path) == 1
    assert "history.txt: expected fewer than 10 characters" in capsys.readouterr().err


def test_recommend_for_a_history_as_json(capsys: Capture, onnx_history_bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "history.txt"
    path.write_text("5003\n\n5017 \n77\n5008\n", encoding="utf-8-sig")
    assert hanji("recommend", onnx_history_bundle, "--history-file", path, "-k", 4, "--why", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["user"], result["history"]) == (None, ["5003", "5017", "77", "5008"])
    assert (result["source"], result["skipped"], len(result["items"])) == ("model", 1, 4)
    with Recommender.open(onnx_history_bundle) as recommender:
        expected = recommender.recommend(history=[5003, 5017, 5008], k=4, explain=3)
    assert [row["item"] for row in result["items"]] == [row.item for row in expected]
    assert [row["why"] for row in result["items"]] == [
        [reason._asdict() for reason in row.why] for row in expected
    ]


def test_recommend_with_seen_items_genre_and_diversity(capsys: Capture, onnx_history_bundle: Path) -> None:
    def items(*arguments: object) -> list[dict[str, Any]]:
        history = ["--history", ",".join(str(5000 + index) for index in range(25))]
        assert hanji("recommend", onnx_history_bundle, *history, "-k", 4, *arguments, "--json") == 0
        found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["items"]
        return found

    assert all(row["item"] >= 5025 for row in items())
    assert any(row["item"] < 5025 for row in items("--include-seen"))
    assert all(row["genres"] == ["Drama", "War"] for row in items("--genre", "War", "--include-seen"))
    assert len(items("--genre", "War")) == 3
    spread = items("--include-seen", "--diversity", "0.9")
    assert sum(row["genres"] == ["Drama", "War"] for row in spread) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--user", "103"], "expected history=[ID, …]: this bundle takes the user's history"),
        (
            ["--history", "5001", "--genre", "Horror"],
            "expected one of the bundle's genres (Drama, War), found",
        ),
        (
            ["--history", "5001", "--diversity", "1"],
            "diversity: expected 0 or more and less than 1, found 1.0",
        ),
        (["--history", "5001", "-k", "31"], "k=31: expected 1 to 30"),
        (["--history-file", "/none/such"], "/none/such: No such file or directory"),
    ],
)
def test_errors_of_recommend_for_a_history(
    capsys: Capture, onnx_history_bundle: Path, arguments: list[str], message: str
) -> None:
    assert message in fails(capsys, "recommend", onnx_history_bundle, *arguments)


def test_recommend_for_an_empty_history(capsys: Capture, onnx_history_bundle: Path) -> None:
    assert hanji("recommend", onnx_history_bundle, "--history", "", "-k", "2", "--why") == 0
    text = capsys.readouterr().out
    assert "2 items for a history of 0" in text
    assert "the history contains no known item: ranked by popularity" in text
    assert "because of" not in text


def test_recommend_for_an_unknown_user(capsys: Capture, onnx_bundle: Path) -> None:
    assert hanji("recommend", onnx_bundle, "--user", "nobody", "-k", "2") == 0
    text = capsys.readouterr().out
    assert "user 'nobody' is unknown to this bundle: ranked by popularity" in text
    assert "interactions" in text


def test_control_characters_in_titles_are_replaced(
    capsys: Capture, make_parts: Callable[..., Any], tmp_path: Path
) -> None:
    parts = make_parts("onnx")
    items = json.loads(parts.files["items.json"])
    items["titles"] = ["한지 \x1b[31m\n\ud800"] * 30
    parts.files["items.json"] = json.dumps(items).encode()
    assert hanji("recommend", parts.write(tmp_path / "bundle"), "--user", "100", "-k", "2") == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "한지 \ufffd[31m\ufffd\ufffd" in text
    assert len(text.splitlines()) == 5


def test_wide_titles_are_aligned(capsys: Capture) -> None:
    _shared.print_table([["한지", "1"], ["paper", "2"]])
    assert capsys.readouterr().out == "한지   1\npaper  2\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--user", "103", "-k", "0"], "k=0: expected 1 to 30"),
        (["--user", "103", "-k", "99"], "k=99: expected 1 to 30: the catalogue has 30 items"),
        (["--user", "103", "--threads", "0"], "threads: expected 1 or more, found 0"),
        (["--user", "103", "--engine", "litert"], "litert: the bundle has no artifact for it"),
        (["--user", "103", "--exclude-file", "/none/such"], "/none/such: No such file or directory"),
        (["--history", "5001"], "expected user=ID: this bundle takes the id of a user in its training data"),
        (["--user", "103", "--why"], "this bundle takes a user, not a history"),
    ],
)
def test_errors_of_recommend(capsys: Capture, onnx_bundle: Path, arguments: list[str], message: str) -> None:
    assert message in fails(capsys, "recommend", onnx_bundle, *arguments)


def test_an_exclude_file_that_is_not_text(capsys: Capture, onnx_bundle: Path) -> None:
    error = fails(
        capsys, "recommend", onnx_bundle, "--user", "1", "--exclude-file", onnx_bundle / "model.onnx"
    )
    assert "expected UTF-8 text with one id per line" in error


@pytest.mark.parametrize("name", DEVICE_COMMANDS)
def test_no_bundle(capsys: Capture, tmp_path: Path, name: str) -> None:
    more = {"recommend": ["--user", "1"], "classify": ["photo.jpg"]}.get(name, [])
    assert "expected a bundle directory, found nothing" in fails(capsys, name, tmp_path / "none", *more)


def test_no_permission(capsys: Capture, monkeypatch: pytest.MonkeyPatch, onnx_bundle: Path) -> None:
    def refuse(_: object) -> int:
        raise PermissionError(13, "Permission denied", "/some/file")

    monkeypatch.setattr(info, "run", refuse)
    assert fails(capsys, "info", onnx_bundle) == "hanji: error: /some/file: Permission denied\n"


def test_an_unknown_id_error_is_one_line(
    capsys: Capture, make_parts: Callable[..., Any], tmp_path: Path
) -> None:
    parts = make_parts("onnx")
    parts.manifest["ids"]["users"]["unknown"] = "error"
    error = fails(capsys, "recommend", parts.write(tmp_path / "bundle"), "--user", "nobody")
    assert error.startswith("hanji: error: user 'nobody' is unknown: expected one of")


def test_interrupted(capsys: Capture, monkeypatch: pytest.MonkeyPatch, onnx_bundle: Path) -> None:
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(info, "run", interrupt)
    assert fails(capsys, "info", onnx_bundle) == "hanji: error: interrupted\n"


def test_bugs_are_not_hidden(monkeypatch: pytest.MonkeyPatch, onnx_bundle: Path) -> None:
    def bug(_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(info, "run", bug)
    with pytest.raises(ZeroDivisionError):
        hanji("info", onnx_bundle)


def run_into(stdout: Any, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hanji.runtime.cli", *map(str, arguments)]
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, env=environment()
    )


def test_a_broken_pipe_is_quiet(onnx_bundle: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run_into(writing, "info", onnx_bundle, "--json")
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk(onnx_bundle: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = run_into(full, "info", onnx_bundle)
    assert (done.returncode, done.stderr) == (1, "hanji: error: No space left on device\n")


def test_a_terminal_without_unicode(onnx_bundle: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hanji.runtime.cli", "info", str(onnx_bundle)],
        capture_output=True,
        check=True,
        env={**environment(), "PYTHONIOENCODING": "ascii"},
    )
    assert b"onnxruntime \\u2265 1.17.0" in done.stdout
