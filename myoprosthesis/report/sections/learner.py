"""What the learner believed, and how well it did by its own loss."""

from __future__ import annotations

import numpy as np

from myoprosthesis.report.report_session import ReportSession
from myoprosthesis.report.section import Drawing, Omitted, Section
from myoprosthesis.report.sections.deviation import shade
from myoprosthesis.report.style import INK, ROLE, figure, plain_log


def section(s: ReportSession) -> Section:
    """Estimate of the field and loss against trial."""
    t = s.table
    known, lost = np.isfinite(t.estimate_gain), np.isfinite(t.loss)
    if not (known.any() or lost.any()):
        return Section("learner", "Learner", (Omitted("No learner took part: no estimate and no loss in the table."),))
    shown = [name for name, have in (("estimate", known.any()), ("loss", lost.any())) if have]
    fig = figure(1.9 * len(shown) + 0.4)
    axes = fig.subplots(len(shown), 1, squeeze=False, sharex=True)[:, 0]
    for ax, name in zip(axes, shown, strict=True):
        if name == "estimate":
            acts = np.concatenate([np.full(len(b.table), b.gain) for b in s.blocks])
            ax.step(t.trial, acts, where="mid", color="#9aa4af", lw=1, label="field")
            ax.plot(t.trial[known], t.estimate_gain[known], color=ROLE["adaptation"], lw=1.4, label="estimate")
            ax.set_ylabel("b, N·s/m")
            ax.legend(loc="upper right")
        else:
            ax.plot(t.trial[lost], t.loss[lost], color=INK, lw=1)
            ax.set_ylabel("loss")
            if 0 < 10 * t.loss[lost].min() < t.loss[lost].max():
                ax.set_yscale("log")
                plain_log(ax.yaxis)
        ax.margins(x=0.01)
        shade(ax, s.blocks)
        for text in ax.texts if ax is not axes[0] else ():
            text.set_visible(False)
    axes[-1].set_xlabel("trial")
    caption = (f"The learner's estimate of the curl gain b before each trial (n = {known.sum()}) against that of the "
               f"block's field, and its loss after the updates of the trial (n = {lost.sum()}).")  # fmt: skip
    columns = {"trial": t.trial, "gain": t.gain, "estimate_gain": t.estimate_gain, "loss": t.loss}
    return Section("learner", "Learner", (Drawing("learner", fig, caption, "Estimate of the field and loss", columns),))
