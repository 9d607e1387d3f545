"""manifest.json and the files next to it: the hand-written reader agrees with the published schema."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from hanji.runtime.errors import BundleError, SchemaVersionError
from hanji.runtime.golden import parse_golden
from hanji.runtime.ids import parse_items, parse_users
from hanji.runtime.manifest import reader as manifest_reader
from hanji.runtime.manifest.reader import parse_manifest

from .conftest import with_output

SCHEMA = json.loads((files("hanji.runtime") / "manifest.schema.json").read_text(encoding="utf-8"))
WRONG_NUMBERS: list[Any] = [-1, 0, 1, 1.0, 1.5, 2**31, 2**60]
WRONG_VALUES = [*WRONG_NUMBERS, None, True, False, "", "x", "../x", "a" * 2000, [], [None], [0], {}, {"x": 1}]


@pytest.fixture
def manifest(make_parts: Callable[..., Any], tmp_path: Path) -> dict[str, Any]:
    bundle = make_parts("onnx").write(tmp_path)
    return json.loads((bundle / "manifest.json").read_bytes())  # type: ignore[no-any-return]


@pytest.fixture
def history_manifest(make_history_parts: Callable[..., Any], tmp_path: Path) -> dict[str, Any]:
    bundle = make_history_parts("onnx").write(tmp_path / "history")
    return json.loads((bundle / "manifest.json").read_bytes())  # type: ignore[no-any-return]


@pytest.fixture
def image_manifest(make_image_parts: Callable[..., Any], tmp_path: Path) -> dict[str, Any]:
    bundle = make_image_parts("onnx").write(tmp_path / "pictures")
    return json.loads((bundle / "manifest.json").read_bytes())  # type: ignore[no-any-return]


def schema_accepts(value: object, definition: str = "manifest") -> bool:
    jsonschema = pytest.importorskip("jsonschema")
    schema = {"$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{definition}"}
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


def reader_accepts(value: object) -> bool:
    try:
        parse_manifest(json.dumps(value).encode())
    except BundleError:
        return False
    return True


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a JSON value."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield (*path, key)
        yield from paths_of(child, (*path, key))


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    value = copy.deepcopy(value)
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    change(parent, path[-1])
    return value


def put(parent: Any, key: Any, value: Any) -> None:
    parent[key] = value


def test_the_schema_is_a_valid_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.fixture
def labels_manifest(image_manifest: dict[str, Any]) -> dict[str, Any]:
    return with_output(image_manifest, {"kind": "multi-label", "thresholds": [0.5, 0, 1, 0.3]}, "graph")


@pytest.fixture
def values_manifest(image_manifest: dict[str, Any]) -> dict[str, Any]:
    return with_output(image_manifest, {"kind": "values", "units": ["years", "", "", ""]}, "none")


@pytest.mark.parametrize("kind", ["manifest", "history_manifest", "image_manifest"])
def test_reader_and_schema_agree_on_every_changed_field(
    request: pytest.FixtureRequest, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        manifest_reader, "check_consistency", lambda *_: None
    )  # beyond what a schema can express
    manifest = request.getfixturevalue(kind)
    expect_agreement(manifest, paths_of(manifest))


@pytest.mark.parametrize("kind", ["labels_manifest", "values_manifest"])
def test_reader_and_schema_agree_on_outputs(
    request: pytest.FixtureRequest, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest_reader, "check_consistency", lambda *_: None)
    manifest = request.getfixturevalue(kind)
    parts = [("schema_version",), ("output",), ("artifacts", 0, "parity")]
    found = [path for path in paths_of(manifest) if any(path[: len(part)] == part for part in parts)]
    assert len(found) > 10
    expect_agreement(manifest, found)


def expect_agreement(manifest: dict[str, Any], paths: Iterable[tuple[Any, ...]]) -> None:
    """The reader and the schema accept the same manifests if the value at any of ``paths`` is another one."""
    assert schema_accepts(manifest)
    assert reader_accepts(manifest)
    mismatches = []
    for path in paths:
        variants = [changed(manifest, path, lambda parent, key: parent.__delitem__(key))]
        variants += [changed(manifest, path, partial(put, value=wrong)) for wrong in WRONG_VALUES]
        for variant in variants:
            if schema_accepts(variant) != reader_accepts(variant):
                mismatches.append((path, schema_accepts(variant), variant))
    assert not mismatches, f"{len(mismatches)} mismatches, the first: {mismatches[0]}"


SIGNATURES = ["catalogue", "pairs", "history", "why"]


@pytest.mark.parametrize("names", [names for n in range(5) for names in combinations(SIGNATURES, n)])
@pytest.mark.parametrize("users", [True, False])
def test_valid_combinations_of_signatures(
    manifest: dict[str, Any], history_manifest: dict[str, Any], names: tuple[str, ...], users: bool
) -> None:
    """Either catalogue, optional pairs, and users; or history and optional why."""
    known = {kind: table["artifacts"][0]["signatures"] for kind, table in
             (("users", manifest), ("history", history_manifest))}  # fmt: skip
    both = {**known["users"], **known["history"]}
    mixed = copy.deepcopy(manifest if users else history_manifest)
    mixed["artifacts"][0]["signatures"] = {name: {**both[name], "path": "model.onnx"} for name in names}
    valid = set(names) in ({"catalogue"}, {"catalogue", "pairs"}, {"history"}, {"history", "why"})
    assert schema_accepts(mixed) == valid
    assert reader_accepts(mixed) == (valid and users == ("catalogue" in names))


def test_users_require_a_catalogue_signature(
    manifest: dict[str, Any], history_manifest: dict[str, Any]
) -> None:
    users = manifest["ids"].pop("users")
    with pytest.raises(
        BundleError, match=r"artifacts\[0\]\.signatures: .*found 'catalogue' without ids\.users"
    ):
        parse_manifest(json.dumps(manifest).encode())
    history_manifest["ids"]["users"] = users
    history_manifest["files"].append({"path": "users.json", "bytes": 1, "sha256": "0" * 64})
    with pytest.raises(BundleError, match=r"artifacts\[0\]\.signatures: .*found 'history' with ids\.users"):
        parse_manifest(json.dumps(history_manifest).encode())


def test_the_input_of_a_bundle(manifest: dict[str, Any], history_manifest: dict[str, Any]) -> None:
    assert parse_manifest(json.dumps(manifest).encode()).takes == "user"
    parsed = parse_manifest(json.dumps(history_manifest).encode())
    assert (parsed.takes, parsed.users) == ("history", None)
    history_manifest["ids"]["items"]["count"] = 31
    with pytest.raises(BundleError, match=r"history\.outputs\[0\]\.shape: expected \[31\] .*found \[30\]"):
        parse_manifest(json.dumps(history_manifest).encode())


def test_unknown_fields_are_ignored(manifest: dict[str, Any]) -> None:
    manifest["later"] = {"any": "thing"}
    manifest["artifacts"][0]["later"] = [1]
    assert schema_accepts(manifest)
    assert reader_accepts(manifest)


def test_a_newer_schema_says_to_upgrade(manifest: dict[str, Any]) -> None:
    newer = {"schema_version": 3, "everything": "else is different"}
    with pytest.raises(
        SchemaVersionError, match=r"reads versions 1 and 2, found 3.*pip install --upgrade hanji-runtime"
    ):
        parse_manifest(json.dumps(newer).encode())


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("artifacts", 0, "files", 1, "bytes"), -5, r"artifacts\[0\]\.files\[1\]\.bytes: .*found -5"),
        (
            ("artifacts", 0, "files", 0, "bytes"),
            2**40,
            r"artifacts\[0\]\.files\[0\]\.bytes: expected an integer from",
        ),
        (
            ("files", 0, "sha256"),
            "ABC",
            r"files\[0\]\.sha256: expected 64 lowercase hex digits, found 'ABC'",
        ),
        (("metrics", "full", "hr_at_10"), "good", r"metrics\.full\.hr_at_10: expected a finite number"),
        (("ids", "users", "unknown"), "guess", r"ids\.users\.unknown: expected one of popularity, error"),
        (("training_data", "synthetic"), "yes", r"training_data\.synthetic: expected true or false"),
        (("name",), ["x"], r"manifest\.json: name: expected a string.*found an array of length 1"),
        (("task",), "classification", r"task: expected one of recommendation, image-classification"),
    ],
)
def test_errors_name_the_field(
    manifest: dict[str, Any], path: tuple[Any, ...], value: Any, message: str
) -> None:
    broken = changed(manifest, path, partial(put, value=value))
    with pytest.raises(BundleError, match=message):
        parse_manifest(json.dumps(broken).encode())


@pytest.mark.parametrize(
    "path",
    [
        "/a",
        "../a",
        "a/../../b",
        "a\\b",
        "C:/x",
        "a//b",
        "./a",
        "a/",
        ".a",
        "a\0",
        "a b",
        "a\n",
        "",
        "x" * 256,
    ],
)
def test_paths_that_leave_the_bundle(manifest: dict[str, Any], path: str) -> None:
    manifest["artifacts"][0]["files"][0]["path"] = path
    with pytest.raises(
        BundleError, match=r"artifacts\[0\]\.files\[0\]\.path: expected a relative path inside"
    ):
        parse_manifest(json.dumps(manifest).encode())


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("files", 3, "path"), "model.onnx", "the path 'model.onnx' is listed twice"),
        (("files", 3, "path"), "Users.JSON", "listed twice"),
        (("golden",), "elsewhere.json", "golden: 'elsewhere.json' is not among the bundle's files"),
        (
            ("ids", "users", "path"),
            "model.onnx",
            "ids.users.path: 'model.onnx' is not among the bundle's files",
        ),
        (
            ("artifacts", 0, "signatures", "pairs", "path"),
            "users.json",
            "pairs.path: 'users.json' is not among",
        ),
        (("ids", "items", "count"), 31, r"shape: expected \[31\] \(ids.items.count\), found \[30\]"),
    ],
)
def test_fields_that_contradict_each_other(
    manifest: dict[str, Any], path: tuple[Any, ...], value: Any, message: str
) -> None:
    broken = changed(manifest, path, partial(put, value=value))
    with pytest.raises(BundleError, match=message):
        parse_manifest(json.dumps(broken).encode())


def test_one_artifact_per_format(manifest: dict[str, Any]) -> None:
    manifest["artifacts"] *= 2
    with pytest.raises(BundleError, match="one artifact per format, found onnx, onnx"):
        parse_manifest(json.dumps(manifest).encode())


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"text"', b"null", b"\xff\xfe", b"[" * 100_000, b'{"schema_version": NaN}',
     b'{"schema_version": ' + b"9" * 5000 + b"}", b'{"schema_version": 1e999}'],
    ids=["empty", "cut", "array", "text", "null", "not UTF-8", "deep", "NaN", "huge integer", "huge number"],
)  # fmt: skip
def test_invalid_manifests(content: bytes) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json: "):
        parse_manifest(content)


GOOD_ITEMS: dict[str, list[Any]] = {
    "ids": [1, 2],
    "titles": ["a", "b"],
    "genres": [[], ["x"]],
    "popularity": [0, 5],
}
GOOD_CASE = {"user": 1, "top": [1], "items": [1, 2], "scores": [0.5, -1]}
GOOD_WHY = {"item": 1, "shares": [0.5, 2]}
GOOD_HISTORY = {"history": [1, 2], "top": [1], "items": [1, 2], "scores": [0.5, -1], "why": GOOD_WHY}
GOOD_GOLDEN = {"k": 1, "artifacts": {"onnx": {"tolerance": 0, "cases": [GOOD_CASE]}}}


@pytest.mark.parametrize(
    ("ids", "good"),
    [
        ([1, 2], True), (["1", "2"], True), ([-1, 2**53 - 1], True), (["", "ß"], True), ([1.0, 2], True),
        ([1, "2"], False), ([1, 1], False), (["a", "a"], False), ([1, 2**53], False), ([1.5, 2], False),
        ([True, 2], False), ([None, 1], False), ([[1], 2], False), ({}, False), ("12", False), ([], False),
    ],
)  # fmt: skip
def test_ids(ids: Any, good: bool) -> None:
    assert schema_accepts({"ids": ids}, "users") == good
    content = json.dumps({"ids": ids}).encode()
    if good:
        assert list(parse_users(content, len(ids), "users.json").values) == ids
    else:
        with pytest.raises(BundleError, match=r"users\.json: ids: expected"):
            parse_users(content, 2, "users.json")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ids", [1, 1]),
        ("titles", ["a", 1]),
        ("titles", "ab"),
        ("genres", ["x", "y"]),
        ("genres", [[], [1]]),
        ("genres", [[], None]),
        ("popularity", [0, -1]),
        ("popularity", [0, 1.5]),
        ("popularity", [0, "1"]),
        ("popularity", [0, 2**60]),
        ("popularity", {}),
    ],
)
def test_broken_items(key: str, value: Any) -> None:
    broken = {**GOOD_ITEMS, key: value}
    assert schema_accepts(GOOD_ITEMS, "items")
    assert not schema_accepts(broken, "items")
    with pytest.raises(BundleError, match=rf"items\.json: {key}: expected"):
        parse_items(json.dumps(broken).encode(), 2, "items.json")


@pytest.mark.parametrize("key", ["ids", "titles", "genres", "popularity"])
def test_items_have_one_entry_each(key: str) -> None:
    broken = {**GOOD_ITEMS, key: GOOD_ITEMS[key][:1]}
    with pytest.raises(BundleError, match=rf"{key}: expected 2 entries \(the manifest's count\), found 1"):
        parse_items(json.dumps(broken).encode(), 2, "items.json")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("user", None), ("user", 1.5), ("user", True), ("top", []), ("top", [1.5]), ("items", [1, 1]),
        ("items", [1, None]), ("scores", []), ("scores", [1, "2"]), ("scores", [True, 1]),
    ],
)  # fmt: skip
def test_broken_golden_cases(key: str, value: Any) -> None:
    broken = {"k": 1, "artifacts": {"onnx": {"tolerance": 0, "cases": [{**GOOD_CASE, key: value}]}}}
    assert schema_accepts(GOOD_GOLDEN, "golden")
    assert not schema_accepts(broken, "golden")
    with pytest.raises(BundleError, match=rf"golden\.json: artifacts\.onnx\.cases\[0\]\.{key}: expected"):
        parse_golden(json.dumps(broken).encode())


@pytest.mark.parametrize(
    ("case", "good"),
    [
        (GOOD_HISTORY, True),
        ({key: value for key, value in GOOD_HISTORY.items() if key != "why"}, True),
        ({**GOOD_HISTORY, "why": {**GOOD_WHY, "later": 1}}, True),
        ({**GOOD_HISTORY, "user": 1}, False),
        ({**GOOD_CASE, "why": GOOD_WHY}, False),
        ({key: value for key, value in GOOD_CASE.items() if key != "user"}, False),
        *(({**GOOD_HISTORY, "history": wrong}, False) for wrong in ([], [1, 1], [1, "2"], [1.5], 1, None)),
        *(({**GOOD_HISTORY, "why": wrong}, False) for wrong in ([], None, {}, {"item": 1}, {"shares": [1]})),
        *(({**GOOD_HISTORY, "why": {**GOOD_WHY, "shares": wrong}}, False) for wrong in ([], [True], "1")),
        *(({**GOOD_HISTORY, "why": {**GOOD_WHY, "item": wrong}}, False) for wrong in (None, 1.5, [1], True)),
    ],
)  # fmt: skip
def test_golden_histories(case: dict[str, Any], good: bool) -> None:
    table = {"k": 1, "artifacts": {"onnx": {"tolerance": 0, "cases": [case]}}}
    assert schema_accepts(table, "golden") == good
    if good:
        parsed = parse_golden(json.dumps(table).encode()).artifacts["onnx"].cases[0]
        assert (parsed.user, parsed.history) == (None, (1, 2))
        assert (parsed.why is not None) == ("why" in case)
    else:
        with pytest.raises(
            BundleError, match=r"golden\.json: artifacts\.onnx\.cases\[0\]\.(user|history|why)"
        ):
            parse_golden(json.dumps(table).encode())


@pytest.mark.parametrize(
    "case",
    [
        {**GOOD_CASE, "top": [2]},
        {**GOOD_CASE, "scores": [1.0]},
        {**GOOD_CASE, "top": [1, 2]},
        {**GOOD_HISTORY, "why": {"item": 1, "shares": [1.0]}},
        {**GOOD_HISTORY, "why": {"item": 1, "shares": [1.0, 2, 3]}},
    ],
)
def test_golden_cases_that_contradict_themselves(case: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match=r"cases\[0\]"):
        parse_golden(json.dumps({"k": 1, "artifacts": {"onnx": {"tolerance": 0, "cases": [case]}}}).encode())


def test_a_name_that_occurs_twice_is_refused(manifest: dict[str, Any]) -> None:
    """Readers would differ in which of its values counts."""
    text = json.dumps(manifest)
    for twice in ('{"seed": 1, ' + text[1:], text.replace('"config": {', '"config": {"a": 1, "a": 1, ')):
        with pytest.raises(
            BundleError, match=r"manifest\.json: not a valid JSON file: the key .* occurs twice"
        ):
            parse_manifest(twice.encode())
