"""`policy import`: files of other libraries become policies that compute the same, or are refused in one sentence."""

import importlib.util
import json
import os
import pickle
import zipfile
from pathlib import Path

import foreign_files as made
import numpy as np
import onnx
import pytest
import torch

from myoprosthesis.cli.main import main
from myoprosthesis.core.contract import METADATA_KEY
from myoprosthesis.policies.onnx_policy import OnnxPolicy
from myoprosthesis.tasks.task import channels_of
from myoprosthesis.testing import check_policy
from myoprosthesis.training.imports import tensors

INSTALLED = all(importlib.util.find_spec(name) for name in ("stable_baselines3", "sb3_contrib"))
MEAN, VAR = np.arange(made.N) * 0.3, np.linspace(0.01, 4, made.N)


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Runs `policy import` in a folder with a contract; returns status, what was printed, and the JSON."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "contract.yaml").write_text(made.SQUASHED)

    def call(*words, contract="contract.yaml"):
        with pytest.raises(SystemExit) as end:
            main(["policy", "import", *words, *(["--contract", contract] if contract else []), "--json", "j.json"])
        text = capsys.readouterr()
        figures = json.loads((tmp_path / "j.json").read_text()) if end.value.code == 0 else {}
        return end.value.code, text.out + text.err, figures

    return call


def refused(result, *parts):
    code, text, _ = result
    assert code == 2 and text.startswith("error: ") and text.count("\n") == 1, text
    for part in parts:
        assert part in text
    assert not os.path.exists("policies")


def equation(name, x, state):
    """The network's action by the equations of its library, in double precision."""
    tensors, _, kwargs = made.SB3[name]
    t = {k: v.double().numpy() for k, v in tensors.items()}
    unit = np.tanh if name in ("ppo", "recurrent", "shared critic") else lambda a: np.maximum(a, 0)
    for i in range(2 if name in ("recurrent", "shared critic") else 0):
        p, (h, c) = "lstm_actor.", state.get(i, (np.zeros(16), np.zeros(16)))
        gates = (
            t[f"{p}weight_ih_l{i}"] @ x + t[f"{p}bias_ih_l{i}"] + t[f"{p}weight_hh_l{i}"] @ h + t[f"{p}bias_hh_l{i}"]
        )
        i_, f, g, o = np.split(gates, 4)
        s = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
        c = s(f) * c + s(i_) * np.tanh(g)
        x = s(o) * np.tanh(c)
        state[i] = (x, c)
    prefix = {"sac": "actor.latent_pi", "sac gsde": "actor.latent_pi", "td3": "actor.mu"}.get(
        name, "mlp_extractor.policy_net"
    )
    layers = sorted(k[: -len(".weight")] for k in t if k.startswith(f"{prefix}.") and k.endswith(".weight"))
    for k, layer in enumerate(layers):
        x = t[f"{layer}.weight"] @ x + t[f"{layer}.bias"]
        x = x if name == "td3" and k == len(layers) - 1 else unit(x)
    last = {"sac": "actor.mu", "sac gsde": "actor.mu.0", "td3": ""}.get(name, "action_net")
    x = t[f"{last}.weight"] @ x + t[f"{last}.bias"] if last else x
    x = np.clip(x, -2, 2) if name == "sac gsde" else x
    return np.tanh(x) if name.startswith(("sac", "td3")) else np.clip(x, -1, 1)


@pytest.mark.parametrize("name", made.SB3)
def test_a_policy_of_stable_baselines3_computes_its_equations(run, name):
    made.sb3("model.zip", *made.SB3[name])
    with open("env.pkl", "wb") as file:
        file.write(made.vec_normalize(MEAN, VAR))
    code, text, figures = run("sb3", "model.zip", "--vecnormalize", "env.pkl")
    assert code == 0, text
    assert figures["differences"]["torch"] <= 1e-5 and "largest difference from torch" in text
    assert ("stable-baselines3" in figures["differences"]) == INSTALLED, "compared with the library where it is"
    policy, rng, state = OnnxPolicy("policies/model/policy.onnx"), np.random.default_rng(1), {}
    scale = np.array([10, 10, 1, 1, 1, 1])
    for _ in range(30):
        seen = rng.normal(0, 1, made.N).astype(np.float32)
        x = np.clip((seen * scale - MEAN) / np.sqrt(VAR + 1e-8), -5, 5)
        wanted = 1 / (1 + np.exp(-(5 * equation(name, x, state) - 2.5)))
        assert np.allclose(policy.step(seen), wanted, atol=1e-5)
    spec = made.effector().spec
    assert policy.contract.match(spec, channels_of("centre_out")).tolist() == [0, 1, 2, 3]
    check_policy(lambda: OnnxPolicy("policies/model/policy.onnx"), steps=20)
    assert "sb3 model.zip" in Path("policies/model/card.md").read_text()


