"""How a band of electrodes sits compared with the day of the fit: turned, or worn the other way round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BandPlacement:
    """Turn of a ring of equally spaced electrodes, in electrodes, after its order was `reversed`."""

    turn: float = 0.0
    reversed: bool = False

    @property
    def moved(self) -> bool:
        """Whether anything is to be undone."""
        return bool(self.turn or self.reversed)

    def undo(self, samples: Array) -> Array:
        """Samples (n, n_electrodes) as the electrodes of the fit would have measured them.

        Between electrodes they are interpolated by the Fourier series around the ring, which keeps the power of what
        varies slowly from electrode to electrode.
        """
        return samples @ self.matrix(samples.shape[1]) if self.moved else samples

    def matrix(self, n: int) -> Array:
        """Mixing (n, n) of the electrodes, from the right; a permutation for a whole turn."""
        wave = np.rint(np.fft.fftfreq(n) * n)
        phase = np.exp(2j * np.pi * wave * self.turn / n)
        if n % 2 == 0:
            phase[n // 2] = np.cos(np.pi * self.turn)  # the highest wave of an even ring has one phase only
        mixing = np.real(np.fft.ifft(np.fft.fft(np.eye(n), axis=1) * phase, axis=1))
        return mixing[::-1] if self.reversed else mixing
