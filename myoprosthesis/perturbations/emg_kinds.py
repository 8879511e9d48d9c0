"""The kinds of perturbation of EMG: what befalls electrodes, skin and cables. `emg/corruption.py` does them."""

from __future__ import annotations

from dataclasses import dataclass

from myoprosthesis.core.options import option
from myoprosthesis.core.perturbation_plan import PerturbationEntry
from myoprosthesis.core.trial_plan import TrialPlan
from myoprosthesis.perturbations.kind import PerturbationTiming


@dataclass(frozen=True)
class EmgTiming(PerturbationTiming):
    """Common to all kinds at the electrodes."""

    gain: float = option(1.0, "times as strong as the kind's own option says", "1", -100.0, 100.0)


@dataclass(frozen=True)
class ElectrodeShiftOptions(EmgTiming):
    """Options of a shift of a ring of electrodes."""

    positions: float = option(1.0, "electrodes that the ring is turned by, towards higher numbers", "1", -64.0, 64.0)


@dataclass(frozen=True)
class GainDriftOptions(EmgTiming):
    """Options of a drift of the gain: skin that dries, an electrode that loosens."""

    per_minute: float = option(-0.1, "change of the amplitude as a share of what it was", "1/min", -60.0, 60.0)
    channels: tuple[str, ...] = option((), "names of the channels; empty: all")


@dataclass(frozen=True)
class ChannelDropoutOptions(EmgTiming):
    """Options of electrodes that fall off."""

    channels: tuple[str, ...] = option((), "names of the channels; empty: all")
    share: float = option(1.0, "share of the signal that is lost", "1", 0.0, 1.0)


@dataclass(frozen=True)
class MainsOptions(EmgTiming):
    """Options of interference from the mains."""

    hz: float = option(50.0, "its frequency: 50, or 60", "Hz", 1.0, 400.0)
    amplitude: float = option(5e-5, "of the fundamental, in `unit`", "", 0.0, 1e6)
    unit: str = option("V", "unit of the amplitude, which must be that of the samples: V, or counts")
    harmonics: int = option(3, "the fundamental and this many odd harmonics, less 1", "", 1, 20)
    scatter: float = option(0.2, "how much the phase differs between channels, share of a turn", "1", 0.0, 1.0)
    channels: tuple[str, ...] = option((), "names of the channels; empty: all")
    seed: int = option(0, "seed of the phases", "", 0)


@dataclass(frozen=True)
class EmgNoiseOptions(EmgTiming):
    """Options of added noise."""

    sd: float = option(2e-5, "standard deviation, in `unit`", "", 0.0, 1e6)
    unit: str = option("V", "unit of it, which must be that of the samples: V, or counts")
    channels: tuple[str, ...] = option((), "names of the channels; empty: all")
    seed: int = option(0, "seed", "", 0)
    stream: int = option(0, "another number for a second noise with the same seed", "", 0)


@dataclass(frozen=True)
class EmgDelayOptions(EmgTiming):
    """Options of a link that delays."""

    delay_s: float = option(0.05, "added delay; at most 0.5 s with its gain", "s", 0.0, 0.5)


def electrode_shift(options: ElectrodeShiftOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """The ring of electrodes turned about the limb; between two positions a mixture of the neighbours."""
    return (options.entry(trial, "emg", "electrode_shift", {"positions": options.gain * options.positions}),)


def gain_drift(options: GainDriftOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Amplitude that grows or falls with time."""
    values = {"per_minute": options.gain * options.per_minute, "channels": list(options.channels)}
    return (options.entry(trial, "emg", "gain_drift", values),)


def channel_dropout(options: ChannelDropoutOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Electrodes that give nothing any more."""
    share = min(1.0, max(0.0, options.gain * options.share))
    return (options.entry(trial, "emg", "channel_dropout", {"share": share, "channels": list(options.channels)}),)


def mains(options: MainsOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """The mains and their odd harmonics on top of the signal."""
    values = {
        "hz": options.hz, "amplitude": options.gain * options.amplitude, "unit": options.unit, "seed": options.seed,
        "harmonics": options.harmonics, "scatter": options.scatter, "channels": list(options.channels),
    }  # fmt: skip
    return (options.entry(trial, "emg", "mains", values),)


def emg_noise(options: EmgNoiseOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """White Gaussian noise on top of the signal."""
    values = {
        "sd": options.gain * options.sd, "unit": options.unit, "channels": list(options.channels),
        "seed": options.seed, "stream": options.stream,
    }  # fmt: skip
    return (options.entry(trial, "emg", "noise", values),)


def emg_delay(options: EmgDelayOptions, trial: TrialPlan) -> tuple[PerturbationEntry, ...]:
    """Samples that come later."""
    delay = min(0.5, max(0.0, options.gain * options.delay_s))
    return (options.entry(trial, "emg", "delay", {"delay_s": delay}),)
