"""Fewer triangles of a mesh, for a picture of it: vertices that lie close together become one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ENOUGH = 1500
"""Triangles; a mesh that has no more stays as it is."""
CELLS = 24
"""Into which the longest side of a mesh is divided: a bone of 5 cm is drawn to 2 mm."""


def reduced(
    vertices: NDArray[np.floating], triangles: NDArray[np.integer]
) -> tuple[NDArray[np.float32], NDArray[np.uint16]]:
    """The mesh with the mean of all vertices in each cell of a grid for those vertices.

    Args:
        vertices: (n, 3) m.
        triangles: (m, 3) numbers of their corners.

    Returns:
        Vertices (k, 3) and triangles (l, 3); triangles whose corners fell into fewer than three cells are gone.
    """
    low = vertices.min(axis=0)
    cells = CELLS if len(triangles) > ENOUGH else 1 << 16
    size = max(float((vertices.max(axis=0) - low).max()), 1e-12) / cells
    key = np.minimum((vertices - low) / size, cells - 1).astype(np.int64) @ [1 << 34, 1 << 17, 1]
    _, place = np.unique(key, return_inverse=True)
    place = place.ravel()
    count = np.bincount(place)
    means = np.stack([np.bincount(place, vertices[:, k]) / count for k in range(3)], axis=1)
    corners = place[triangles]
    a, b, c = corners.T
    corners = corners[(a != b) & (b != c) & (a != c)]
    turned = np.take_along_axis(corners, (corners.argmin(axis=1)[:, None] + np.arange(3)) % 3, axis=1)
    return means.astype(np.float32), np.unique(turned, axis=0).astype(np.uint16)
