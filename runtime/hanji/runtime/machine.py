"""Hardware and system information, and current CPU frequency, temperature and throttling.

Read from Linux's /proc and /sys without special privileges. Values that a device does not report are None.
"""

from __future__ import annotations

import math
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")
_CPU = "sys/devices/system/cpu/cpu0"
_FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"
_ARM_CORES = {"0xb76": "ARM1176", "0xc07": "Cortex-A7", "0xd03": "Cortex-A53"}
_ARM_CORES |= {"0xd08": "Cortex-A72", "0xd0b": "Cortex-A76"}
"""Raspberry Pi cores by Arm part number: on Arm, Linux reports only the number."""
_THROTTLED = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
"""Bits reported by the Raspberry Pi firmware: now; 16 bits higher: since boot."""
_CPU_ZONES = ("cpu", "soc", "pkg")
_MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class Throttling:
    """Reasons for CPU throttling: active ``now``, and at any time since boot."""

    now: tuple[str, ...]
    since_boot: tuple[str, ...]


@dataclass(frozen=True)
class MachineState:
    """State that changes while a benchmark runs. ``load_average`` is over the last minute."""

    frequency_mhz: float | None
    temperature_celsius: float | None
    throttling: Throttling | None
    load_average: float | None


@dataclass(frozen=True)
class Machine:
    """Static properties. ``usable_cores`` is the number of cores in this process's CPU affinity."""

    board: str | None
    cpu: str | None
    architecture: str | None
    logical_cores: int | None
    usable_cores: int | None
    governor: str | None
    min_frequency_mhz: float | None
    max_frequency_mhz: float | None
    memory_bytes: int | None
    system: str | None
    kernel: str | None
    libc: str | None


def machine(root: Path = ROOT) -> Machine:
    """Describe this machine; ``root`` is the directory that contains proc, sys and etc."""
    return Machine(
        board=_text(root / "proc/device-tree/model") or _fields(root / "proc/cpuinfo").get("Model"),
        cpu=_cpu(root),
        architecture=platform.machine() or None,
        logical_cores=os.cpu_count(),
        usable_cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        governor=_text(root / _CPU / "cpufreq/scaling_governor"),
        min_frequency_mhz=_scaled(root / _CPU / "cpufreq/cpuinfo_min_freq", 1e3),
        max_frequency_mhz=_scaled(root / _CPU / "cpufreq/cpuinfo_max_freq", 1e3),
        memory_bytes=_memory_bytes(root),
        system=_system(root),
        kernel=platform.release() or None,
        libc=_libc(),
    )


def machine_state(root: Path = ROOT) -> MachineState:
    """The current state of the machine."""
    return MachineState(
        frequency_mhz=_frequency_mhz(root),
        temperature_celsius=_temperature_celsius(root),
        throttling=_throttling(root),
        load_average=_load_average(),
    )


def _cpu(root: Path) -> str | None:
    fields = _fields(root / "proc/cpuinfo")
    if "model name" in fields:
        return fields["model name"]
    if "CPU part" not in fields:
        return fields.get("cpu model") or fields.get("uarch")
    implementer, part = fields.get("CPU implementer", "?"), fields["CPU part"].lower()
    if implementer == "0x41" and part in _ARM_CORES:
        return f"Arm {_ARM_CORES[part]}"
    return f"implementer {implementer} part {part}"


def _frequency_mhz(root: Path) -> float | None:
    current = _scaled(root / _CPU / "cpufreq/scaling_cur_freq", 1e3)
    return current or _number(_fields(root / "proc/cpuinfo").get("cpu MHz")) or None


def _temperature_celsius(root: Path) -> float | None:
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        kind = (_text(zone / "type") or "").lower()
        if any(name in kind for name in _CPU_ZONES):
            return _scaled(zone / "temp", 1e3)
    return None


def _throttling(root: Path) -> Throttling | None:
    reported = _text(root / _FIRMWARE) or _vcgencmd()
    if reported is None:
        return None
    try:
        bits = int(reported.rpartition("=")[2], 16)
    except ValueError:
        return None
    now = tuple(name for bit, name in _THROTTLED.items() if bits >> bit & 1)
    return Throttling(now, tuple(name for bit, name in _THROTTLED.items() if bits >> bit + 16 & 1))


def _vcgencmd() -> str | None:
    """Output of the Raspberry Pi's vcgencmd, or None if it is not installed or fails."""
    command = shutil.which("vcgencmd")
    if command is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603
            [command, "get_throttled"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _load_average() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def _memory_bytes(root: Path) -> int | None:
    return _kilobytes(_fields(root / "proc/meminfo").get("MemTotal"))


def _system(root: Path) -> str | None:
    for line in (_text(root / "etc/os-release") or "").splitlines():
        name, _, value = line.partition("=")
        if name == "PRETTY_NAME":
            return value.strip("\"'") or None
    return platform.system() or None


def _libc() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):  # not glibc, or not POSIX
        return None


def _fields(path: Path) -> dict[str, str]:
    """Parse ``name: value`` lines; for repeated names, such as those of each core, the first counts."""
    found: dict[str, str] = {}
    for line in (_text(path) or "").splitlines():
        name, colon, value = line.partition(":")
        if colon and value.strip():
            found.setdefault(name.strip(), value.strip())
    return found


def _text(path: Path) -> str | None:
    """Content of a small system file, or None if it is missing, empty or not readable."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_BYTES)
    except OSError:
        return None
    return content.decode("utf-8", "replace").strip("\0 \t\r\n") or None


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _scaled(path: Path, divisor: float) -> float | None:
    """A number in a file divided by ``divisor``; None for 0, which invalid sensors report."""
    found = _number(_text(path))
    return found / divisor if found else None


def _kilobytes(text: str | None) -> int | None:
    """Bytes of a value such as "1764 kB"; None for a missing or zero value."""
    return int(_number((text or "").removesuffix("kB").strip()) or 0) * 1024 or None
