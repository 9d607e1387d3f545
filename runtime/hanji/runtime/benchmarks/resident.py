"""Memory of this process as reported by Linux. Imports almost nothing, to keep its own footprint small."""

from __future__ import annotations

from pathlib import Path

STATUS = Path("/proc/self/status")
_FIELDS = {b"VmRSS": "resident", b"RssAnon": "anonymous", b"VmHWM": "peak"}


def resident_bytes(status: Path = STATUS) -> dict[str, int | None]:
    """Current ``resident`` bytes, the ``anonymous`` part of them (not backed by a file), and the ``peak``
    since the process started; None for values that the system does not report.
    """
    found: dict[str, int | None] = dict.fromkeys(_FIELDS.values())
    try:
        lines = status.read_bytes().splitlines()
    except OSError:
        return found
    for line in lines:
        name, _, value = line.partition(b":")
        amount = value.removesuffix(b"kB").strip()
        if name in _FIELDS and amount.isdigit():
            found[_FIELDS[name]] = int(amount) * 1024 or None
    return found