def test_zips_that_the_library_writes_are_read(run, tmp_path):
    sb3 = pytest.importorskip("stable_baselines3", reason="stable-baselines3 writes the files of this test")
    contrib = pytest.importorskip("sb3_contrib", reason="sb3-contrib writes the files of this test")
    gym = pytest.importorskip("gymnasium")

    class Still(gym.Env):
        observation_space = gym.spaces.Box(-np.inf, np.inf, (made.N,), np.float32)
        action_space = gym.spaces.Box(-1, 1, (made.M,), np.float32)

        def reset(self, *, seed=None, options=None):
            return np.zeros(made.N, np.float32), {}

        def step(self, action):
            return np.zeros(made.N, np.float32), 0.0, False, False, {}

    from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

    env = VecNormalize(DummyVecEnv([Still]), clip_obs=3.0)
    env.obs_rms.mean, env.obs_rms.var = MEAN, VAR
    env.save("env.pkl")
    elu = {"activation_fn": torch.nn.ELU}
    shared = {"shared_lstm": True, "enable_critic_lstm": False}
    models = {
        "ppo": sb3.PPO("MlpPolicy", env, policy_kwargs={**elu, "net_arch": [8]}, device="cpu"),
        "squashed": sb3.PPO("MlpPolicy", env, use_sde=True, policy_kwargs={"squash_output": True}, device="cpu"),
        "a2c": sb3.A2C("MlpPolicy", env, use_sde=True, device="cpu"),
        "sac": sb3.SAC("MlpPolicy", env, policy_kwargs={"net_arch": [8, 8]}, device="cpu"),
        "td3": sb3.TD3("MlpPolicy", env, policy_kwargs={"net_arch": [8]}, device="cpu"),
        "recurrent": contrib.RecurrentPPO(
            "MlpLstmPolicy",
            env,
            policy_kwargs={**elu, "lstm_hidden_size": 8} | shared,
        ),
    }
    for name, model in models.items():
        model.save(f"{name}.zip")
        code, text, figures = run("sb3", f"{name}.zip", "--vecnormalize", "env.pkl")
        assert code == 0, text
        assert max(figures["differences"].values()) <= 1e-5
        assert "stable-baselines3" in figures["differences"], name
        policy = OnnxPolicy(f"policies/{name}/policy.onnx")
        seen = np.linspace(-1, 1, made.N).astype(np.float32)
        x = env.normalize_obs(seen * np.float32([10, 10, 1, 1, 1, 1]))
        action, _ = model.predict(x, deterministic=True)
        assert np.allclose(policy.step(seen), 1 / (1 + np.exp(-(5 * action - 2.5))), atol=1e-5), name


def rsl(path, **content):
    path.write_bytes(made.saved({"iter": 3, "infos": None, "optimizer_state_dict": {}, **content}))


RSL_MLP = {
    **made.dense("actor", made.N, 16, made.M),
    **made.dense("critic", made.N, 8, 1),
    "std": made.numbers(1, made.M),
}
STATISTICS = {
    "_mean": torch.tensor(MEAN[None]).float(), "_var": torch.tensor(VAR[None]).float(),
    "_std": torch.tensor(np.sqrt(VAR)[None]).float(), "count": torch.tensor(9),
}  # fmt: skip
RSL = {
    "release 2": {"model_state_dict": RSL_MLP, "obs_norm_state_dict": STATISTICS},
    "release 3": {"model_state_dict": {**RSL_MLP, **{f"actor_obs_normalizer.{k}": v for k, v in STATISTICS.items()}}},
    "release 5": {
        "actor_state_dict": {
            **made.dense("mlp", made.N, 16, made.M), **{f"obs_normalizer.{k}": v for k, v in STATISTICS.items()},
            "distribution.std_param": made.numbers(1, made.M),
        },
        "critic_state_dict": {},
    },
}  # fmt: skip


