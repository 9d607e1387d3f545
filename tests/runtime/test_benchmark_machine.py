"""Machine information, read from simulated devices."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hanji.runtime import machine as module
from hanji.runtime.benchmarks.session import resident_bytes
from hanji.runtime.machine import Throttling, machine, machine_state

PI_4 = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/cpuinfo": "CPU implementer\t: 0x41\nCPU part\t: 0xd08\n\nCPU part\t: 0xd03\n",
    "proc/meminfo": "MemTotal:        3885388 kB\nMemFree: 1 kB\n",
    "etc/os-release": 'NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_min_freq": "600000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "1500000\n",
    "sys/class/thermal/thermal_zone0/type": "battery\n",
    "sys/class/thermal/thermal_zone0/temp": "21000\n",
    "sys/class/thermal/thermal_zone1/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone1/temp": "48199\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
}


def device(root: Path, contents: dict[str, str]) -> Path:
    for name, content in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


@pytest.fixture(autouse=True)
def without_vcgencmd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def test_a_raspberry_pi(tmp_path: Path) -> None:
    found = machine(device(tmp_path, PI_4))
    assert (found.board, found.cpu) == ("Raspberry Pi 4 Model B Rev 1.4", "Arm Cortex-A72")
    assert (found.governor, found.min_frequency_mhz, found.max_frequency_mhz) == ("ondemand", 600, 1500)
    assert found.memory_bytes == 3885388 * 1024
    assert found.system == "Debian GNU/Linux 12 (bookworm)"
    state = machine_state(tmp_path)
    assert (state.frequency_mhz, state.temperature_celsius) == (1500, 48.199)
    assert state.throttling == Throttling(
        now=("under-voltage", "throttled"), since_boot=("under-voltage", "throttled")
    )


def test_missing_values_are_none(tmp_path: Path) -> None:
    found, state = machine(tmp_path), machine_state(tmp_path)
    assert (found.board, found.cpu, found.governor, found.memory_bytes) == (None,) * 4
    assert (found.min_frequency_mhz, found.max_frequency_mhz) == (None, None)
    assert (state.frequency_mhz, state.temperature_celsius, state.throttling) == (None,) * 3


@pytest.mark.parametrize("content", ["", "\0", "0", "nan", "<unsupported>", "-"])
def test_invalid_values_are_none(tmp_path: Path, content: str) -> None:
    root = device(
        tmp_path, {name: content for name in PI_4 if "sys/" in name} | {"proc/meminfo": "MemTotal: 0 kB"}
    )
    state = machine_state(root)
    assert (state.frequency_mhz, state.temperature_celsius) == (None, None)
    assert machine(root).memory_bytes is None
    assert machine(root).max_frequency_mhz is None


def test_an_unknown_arm_core_is_identified_by_number(tmp_path: Path) -> None:
    root = device(tmp_path, {"proc/cpuinfo": "CPU implementer\t: 0x51\nCPU part\t: 0x800\n"})
    assert machine(root).cpu == "implementer 0x51 part 0x800"


def test_a_pc(tmp_path: Path) -> None:
    root = device(tmp_path, {"proc/cpuinfo": "model name\t: Intel(R) Xeon(R)\ncpu MHz\t\t: 2600.000\n"})
    assert machine(root).cpu == "Intel(R) Xeon(R)"
    assert machine_state(root).frequency_mhz == 2600


def test_vcgencmd_is_used_if_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "bin" / "vcgencmd"
    command.parent.mkdir()
    monkeypatch.setattr(module, "_FIRMWARE", "nowhere")
    for script, expected in (
        ("echo throttled=0x80000", Throttling((), ("soft temperature limit",))),
        ("echo throttled=0x0", Throttling((), ())),
        ("echo error; exit 1", None),
        ("echo nonsense", None),
    ):
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)
        assert machine_state(tmp_path).throttling == expected


def test_this_machine() -> None:
    found = machine()
    assert found.logical_cores == os.cpu_count()
    assert found.usable_cores is None or 1 <= found.usable_cores <= (found.logical_cores or 1)


def test_resident_memory(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tx\nVmHWM:\t    3000 kB\nVmRSS:\t    2000 kB\nRssAnon:\t       0 kB\n")
    assert resident_bytes(status) == {"resident": 2048000, "anonymous": None, "peak": 3072000}
    unknown = dict.fromkeys(("resident", "anonymous", "peak"))
    assert resident_bytes(tmp_path / "nothing") == unknown
    status.write_text("VmRSS:\tmuch\n")
    assert resident_bytes(status) == unknown
