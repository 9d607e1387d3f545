"""Texts of data reach a terminal, a log, HTML, Markdown and spreadsheets as texts, and nothing else."""

from __future__ import annotations

import csv
import io
import json
import logging
import warnings
from pathlib import Path

import numpy as np
import pytest

from hanji.export.bundle.markdown import code, plain
from hanji.runtime import cli
from hanji.runtime.terminal import print_json, print_lines
from hanji.studies.files import csv_of
from hanji.training.markup import text
from hanji.training.progress import _Stderr

HARMFUL = "\x1b]0;t\x07\x1b[31m\x9b2J\u202e\u2066\x85x"
EVIL = f"<script>alert('1')</script>\"{HARMFUL}"
Capture = pytest.CaptureFixture[str]


def assert_clean(output: str) -> None:
    assert all(line.isprintable() for line in output.split("\n")), ascii(output)


def test_the_one_place(capsys: Capture) -> None:
    print_lines(HARMFUL, "a\nb")
    print_lines(HARMFUL, to_stderr=True)
    print_json({HARMFUL: HARMFUL})
    output = capsys.readouterr()
    assert_clean(output.out + output.err)
    lines = output.out.split("\n", 2)
    assert lines[1] == "a\ufffdb"
    assert json.loads(lines[2]) == {HARMFUL: HARMFUL}


def test_the_log(capsys: Capture) -> None:
    record = logging.LogRecord("hanji", logging.WARNING, "x", 1, f"{HARMFUL}\nnext", None, None)
    _Stderr().emit(record)
    error = capsys.readouterr().err
    assert_clean(error)
    assert error.endswith("\nnext\n")


def test_warnings_of_other_libraries(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def warn(_: object) -> int:
        warnings.warn(HARMFUL, UserWarning, stacklevel=1)
        return 0

    monkeypatch.setattr("hanji.runtime.commands.info.run", warn)
    assert cli.main(["info", "bundle"]) == 0
    error = capsys.readouterr().err
    assert "UserWarning" in error
    assert_clean(error)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_data_check_of_ratings(tmp_path: Path, capsys: Capture, options: list[str]) -> None:
    # The 30 most popular films are listed; a line end inside quotes is part of a title.
    rows = [f"{user},{item}\n" for user in range(20) for item in range(40) if (user + item) % 3]
    (tmp_path / "ratings.csv").write_text("user,item\n" + "".join(rows))
    titles = [f'{item},"{EVIL.replace(chr(34), chr(34) * 2)}{item}",{HARMFUL}|x\n' for item in range(40)]
    (tmp_path / "items.csv").write_text("item,title,genres\n" + "".join(titles))
    recipe = tmp_path / "r.toml"
    recipe.write_text(
        'name = "x"\n[data]\nname = "\\u001b[31m\\u009b\\u202e"\nformat = "table"\n'
        'ratings = "ratings.csv"\nitems = "items.csv"\n'
    )
    page = tmp_path / "page.html"
    command = ["data", "check", str(tmp_path), "--recipe", str(recipe), "--html", str(page), *options]
    assert cli.main(command) == 0
    output = capsys.readouterr()
    assert_clean(output.out)
    assert "[31m" in output.out
    html = page.read_text()
    assert "<script" not in html
    assert not any(mark in html for mark in "\x1b\x9b\u202e\u2066")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_data_check_of_images(tmp_path: Path, capsys: Capture, options: list[str]) -> None:
    image = pytest.importorskip("PIL.Image")
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(12):
            image.fromarray(np.full((8, 8), number, np.uint8)).save(tmp_path / label / f"{number}.png")
    (tmp_path / "a" / "\x1b[31m\u202e.png").write_bytes(b"x")
    (tmp_path / "a" / "\x1b[31m\u202e.\x9bpdf").write_bytes(b"x")
    assert cli.main(["data", "check", str(tmp_path), *options]) == 0
    output = capsys.readouterr()
    assert_clean(output.out + output.err)
    assert "[31m" in output.out


def test_html() -> None:
    assert "<" not in text(EVIL)
    assert '"' not in text(EVIL)
    assert "'" not in text(EVIL)
    assert not any(mark in text(EVIL) for mark in "\x1b\x9b\u202e\u2066")


def test_markdown() -> None:
    for given, expected in {
        "<b>[a](http://x)": r"\<b\>\[a\](http\://x)",
        "![i](u) `c` *e* _e_ ~~s~~ &lt; $x$": r"\!\[i\](u) \`c\` \*e\* \_e\_ \~\~s\~\~ \&lt; \$x\$",
        "www.a.example, a@b.example, @name, #1": r"www\.a.example, a\@b.example, \@name, \#1",
        "| a\\": r"\| a\\",
        "two\n# lines": r"two \# lines",
        "Films 1990–2000: all (CC BY 4.0)": "Films 1990–2000: all (CC BY 4.0)",
        "\x1b[31m": "\ufffd\\[31m",
    }.items():
        assert plain(given) == expected
    assert code("a") == "`a`"
    assert code("`a``b\n") == "``` `a``b ```"
    assert_clean(plain(HARMFUL) + code(HARMFUL))


def test_csv() -> None:
    rows = [
        {
            **dict.fromkeys(("metrics", "against_full", "formats", "latency", "likeness")),
            **dict.fromkeys(("parameters", "non_zeros", "macs", "peak_bytes"), -5),
            **{"name": name, "status": "done", "reason": "", "cold_start_ms": -1.5, "seconds": {}},
        }
        for name in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "small - int8", "a=b")
    ]
    lines = list(csv.DictReader(io.StringIO(csv_of({"rows": rows}))))
    names = [line["name"] for line in lines]
    assert names[:4] == ["'=1+1", "'+1", "'-1", "'@SUM(A1)"]
    assert names[4:] == ["'=1", "'=1", "small - int8", "a=b"]
    assert {line["macs"] for line in lines} == {"-5"}
    assert {line["cold_start_ms"] for line in lines} == {"-1.5"}