@pytest.mark.parametrize("release", RSL)
def test_a_checkpoint_of_rsl_rl_computes_its_equations(run, tmp_path, release):
    rsl(tmp_path / "model.pt", **RSL[release])
    code, text, _ = run("rsl_rl", "model.pt", "--activation", "elu")
    assert code == 0, text
    prefix = "mlp" if release == "release 5" else "actor"
    t = {k: v.double().numpy() for k, v in made.dense(prefix, made.N, 16, made.M).items()}
    seen = np.linspace(-1, 1, made.N).astype(np.float32)
    x = (seen * np.array([10, 10, 1, 1, 1, 1]) - MEAN) / (np.sqrt(VAR) + 1e-2)
    h = t[f"{prefix}.0.weight"] @ x + t[f"{prefix}.0.bias"]
    a = t[f"{prefix}.2.weight"] @ np.where(h > 0, h, np.expm1(h)) + t[f"{prefix}.2.bias"]
    wanted = 1 / (1 + np.exp(-(5 * np.clip(a, -1, 1) - 2.5)))
    assert np.allclose(OnnxPolicy("policies/model/policy.onnx").step(seen), wanted, atol=1e-5)


@pytest.mark.parametrize(("kind", "gates"), [("lstm", 4), ("gru", 3)])
def test_a_recurrent_checkpoint_of_rsl_rl_has_its_memory(run, tmp_path, kind, gates):
    tensors = {**made.memory("memory_a.rnn", made.N, 8, gates), **made.dense("actor", 8, made.M)}
    rsl(tmp_path / "model.pt", model_state_dict=tensors)
    code, text, figures = run("rsl_rl", "model.pt")
    assert code == 0, text  # one dense layer: no activation to be asked for
    assert list(figures["hidden"]) == (["hidden", "cell"] if kind == "lstm" else ["hidden"])
    assert figures["differences"]["torch"] <= 1e-5
    policy = OnnxPolicy("policies/model/policy.onnx")
    policy.prepare_readout()
    first = policy.step(np.ones(made.N, np.float32))
    assert not np.allclose(first, policy.step(np.ones(made.N, np.float32)))


