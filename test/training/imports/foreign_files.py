"""Files of networks as other libraries write them, written by hand: they need none of these libraries."""

import io
import json
import pickle
import zipfile

import numpy as np
import torch

from myoprosthesis.core import registry

N, M = 6, 4
CONTRACT = """
effector: point_mass
dt: 0.01
observation:
  - {name: place, channels: [x, y], unit: m, scale: 10}
  - {name: speed, channels: [x, y], field: velocity, unit: m/s}
  - {name: target, kind: goal, options: {channels: [target/x, target/y], unit: m}}
action: {quantity: effort, names: [right, up, left, down], unit: "1", low: 0, high: 1}
"""
SQUASHED = CONTRACT + "action_map: {clip: [-1, 1], scale: 5, offset: -2.5, squash: logistic}\n"


def effector():
    return registry.factory("effectors", "point_mass")(registry.options("effectors", "point_mass")())


def numbers(seed, *shape):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 0.5, shape).astype(np.float32))


def dense(prefix, *sizes):
    """Tensors of an `nn.Sequential` with an activation after every layer."""
    out = {}
    for i, (n, m) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        out |= {f"{prefix}.{2 * i}.weight": numbers(i, m, n), f"{prefix}.{2 * i}.bias": numbers(100 + i, m)}
    return out


def memory(prefix, n, units, gates, layers=1):
    out = {}
    for i in range(layers):
        rows = gates * units
        out |= {
            f"{prefix}.weight_ih_l{i}": numbers(i, rows, n),
            f"{prefix}.weight_hh_l{i}": numbers(9 + i, rows, units),
        }
        out |= {f"{prefix}.bias_ih_l{i}": numbers(20 + i, rows), f"{prefix}.bias_hh_l{i}": numbers(30 + i, rows)}
        n = units
    return out


def linear(name, n, m):
    return {f"{name}.weight": numbers(50, m, n), f"{name}.bias": numbers(51, m)}


def saved(content):
    out = io.BytesIO()
    torch.save(content, out)
    return out.getvalue()


def box(n, low, high):
    return {":type:": "<class 'gymnasium.spaces.box.Box'>", ":serialized:": "gASV", "dtype": "float32", "_shape": [n],
            "low": str(np.full(n, low, np.float32)), "high": str(np.full(n, high, np.float32))}  # fmt: skip


def sb3(path, tensors, module, kwargs=(), low=-1.0, high=1.0, n=N, **parts):
    """A zip file as stable-baselines3 writes it; `parts` replace its parts by name."""
    data = {
        "policy_class": {":type:": "<class 'abc.ABCMeta'>", ":serialized:": "gASV", "__module__": module},
        "policy_kwargs": {":type:": "<class 'dict'>", ":serialized:": "gASV", **dict(kwargs)},
        "observation_space": box(n, -np.inf, np.inf), "action_space": box(M, low, high),
    }  # fmt: skip
    content = {"data": json.dumps(data), "policy.pth": saved(tensors), "_stable_baselines3_version": "2.9.2", **parts}
    with zipfile.ZipFile(path, "w") as file:
        for name, part in content.items():
            file.writestr(name, part)
    return path


PPO = {**dense("mlp_extractor.policy_net", N, 16, 8), **linear("action_net", 8, M), "log_std": numbers(7, M)}
LSTM = {**memory("lstm_actor", N, 16, 4, 2), **dense("mlp_extractor.policy_net", 16, 8), **linear("action_net", 8, M)}
SAC = {**dense("actor.latent_pi", N, 16), **linear("actor.mu", 16, M), **linear("actor.log_std", 16, M)}
TD3 = dense("actor.mu", N, 16, M)
COMMON, RECURRENT = "stable_baselines3.common.policies", "sb3_contrib.common.recurrent.policies"
SAC_MODULE, TD3_MODULE = "stable_baselines3.sac.policies", "stable_baselines3.td3.policies"
RELU = {"activation_fn": "<class 'torch.nn.modules.activation.ReLU'>"}
SB3 = {
    "ppo": (PPO, COMMON, {}),
    "ppo relu": (PPO, COMMON, RELU),
    "recurrent": (LSTM, RECURRENT, {}),
    "shared critic": ({**LSTM, **linear("critic", N, 16)}, RECURRENT, {}),
    "sac": (SAC, SAC_MODULE, {}),
    "td3": (TD3, TD3_MODULE, {}),
    "sac gsde": (
        {**dense("actor.latent_pi", N, 16), **linear("actor.mu.0", 16, M), "actor.log_std": numbers(3, 16, M)},
        SAC_MODULE,
        {"use_sde": True},
    ),
}


class Record:
    """An object whose pickle names another module."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


def vec_normalize(mean, var, clip=5.0, norm_obs=True, name="VecNormalize"):
    """A pickle as `VecNormalize.save` writes it, made without the library."""
    statistics = type("RunningMeanStd", (Record,), {"__module__": "stable_baselines3.common.running_mean_std"})
    outer = type(name, (Record,), {"__module__": "stable_baselines3.common.vec_env.vec_normalize"})
    rms = statistics(mean=np.asarray(mean, float), var=np.asarray(var, float), count=10.0)
    return by_name(outer(obs_rms=rms, epsilon=1e-8, clip_obs=clip, norm_obs=norm_obs, num_envs=1))


def by_name(thing):
    """Pickled although its classes cannot be imported."""
    out = io.BytesIO()

    class Writer(pickle._Pickler):
        def save_global(self, obj, name=None):
            if issubclass(obj, Record) if isinstance(obj, type) else False:
                self.write(pickle.GLOBAL + f"{obj.__module__}\n{obj.__name__}\n".encode())
                self.memoize(obj)
            else:
                super().save_global(obj, name)

        dispatch = {**pickle._Pickler.dispatch, type: save_global}

    Writer(out, 3).dump(thing)
    return out.getvalue()
