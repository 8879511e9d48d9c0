"""When a stage of a curriculum is left, by the measured score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from myoprosthesis.training.rl.curriculum import RlStage
from myoprosthesis.training.rl.curriculum_reinforcement import CurriculumReinforcement
from myoprosthesis.training.trainer import Progress, Trainer

CURVE = "curve.csv"
SAVE_EVERY_S = 600.0


class PromotionRule:
    """To the next stage from its score on, back below another one; a stage whose batches are spent ends the run.

    A stage without a score to reach lasts its batches, and the next one follows.
    """

    def next_stage(self, progress: Progress, stages: Sequence[RlStage], score: float) -> int:
        """See `StageRule.next_stage`."""
        stage, here = stages[progress.stage], progress.stage
        spent = progress.spent[stage.name] >= stage.batches
        if spent or progress.batch >= stage.least_batches:
            if score >= stage.promote:
                return here + 1
            if float("-inf") < score < stage.retreat and here > 0:
                return here - 1
        if not spent:
            return here
        if stage.timed:
            return here + 1
        progress.unreached = stage.name
        return len(stages)


def curriculum_trainer(
    algorithm: CurriculumReinforcement, folder: Path, save_every_s: float = SAVE_EVERY_S
) -> Trainer[Any]:
    """A run through the algorithm's curriculum, kept in `folder`."""
    return Trainer(
        algorithm,
        algorithm.curriculum.stages,
        folder,
        evaluate_every=1,
        rule=PromotionRule(),
        higher_is_better=True,
        save_every_s=save_every_s,
        history=CURVE,
    )
