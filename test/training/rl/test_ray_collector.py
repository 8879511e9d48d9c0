"""Collectors on two nodes give what one gives, also when a node is killed; skipped where Ray is not installed."""

import os
import socket
import time
from pathlib import Path

import numpy as np
import pytest

from myoprosthesis.core.errors import ConfigError
from myoprosthesis.training.rl import curriculum as curricula
from myoprosthesis.training.rl.collector_spec import CollectorSpec
from myoprosthesis.training.rl.curriculum_reinforcement import CurriculumReinforcement
from myoprosthesis.training.rl.promotion import curriculum_trainer
from myoprosthesis.training.rl.ray_collector import RayCollector
from myoprosthesis.training.rl.trainable_env import make

DATA = {
    "name": "point",
    "env": "point_env:Point-v0",
    "simulations": 64,
    "steps": 16,
    "network": {"actor": [16], "critic": [16]},
    "current_share": 0.5,
    "stages": [{"name": "near", "batches": 2, "task": {"sides": 2}}, {"name": "far", "batches": 50}],
}


@pytest.fixture(scope="module")
def cluster():
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'myoprosthesis[ray]'")
    from ray.cluster_utils import Cluster

    os.environ["RAY_AUTH_MODE"] = "disabled"
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.second = made.add_node(num_cpus=1)
    made.wait_for_nodes()
    yield made
    import ray

    ray.shutdown()
    made.shutdown()


def spec():
    env = make(DATA["env"], 1, {})
    plan = curricula.curriculum(DATA, env)
    return plan, CollectorSpec.of(plan, 0)


def trained(plan, collector, folder, updates, between=lambda run: None):
    run = curriculum_trainer(CurriculumReinforcement(plan, collector, 0), folder)

    def report(run, means, row):
        between(run)
        return run.progress.total < updates

    run.train(report)
    return run.algorithm.weights()


def same(one, two):
    return all(bool((one[k][n] == two[k][n]).all()) for k in ("actor", "critic") for n in one[k])


def test_two_nodes_give_what_one_machine_gives_also_when_one_of_them_is_killed(cluster, tmp_path):
    plan, whole = spec()
    wanted = trained(plan, whole.make(), tmp_path / "local", 5)
    collector = RayCollector(whole, cluster.address)
    assert [part.spec.simulations for part in collector._parts] == [32, 32]
    assert len({part.node for part in collector._parts}) == 2
    assert collector.contract("skill").name == "skill"
    import ray

    killed = []

    def kill(run):
        if run.progress.total != 3:
            return
        cluster.remove_node(cluster.second, allow_graceful=False)
        until = time.monotonic() + 60
        while not killed and time.monotonic() < until:  # its processes end a moment after the node
            for part in collector._parts:
                try:
                    ray.get(part.actor.description.remote())
                except ray.exceptions.RayActorError:
                    killed.append(part.node)

    got = trained(plan, collector, tmp_path / "ray", 5, kill)
    assert killed == [cluster.second.node_id] and same(wanted, got)
    assert collector.replaced == 1 and {part.node for part in collector._parts} == {cluster.head_node.node_id}

    resumed = curriculum_trainer(CurriculumReinforcement(plan, collector, 0), tmp_path / "ray")
    resumed.resume()
    assert resumed.progress.total == 5
    resumed.update()
    alone = curriculum_trainer(CurriculumReinforcement(plan, whole.make(), 0), tmp_path / "local")
    alone.resume()
    alone.update()
    assert same(alone.algorithm.weights(), resumed.algorithm.weights())
    collector.close()


def test_simulations_are_shared_in_whole_blocks():
    _, whole = spec()
    for simulations, count, sizes in ((64, 2, [32, 32]), (100, 2, [64, 36]), (8, 3, [8]), (512, 3, [160, 160, 192])):
        parts = CollectorSpec(**{**vars(whole), "simulations": simulations}).parts(count)
        assert [part.simulations for part in parts] == sizes
        assert [part.first for part in parts] == np.cumsum([0, *sizes[:-1]]).tolist()


@pytest.mark.parametrize("address", ["ray://127.0.0.1:{port}", "127.0.0.1:{port}", "nowhere", "ray://h:no"])
def test_a_wrong_address_is_a_sentence(address):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'myoprosthesis[ray]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConfigError, match="no Ray cluster answers at .*ray start --head"):
        RayCollector(spec()[1], address.format(port=port))
