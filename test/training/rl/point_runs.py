"""Training runs in the small environment."""

from myoprosthesis.training.rl import curriculum as curricula
from myoprosthesis.training.rl.collector_spec import CollectorSpec
from myoprosthesis.training.rl.curriculum_reinforcement import CurriculumReinforcement
from myoprosthesis.training.rl.promotion import curriculum_trainer
from myoprosthesis.training.rl.trainable_env import make


def data(**changes):
    return {
        "name": "point",
        "env": "Point-v0",
        "simulations": 64,
        "steps": 32,
        "network": {"actor": [32, 32], "critic": [32, 32], "smoothing": 0.3},
        "ppo": {"minibatch": 512, "learning_rate": 1e-3, "gamma": 0.95},
        "stages": [
            {"name": "near", "batches": 60, "promote": 0.55, "task": {"distance": [0.3, 0.6], "sides": 2}},
            {"name": "far", "batches": 60, "promote": 0.6, "task": {"distance": [0.3, 1.2], "sides": 2}},
        ],
        **changes,
    }


def start(folder, written=None, seed=0, **options):
    written = written or data()
    head = curricula.header(written)
    env = make(head.env, 1, head.env_options)
    plan = curricula.curriculum(written, env)
    env.close()
    collector = CollectorSpec.of(plan, seed).make()
    algorithm = CurriculumReinforcement(plan, collector, seed)
    return curriculum_trainer(algorithm, folder, **options)


def never_stop(run, means, row):
    return True
