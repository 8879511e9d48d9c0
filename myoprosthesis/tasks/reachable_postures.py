"""Postures that the muscles of `myohand` reach, with where its fingertips are then: a table that is shipped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from myoprosthesis.core.errors import ConfigError

Array = NDArray[np.float64]
TABLE = Path(__file__).parent / "myohand_postures.csv"
JOINTS = (
    "pro_sup_r", "deviation_r", "flexion_r", "cmc_flexion_r", "cmc_abduction_r", "mp_flexion_r", "ip_flexion_r",
    *(f"{joint}{finger}_{way}_r" for finger in (2, 3, 4, 5) for joint, way in (
        ("mcp", "flexion"), ("mcp", "abduction"), ("pm", "flexion"), ("md", "flexion"))),
)  # fmt: skip
"""The joints of `myohand`, from the forearm to the tip of the little finger."""
TIPS = ("THtip_r", "IFtip_r", "MFtip_r", "RFtip_r", "LFtip_r")
"""Sites at the tips of its thumb and fingers."""
PLACES = tuple(f"{tip}/{axis}" for tip in TIPS for axis in "xyz")
TEST_SHARE = 0.25
"""The last quarter of the table is kept from training."""
SETS = ("test", "training", "all")


@dataclass(frozen=True, eq=False)
class ReachablePostures:
    """`joints` (n, 23) rad in the order of `JOINTS`, `places` (n, 15) m in that of `PLACES`."""

    joints: Array
    places: Array

    def __len__(self) -> int:
        return len(self.joints)


@cache
def reachable_postures(which: str) -> ReachablePostures:
    """A set of `SETS` of the table; raises `ConfigError` for a table with other columns."""
    with TABLE.open(encoding="utf-8") as file:
        names = tuple(file.readline().strip().split(","))
        table = np.loadtxt(file, delimiter=",")
    if names != (*JOINTS, *PLACES):
        raise ConfigError(f"{TABLE} does not have the columns {', '.join((*JOINTS, *PLACES))}")
    table.setflags(write=False)
    first = len(table) - round(TEST_SHARE * len(table))
    rows = {"test": table[first:], "training": table[:first], "all": table}[which]
    return ReachablePostures(rows[:, : len(JOINTS)], rows[:, len(JOINTS) :])
