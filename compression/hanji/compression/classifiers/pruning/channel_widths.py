"""How many channels each layer keeps: as near to the fraction as the shapes of a network allow.

Tensors that are added must stay equally wide, and what is cut into groups must stay a multiple of them. Where
the widths of several layers add up to that of another, as in a ShuffleNet, that is a small integer program.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from hanji.compression.classifiers.pruning.channel_graph import ChannelGraph, Shares
from hanji.training.errors import RecipeError

UPWARDS = 1e-3  # of a channel: a half is rounded up


def kept_widths(graph: ChannelGraph, keep: float) -> dict[str, int]:
    """By layer that makes channels, how many of them stay; at least one, all of a network's output.

    The sum over the layers of the relative distance from the fraction ``keep`` is as small as can be.
    RecipeError if there is nothing that could go, or no widths that fit the network's shapes.
    """
    names = list(graph.made)
    sizes = np.array([len(graph.made[name]) for name in names])
    fixed = np.array([bool(graph.fixed[graph.unit[graph.made[name]]].any()) for name in names])
    if keep < 1.0 and fixed.all():
        raise RecipeError("channels: every channel is an input or output of the network, so that none can go")
    wanted = np.where(fixed, sizes, keep * sizes + (UPWARDS if keep < 1.0 else 0.0))
    program = _Program(graph, dict(zip(names, sizes.tolist(), strict=True)))
    found = program.solve(sizes, fixed, wanted)
    if found is None:
        raise RecipeError(
            f"channels: the groups and sums of this network leave no widths near keep = {keep}; try 0.5, "
            "or a network whose numbers of channels its groups divide more often"
        )
    return dict(zip(names, found.tolist(), strict=True))


class _Program:
    """Variables: the widths, their distances from what is wanted, and the width of each group."""

    def __init__(self, graph: ChannelGraph, sizes: dict[str, int]) -> None:
        self._graph, self._sizes = graph, sizes
        self._index = {name: index for index, name in enumerate(sizes)}

    def solve(
        self, sizes: NDArray[np.int64], fixed: NDArray[np.bool_], wanted: NDArray[np.float64]
    ) -> NDArray[np.int64] | None:
        """The widths, or None if there are none."""
        count, groups = len(sizes), len(self._graph.divided)
        cost = np.concatenate([np.zeros(count), 1.0 / sizes, np.zeros(groups)])
        whole = np.concatenate([np.ones(count), np.zeros(count), np.ones(groups)])
        low = np.concatenate([np.where(fixed, sizes, 1), np.zeros(count), np.ones(groups)])
        high = np.concatenate([sizes, np.full(count + groups, np.inf)])
        one, none = np.eye(count), np.zeros((count, groups))
        near = [
            LinearConstraint(np.hstack([one, one, none]), lb=wanted),
            LinearConstraint(np.hstack([one, -one, none]), ub=wanted),
        ]
        shapes = self._shapes(2 * count + groups)
        if shapes is not None:
            near.append(LinearConstraint(shapes, 0.0, 0.0))
        found = milp(cost, integrality=whole, bounds=Bounds(low, high), constraints=near)
        return None if found.x is None else np.rint(found.x[:count]).astype(np.int64)

    def _shapes(self, variables: int) -> csr_array | None:
        rows = []
        for left, right in self._graph.equal:
            rows.append(self._row(left, variables) - self._row(right, variables))
        for index, (shares, groups) in enumerate(self._graph.divided):
            row = self._row(shares, variables)
            row[2 * len(self._sizes) + index] = -groups
            rows.append(row)
        return csr_array(np.stack(rows)) if rows else None

    def _row(self, shares: Shares, variables: int) -> NDArray[np.float64]:
        row = np.zeros(variables)
        for name, count in shares.items():
            row[self._index[name]] = count / self._sizes[name]
        return row
