"""The law of a field: an affine map from position and velocity to force.

It is evaluated in every step of the physics, at the body's own state: `effectors/mujoco_body.py`; for many simulations
at once `envs/batch_body.py`, and for gradients `training/gradient/torch_twin.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ForceField:
    """F = f0 + K (x − x0) + B v, kept as F = f + K x + B v with f = f0 − K x0.

    `f` has shape (n,) in N (N·m for joints), `K` (n, n) in N/m, `B` (n, n) in N·s/m. Constant force,
    spring, viscous, curl and channel fields are all of this form, and laws add.
    """

    f: Array
    K: Array
    B: Array

    def __post_init__(self) -> None:
        f, K, B = (np.array(a, float, order="C") for a in (self.f, self.K, self.B))
        if f.ndim != 1 or K.shape != (f.size, f.size) or B.shape != (f.size, f.size):
            raise ConfigError(f"a law needs f (n,), K (n, n), B (n, n); got {f.shape}, {K.shape}, {B.shape}")
        if not (np.isfinite(f).all() and np.isfinite(K).all() and np.isfinite(B).all()):
            raise ConfigError("a law needs finite numbers in f, K and B")
        for name, value in (("f", f), ("K", K), ("B", B)):
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @classmethod
    def of(
        cls,
        f0: ArrayLike | None = None,
        K: ArrayLike | None = None,
        B: ArrayLike | None = None,
        x0: ArrayLike | None = None,
        n: int = 3,
    ) -> ForceField:
        """A law in `n` dimensions from any of its terms; shorter vectors and matrices are padded with zeros."""
        spring = _padded(K, (n, n))
        return cls(_padded(f0, (n,)) - spring @ _padded(x0, (n,)), spring, _padded(B, (n, n)))

    @classmethod
    def zero(cls, n: int = 3) -> ForceField:
        """The null law in `n` dimensions."""
        return cls(np.zeros(n), np.zeros((n, n)), np.zeros((n, n)))

    @property
    def n(self) -> int:
        """Number of dimensions."""
        return int(self.f.size)

    @property
    def is_zero(self) -> bool:
        """True when the law never makes a force."""
        return not (self.f.any() or self.K.any() or self.B.any())

    def force(self, x: Array, v: Array) -> Array:
        """Force, shape (n,), at position `x` (m) and velocity `v` (m/s)."""
        return self.f + self.K @ x + self.B @ v

    def __add__(self, other: ForceField) -> ForceField:
        if not isinstance(other, ForceField):
            return NotImplemented
        return ForceField(self.f + other.f, self.K + other.K, self.B + other.B)

    def __mul__(self, gain: float) -> ForceField:
        return ForceField(self.f * gain, self.K * gain, self.B * gain)

    __rmul__ = __mul__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ForceField) and all(
            np.array_equal(a, b) for a, b in ((self.f, other.f), (self.K, other.K), (self.B, other.B))
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"f": self.f.tolist(), "K": self.K.tolist(), "B": self.B.tolist()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ForceField:
        """Inverse of `to_dict`; every fault is a `ConfigError`."""
        if set(data) != {"f", "K", "B"}:
            raise ConfigError(f"a law is written as f, K and B; got {', '.join(sorted(data)) or 'nothing'}")
        try:
            return cls(*(np.array(data[k], float) for k in ("f", "K", "B")))
        except (TypeError, ValueError) as error:
            raise ConfigError(f"a law cannot be read: {error}") from error


def _padded(value: ArrayLike | None, shape: Sequence[int]) -> Array:
    out = np.zeros(shape)
    if value is not None:
        part = np.asarray(value, float)
        if part.ndim != out.ndim or any(g > s for g, s in zip(part.shape, out.shape, strict=False)):
            raise ConfigError(f"a term of a law has shape {part.shape}, at most {tuple(shape)} is possible")
        out[tuple(slice(0, s) for s in part.shape)] = part
    return out