def network(path, first="obs", last="actions", state=("h_in", "h_out"), n=made.N):
    """y = W (x + mean of h), h' = h / 2 + x₀, as others name it."""
    helper, tensor = onnx.helper, onnx.TensorProto.FLOAT
    weight = np.arange(n * made.M, dtype=np.float32).reshape(n, made.M) / 50
    half = onnx.numpy_helper.from_array(np.float32([0.5]), "half")
    nodes = [
        helper.make_node("Mul", [state[0], "half"], ["kept"]),
        helper.make_node("ReduceMax", [first], ["top"], keepdims=1, axes=[1]),
        helper.make_node("Add", ["kept", "top"], [state[1]]),
        helper.make_node("ReduceMean", [state[1]], ["m"], keepdims=1, axes=[1]),
        helper.make_node("Add", [first, "m"], ["seen"]),
        helper.make_node("MatMul", ["seen", "weight"], [last]),
    ]
    info = helper.make_tensor_value_info
    inputs = [info(first, tensor, ["N", n]), info(state[0], tensor, [1, 3])]
    outputs = [info(last, tensor, ["N", made.M]), info(state[1], tensor, [1, 3])]
    graph = helper.make_graph(nodes, "net", inputs, outputs, [half, onnx.numpy_helper.from_array(weight, "weight")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return weight


STATE = "hidden: [[h, [1, 3]]]\n"


@pytest.mark.parametrize("names", [("obs", "actions", ("h", "h_out")), ("observation", "action", ("in", "out"))])
def test_any_onnx_network_is_a_policy_by_its_contract(run, tmp_path, names):
    weight = network("net.onnx", *names)
    graph = "" if names[2][0] == "h" else "graph: {hidden: {h: [in, out]}}\n"
    (tmp_path / "c.yaml").write_text(made.SQUASHED + STATE + graph)
    code, text, figures = run("onnx", "net.onnx", contract="c.yaml")
    assert code == 0, text
    assert figures["differences"]["the network"] <= 1e-5
    policy, h = OnnxPolicy("policies/net/policy.onnx"), np.zeros(3)
    policy.prepare_readout()
    for seen in np.random.default_rng(0).normal(0, 0.3, (5, made.N)).astype(np.float32):
        x = seen * np.float32([10, 10, 1, 1, 1, 1])
        h = h / 2 + x.max()
        wanted = 1 / (1 + np.exp(-(5 * np.clip((x + h.mean()) @ weight, -1, 1) - 2.5)))
        assert np.allclose(policy.step(seen), wanted, atol=1e-5)
    assert METADATA_KEY in {p.key for p in onnx.load("policies/net/policy.onnx").metadata_props}


class Wanting:
    def __reduce__(self):
        return os.system, ("exit 3",)


def test_bad_files_are_refused_in_one_sentence(run, tmp_path, monkeypatch):
    ppo = made.SB3["ppo"]
    (tmp_path / "model.zip").write_bytes(b"no zip")
    refused(run("sb3", "model.zip"), "model.zip is no zip file")
    refused(run("sb3", "none.zip"), "none.zip cannot be read: No such file")
    made.sb3("model.zip", *ppo)
    with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("policy.pth", bytes(3 << 20))
        file.writestr("data", "{}")
    with monkeypatch.context() as small:
        small.setattr(tensors, "LARGEST", 2 << 20)
        refused(run("sb3", "bomb.zip"), "policy.pth in bomb.zip has 3 MiB once it is decompressed; the limit is 2 MiB")
    made.sb3("model.zip", *ppo, **{"policy.pth": made.saved({"a": Wanting()})})
    refused(run("sb3", "model.zip"), "policy.pth in model.zip wants 'posix.system', which is more than tensors")
    made.sb3("model.zip", *ppo, **{"policy.pth": pickle.dumps({})})
    refused(run("sb3", "model.zip"), "policy.pth in model.zip is no zip file")
    made.sb3("model.zip", *ppo, data="[" * 100_000)
    refused(run("sb3", "model.zip"), "data in model.zip is no JSON")
    made.sb3("model.zip", {**ppo[0], "action_net.bias": torch.full((made.M,), torch.nan)}, ppo[1])
    refused(run("sb3", "model.zip"), "biases of layer 2 are not finite")
    huge = torch.zeros(1).expand(1 << 20, 1 << 20)
    made.sb3("model.zip", {**ppo[0], "action_net.weight": huge}, ppo[1])
    refused(run("sb3", "model.zip"), "'action_net.weight' with 1099511627776 numbers: too large")
    made.sb3("model.zip", {**ppo[0], "features_extractor.cnn.0.weight": torch.zeros(1, 1, 3, 3)}, ppo[1])
    refused(run("sb3", "model.zip"), "a features extractor", "policy import onnx")
    made.sb3("model.zip", *ppo[:2], n=7)
    refused(run("sb3", "model.zip"), "has an observation space of shape [7], its network has 6")
    made.sb3("model.zip", made.dense("mlp_extractor.policy_net", 5, 8) | made.linear("action_net", 8, 4), ppo[1], n=5)
    refused(run("sb3", "model.zip"), "the network observes 5 numbers, contract.yaml has 6")
    made.sb3("model.zip", ppo[0], "somebody.policies")
    refused(run("sb3", "model.zip"), "says nothing of its activation: say which, by --activation")
    made.sb3("model.zip", *ppo, low=0.0)
    refused(run("sb3", "model.zip"), "goes from 0 to 1, that of contract.yaml from -1 to 1")
    rsl(tmp_path / "model.pt", model_state_dict=RSL_MLP)
    refused(run("rsl_rl", "model.pt"), "no checkpoint of rsl_rl says which activation")
    refused(run("rsl_rl", "model.pt", "--activation", "relo"), "unknown activation 'relo'", "did you mean 'relu'?")
    rsl(tmp_path / "model.pt", other={})
    refused(run("rsl_rl", "model.pt"), "it has neither model_state_dict nor actor_state_dict")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (pickle.dumps(Wanting()), "env.pkl wants 'posix.system', which is more than arrays of numbers"),
        (made.vec_normalize(MEAN[:5], VAR[:5]), "the normaliser has 5 numbers, the network observes 6"),
        (made.vec_normalize(MEAN * np.nan, VAR), "env.pkl has no mean of the observations as one finite row"),
        (made.vec_normalize(MEAN, -VAR), "has a variance below 0"),
        (made.vec_normalize(MEAN, VAR, name="Monitor"), "what VecNormalize.save wrote is needed"),
        (pickle.dumps(3), "env.pkl holds a int"),
    ],
)
def test_a_normaliser_that_is_none_is_refused(run, tmp_path, data, sentence):
    made.sb3("model.zip", *made.SB3["ppo"])
    (tmp_path / "env.pkl").write_bytes(data)
    refused(run("sb3", "model.zip", "--vecnormalize", "env.pkl"), sentence)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (made.CONTRACT, "say in c.yaml how one becomes the other, as action_map"),
        (made.CONTRACT.replace("dt: 0.01", ""), "c.yaml does not say dt (its period, s)"),
        (made.CONTRACT + "rate: 100\n", "unknown key 'rate'"),
        (made.CONTRACT + "action_map: {gain: 2}\n", "action_map has an unknown key 'gain'"),
        (made.CONTRACT + "action_map: {squash: tanh}\n", "squash is 'tanh'"),
        (made.SQUASHED.replace("scale: 10", "scale: 0"), "scale of 'place' is 0"),
        (made.SQUASHED.replace("point_mass", "point_mas"), "did you mean 'point_mass'?"),
        (made.SQUASHED.replace("unit: m/s", "unit: mm/s"), "in 'mm/s'"),
        (made.SQUASHED.replace("right, up, left", "right, up, west"), "'left'"),
        (made.SQUASHED.replace('unit: "1", ', ""), "action does not say unit"),
    ],
)
def test_what_a_contract_does_not_say_is_asked_for(run, tmp_path, text, sentence):
    made.sb3("model.zip", *made.SB3["ppo"])
    (tmp_path / "c.yaml").write_text(text)
    refused(run("sb3", "model.zip", contract="c.yaml"), sentence)


