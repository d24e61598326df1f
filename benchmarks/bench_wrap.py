"""Time wrapped modules beside the ModelV2 they hold, in one run, one torch thread.

    python benchmarks/bench_wrap.py

Prints the ratios that docs and issues speak of.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from timing import best

warnings.filterwarnings("ignore")

OBS, ACTIONS = gym.spaces.Box(-1, 1, (8,), np.float32), gym.spaces.Discrete(4)


def ratio(
    new: Callable[[], object], old: Callable[[], object], *, rounds: int = 1000
) -> tuple[float, float, float]:
    """Return the best times of both in microseconds, and their ratio."""
    start = time.thread_time()
    old()
    new()
    calls = max(2, int(0.001 / (time.thread_time() - start)))
    found = best({"old": old, "new": new}, calls=calls, rounds=rounds)
    return found["new"] * 1e6, found["old"] * 1e6, found["new"] / found["old"]


def build(stack: Any, model_config: dict[str, Any]) -> Any:
    from rlmigrate import wrap_model

    if stack == "ray":
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec as Spec
        from ray.rllib.models.torch.fcnet import FullyConnectedNetwork as Net
    else:
        from rlmigrate.legacy.models.fcnet import FullyConnectedNetwork as Net
        from rlmigrate.new_stack import RLModuleSpec as Spec
    spec: Any = Spec(
        module_class=wrap_model(Net, stack=stack),
        observation_space=OBS,
        action_space=ACTIONS,
        model_config=model_config,
    )
    return spec.build()


def feed_forward(stack: str, batch_size: int, limits: tuple[float, float]) -> None:
    module = build(stack, {"fcnet_hiddens": [256, 256]})
    model = module.legacy_model
    batch = {"obs": torch.rand(batch_size, 8)}

    def old() -> None:
        with torch.no_grad():
            model(batch)

    def new() -> None:
        module.forward_inference(batch)

    def old_train() -> None:
        model(batch)
        model.value_function()

    def new_train() -> None:
        outputs = module.forward_train(batch)
        module.compute_values(batch, outputs["embeddings"])

    show(f"{stack} inference B={batch_size}", ratio(new, old), limits[0])
    show(f"{stack} train+values B={batch_size}", ratio(new_train, old_train), limits[1])


def recurrent(stack: str) -> None:
    module = build(stack, {"use_lstm": True, "lstm_cell_size": 256})
    model = module.legacy_model
    state = {name: value[None] for name, value in module.get_initial_state().items()}
    batch = {"obs": torch.rand(1, 1, 8), "state_in": state}
    flat, states, ones = {"obs": batch["obs"][0]}, list(state.values()), torch.ones(1)

    def old() -> None:
        with torch.no_grad():
            model(flat, states, ones)

    show(f"{stack} LSTM step", ratio(lambda: module.forward_inference(batch), old), 1.15)


def conversion() -> None:
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy

    from rlmigrate import convert_checkpoint

    config = PPOConfig().api_stack(
        enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False
    )
    config.framework("torch").training(model={"fcnet_hiddens": [3400, 3400]})
    policy = PPOTorchPolicy(OBS, ACTIONS, config.to_dict())
    with tempfile.TemporaryDirectory() as folder:
        policy.export_checkpoint(f"{folder}/old")
        file = Path(folder, "old", "policy_state.pkl")
        least = [float("inf"), float("inf")]
        for repeat in range(8):
            for side, call in enumerate(
                (
                    file.read_bytes,
                    lambda: convert_checkpoint(f"{folder}/old", f"{folder}/{repeat}"),  # noqa: B023
                )
            ):
                start = time.process_time()
                call()
                least[side] = min(least[side], time.process_time() - start)
            shutil.rmtree(f"{folder}/{repeat}")
        size = file.stat().st_size / 2**20
        show(f"convert {size:.0f} MiB", (least[1] * 1e6, least[0] * 1e6, least[1] / least[0]), 3.0)


def show(name: str, measured: tuple[float, float, float], limit: float) -> None:
    new, old, found = measured
    print(f"{name:32} {new:8.1f} us {old:8.1f} us  {found:5.2f}x  (limit {limit})")


def main() -> None:
    torch.set_num_threads(1)
    print(f"{'':32} {'wrapped':>11} {'ModelV2':>11}")
    for stack in ("ray", "builtin"):
        feed_forward(stack, 1, (1.2, 1.15))
        feed_forward(stack, 256, (1.02, 1.03))
        recurrent(stack)
    conversion()


if __name__ == "__main__":
    main()
