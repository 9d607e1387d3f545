"""The number of channels that each layer keeps: as close to the fraction as the network's shapes allow.

Tensors that are added must keep equal widths, and the widths of grouped tensors must stay multiples of their
groups. Where the widths of several layers add up to that of another, as in a ShuffleNet, finding them is a
small integer linear program.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from hanji.compression.classifiers.pruning.channel_graph import ChannelGraph, Shares
from hanji.training.errors import RecipeError

ROUND_UP = 1e-3  # added to the target width, so that a half is rounded up


def kept_widths(graph: ChannelGraph, keep: float) -> dict[str, int]:
    """By producing layer, the number of channels to keep: at least one, and all of the network's outputs.

    Minimizes the sum over the layers of the relative difference from the fraction ``keep``. RecipeError if
    there is nothing to prune, or no widths fit the network's shapes.
    """
    names = list(graph.produced)
    sizes = np.array([len(graph.produced[name]) for name in names])
    fixed = np.array([bool(graph.fixed[graph.unit[graph.produced[name]]].any()) for name in names])
    if keep < 1.0 and fixed.all():
        raise RecipeError(
            "channels: expected channels that can be pruned, found only inputs and outputs of the network; "
            "leave the channels step out"
        )
    targets = np.where(fixed, sizes, keep * sizes + (ROUND_UP if keep < 1.0 else 0.0))
    program = _Program(graph, dict(zip(names, sizes.tolist(), strict=True)))
    widths = program.solve(sizes, fixed, targets)
    if widths is None:
        raise RecipeError(
            f"channels: the groups and sums of this network allow no widths near keep = {keep}; try 0.5, "
            "or a network with widths that have more divisors"
        )
    return dict(zip(names, widths.tolist(), strict=True))


class _Program:
    """The integer program; its variables: the widths, their distances from the targets, the group widths."""

    def __init__(self, graph: ChannelGraph, sizes: dict[str, int]) -> None:
        self._graph, self._sizes = graph, sizes
        self._index = {name: index for index, name in enumerate(sizes)}

    def solve(
        self, sizes: NDArray[np.int64], fixed: NDArray[np.bool_], targets: NDArray[np.float64]
    ) -> NDArray[np.int64] | None:
        """The optimal widths, or None if the program is infeasible."""
        count, groups = len(sizes), len(self._graph.divisible)
        cost = np.concatenate([np.zeros(count), 1.0 / sizes, np.zeros(groups)])
        integrality = np.concatenate([np.ones(count), np.zeros(count), np.ones(groups)])
        low = np.concatenate([np.where(fixed, sizes, 1), np.zeros(count), np.ones(groups)])
        high = np.concatenate([sizes, np.full(count + groups, np.inf)])
        eye, zeros = np.eye(count), np.zeros((count, groups))
        constraints = [
            LinearConstraint(np.hstack([eye, eye, zeros]), lb=targets),
            LinearConstraint(np.hstack([eye, -eye, zeros]), ub=targets),
        ]
        shapes = self._shapes(2 * count + groups)
        if shapes is not None:
            constraints.append(LinearConstraint(shapes, 0.0, 0.0))
        result = milp(cost, integrality=integrality, bounds=Bounds(low, high), constraints=constraints)
        return None if result.x is None else np.rint(result.x[:count]).astype(np.int64)

    def _shapes(self, variables: int) -> csr_array | None:
        rows = []
        for left, right in self._graph.equal:
            rows.append(self._row(left, variables) - self._row(right, variables))
        for index, (shares, groups) in enumerate(self._graph.divisible):
            row = self._row(shares, variables)
            row[2 * len(self._sizes) + index] = -groups
            rows.append(row)
        return csr_array(np.stack(rows)) if rows else None

    def _row(self, shares: Shares, variables: int) -> NDArray[np.float64]:
        row = np.zeros(variables)
        for name, count in shares.items():
            row[self._index[name]] = count / self._sizes[name]
        return row
