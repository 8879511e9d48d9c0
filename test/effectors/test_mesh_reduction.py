"""Fewer triangles of the same surface."""

from __future__ import annotations

import numpy as np

from myoprosthesis.effectors.mesh_reduction import CELLS, ENOUGH, reduced


def sphere(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (n², 3) and triangles of a unit sphere."""
    u, v = np.meshgrid(np.linspace(0, np.pi, n), np.linspace(0, 2 * np.pi, n), indexing="ij")
    vertices = np.stack([np.sin(u) * np.cos(v), np.sin(u) * np.sin(v), np.cos(u)], axis=2).reshape(-1, 3)
    k = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    return vertices, np.concatenate([np.stack([k, k + 1, k + n], 1), np.stack([k + 1, k + n + 1, k + n], 1)])


def volume(vertices: np.ndarray, triangles: np.ndarray) -> float:
    """By the divergence theorem: the sum of a · (b × c) / 6."""
    a, b, c = np.moveaxis(vertices[triangles.astype(int)].astype(float), 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def test_a_large_mesh_keeps_its_volume_and_its_sides_with_fewer_triangles():
    vertices, triangles = sphere(160)
    fewer, corners = reduced(vertices, triangles)
    assert len(corners) < len(triangles) / 5 and corners.max() == len(fewer) - 1
    whole = volume(vertices, triangles)
    assert abs(volume(fewer, corners) / whole - 1) < 0.05 and abs(abs(whole) - 4 * np.pi / 3) < 0.01
    assert np.abs(np.linalg.norm(fewer, axis=1) - 1).max() < 2 * np.sqrt(3) / CELLS


def test_a_small_mesh_stays_as_it_is():
    vertices, triangles = sphere(12)
    assert len(triangles) <= ENOUGH
    fewer, corners = reduced(vertices, triangles)
    assert np.isclose(volume(fewer, corners), volume(vertices, triangles), rtol=1e-5)