def test_what_a_network_means_is_asked_for(run, tmp_path):
    made.sb3("model.zip", *made.SB3["ppo"])
    refused(run("sb3", "model.zip", contract=""), "neither which effector it commands nor what its numbers mean")
    refused(run("sb3", "model.zip", "--env", "Baoding-v0"), "--env and --contract say the same: give one")
    network("net.onnx")
    refused(run("onnx", "net.onnx"), "say in contract.yaml which is the observation")
    (tmp_path / "c.yaml").write_text(made.SQUASHED + STATE)
    refused(run("onnx", "net.onnx", contract="c.yaml"), "say in c.yaml which is the observation", "hidden")
    network("net.onnx", state=("h", "h_out"), n=5)
    refused(run("onnx", "net.onnx", contract="c.yaml"), "has shape (?, 5), c.yaml tells of (1, 6)")


def test_a_policy_that_is_there_is_not_written_over(run):
    made.sb3("model.zip", *made.SB3["ppo"])
    assert run("sb3", "model.zip")[0] == 0
    code, text, _ = run("sb3", "model.zip")
    assert code == 2 and "is there already: give another folder by --out" in text


def test_an_environment_says_what_the_numbers_mean(run):
    """39 excitations of the contest's actions, and velocities in metres a period."""
    pytest.importorskip("gymnasium")
    n, m = 86, 39
    tensors = {**made.memory("lstm_actor", n, 8, 4), **made.linear("action_net", 8, m)}
    data = json.dumps({"policy_class": {"__module__": made.RECURRENT}})
    made.sb3("model.zip", tensors, made.RECURRENT, data=data)
    words = ("sb3", "model.zip", "--env", "Baoding-v0", "--option", "observation=contest", "--option", "direction=cw")
    code, text, figures = run(*words, contract="")
    assert code == 0, text
    assert (figures["effector"], figures["dt"]) == ("baoding_hand", 0.025)
    contract = OnnxPolicy("policies/model/policy.onnx").contract
    assert contract.observation[2].unit == "m/s" and contract.fingerprint
    assert contract.task_options == {"direction": "cw"}  # its trials are of this skill
    code, text, _ = run("sb3", "model.zip", "--env", "Baoding-v0", "--option", "observation=policy", contract="")
    assert code == 2 and "the network observes 86 numbers, Baoding-v0 observation=policy has 112" in text
