"""The device of each worker."""

from __future__ import annotations

import pytest
import tensorflow as tf

from hanji.training.cluster.environment import Cluster
from hanji.training.errors import RecipeError
from hanji.training.fitting import joining


def test_each_worker_of_a_host_uses_its_own_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[list[str]] = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["first", "second"])
    monkeypatch.setattr(tf.config, "set_visible_devices", lambda gpus, kind: used.append(gpus))
    addresses = ("a:1", "a:2", "b:1", "a:3")
    for index in range(3):
        joining._use_one_gpu(Cluster(addresses, index))
    assert used == [["first"], ["second"], ["first"]]
    with pytest.raises(RecipeError, match="at most one worker for each GPU of a host, found 3 workers"):
        joining._use_one_gpu(Cluster(addresses, 3))
