"""Repository conventions whose violation would break users without any other test failing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hanji.training.settings import read_toml

ROOT = Path(__file__).parents[2]
STAGES = ("training", "compression", "export", "studies", "runtime")
SOURCES = sorted(path for stage in STAGES for path in (ROOT / stage / "hanji").rglob("*.py"))


@pytest.mark.parametrize("stage", STAGES)
def test_the_namespace_has_no_init(stage: str) -> None:
    assert not (ROOT / stage / "__init__.py").exists()
    assert not (ROOT / stage / "hanji" / "__init__.py").exists()
    assert (ROOT / stage / "hanji" / stage / "__init__.py").exists()
    assert (ROOT / stage / "hanji" / stage / "py.typed").exists()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pickle_and_no_eval(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    modules = {
        alias.name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not names & {"eval", "exec"}
    assert not modules & {"pickle", "shelve", "marshal", "dill", "joblib"}


def test_help_needs_no_tensorflow() -> None:
    code = (
        "import sys; from hanji.runtime.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'tensorflow', 'tf_keras', 'onnxruntime', 'ai_edge_litert'} & set(sys.modules)))"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output.splitlines()[-1] == "[]"
    stages = ("build", "train", "compress", "export", "evaluate", "data", "baselines", "setup-tfjs")
    tools = ("setup-onnx2tf", "profile", "bundle", "debug-quantization", "compare", "search")
    for command in (*stages, *tools, "info", "verify", "recommend", "classify", "watch", "benchmark"):
        assert re.search(rf"\n    {command}\s", output)


def test_lock_files_contain_hashes_and_no_host_names() -> None:
    for lock in [*ROOT.glob("requirements/*.txt"), *ROOT.glob("compression/hanji/**/requirements.txt")]:
        text = lock.read_text()
        assert "http" not in text
        if "==" in text:
            assert text.count("--hash=sha256:") > text.count("==")
    for lock in ROOT.glob("*/**/package-lock.json"):
        if "node_modules" not in lock.parts:
            assert "resolved" not in lock.read_text()


def test_every_dependency_is_justified_in_the_docs() -> None:
    reasons = (ROOT / "docs" / "dependencies.md").read_text()
    for project in ("pyproject.toml", "runtime/pyproject.toml"):
        table = read_toml(ROOT / project)
        listed = table["project"]["dependencies"] + table.get("dependency-groups", {}).get("dev", [])
        for group in table["project"].get("optional-dependencies", {}).values():
            listed += group
        for requirement in listed:
            name = re.split(r"[\[<>=~; ]", requirement)[0]
            assert name in reasons, name


def test_make_targets_in_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert {"demo", "test"} <= named <= targets
