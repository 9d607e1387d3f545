"""Signs an APK with a temporary debug key.

The signature only shows that the file was not modified. To publish an APK, sign it with your own key by
`apksigner sign`.
"""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

from tools import run

_SUBJECT = "CN=hanji debug, O=throw-away key"
_ALIAS = "debug"


def sign(unsigned: Path, target: Path, min_sdk: int) -> None:
    """Sign ``unsigned`` and write it to ``target`` (schemes v2 and v3; v1 is for Android before 7)."""
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "debug.p12"
        password = Path(folder) / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_hex(16))
        _make_key(keys, password)
        options = ["--ks", str(keys), "--ks-key-alias", _ALIAS, "--ks-pass", f"file:{password}"]
        schemes = [
            "--v1-signing-enabled",
            "false",
            "--v2-signing-enabled",
            "true",
            "--v4-signing-enabled",
            "false",
        ]
        minimum = ["--min-sdk-version", str(min_sdk)]
        run(["apksigner", "sign", *options, *schemes, *minimum, "--out", str(target), str(unsigned)])


def _make_key(keys: Path, password: Path) -> None:
    store = ["-keystore", str(keys), "-storetype", "PKCS12", "-storepass:file", str(password)]
    kind = ["-alias", _ALIAS, "-keyalg", "RSA", "-keysize", "2048", "-validity", "10000", "-dname", _SUBJECT]
    run(["keytool", "-genkeypair", "-noprompt", *store, *kind])
