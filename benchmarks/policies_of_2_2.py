"""Run the TorchPolicyV2 subclasses of Ray 2.2 on our base class and on Ray 2.60's, and compare.

    python benchmarks/policies_of_2_2.py FOLDER

FOLDER is ray/rllib/algorithms as unzipped from the wheel of 2.2.0. Each file is imported as it is
under `ray_names(ray=False)`, and under `ray_names()` on the installed Ray, where names of 2.2 are
served that it has dropped. Default configs, which need a trainer, are replaced by the settings
below. Same seeds must give the same weights, actions, extra outputs and log-likelihoods.
"""

from __future__ import annotations

import copy
import importlib.util
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete

from rlmigrate import ray_names

OBS = Box(-1, 1, (4,), np.float32)
SETTINGS: dict[str, Any] = {
    **{"framework": "torch", "explore": True, "gamma": 0.99, "lr": 1e-3, "lr_schedule": None},
    **{"entropy_coeff": 0.0, "entropy_coeff_schedule": None, "use_gae": True, "lambda": 1.0},
    **{"use_critic": True, "vf_loss_coeff": 0.5, "grad_clip": None, "num_gpus": 0, "beta": 1.0},
    **{"_fake_gpus": False, "num_env_runners": 0, "num_workers": 0, "worker_index": 0},
    **{"train_batch_size": 32, "normalize_actions": True, "_disable_preprocessor_api": False},
    **{"_disable_action_flattening": False, "in_evaluation": False, "output": None},
    **{"kl_coeff": 0.2, "kl_target": 0.01, "clip_param": 0.3, "vf_clip_param": 10.0},
    **{"vtrace": False, "opt_type": "adam", "epsilon": 0.1, "momentum": 0.0, "decay": 0.99},
    **{"_separate_vf_optimizer": False, "_lr_vf": 1e-3, "_tf_policy_handles_more_than_one_loss": 0},
    **{"vf_coeff": 1.0, "moving_average_sqd_adv_norm_start": 100.0, "bc_logstd_coeff": 0.0},
    **{"exploration_config": {"type": "StochasticSampling"}, "simple_optimizer": True},
    **{"moving_average_sqd_adv_norm_update_rate": 1e-8, "minibatch_size": 32},
    **{"rollout_fragment_length": 32, "vtrace_drop_last_ts": True, "use_kl_loss": True},
}


class Settings:
    """In the place of a default config."""

    def to_dict(self) -> dict[str, Any]:
        return {}

    @staticmethod
    def from_dict(config: dict[str, Any]) -> dict[str, Any]:
        return Given(config)


class Given(dict[str, Any]):
    """A config whose keys are attributes, too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Trainers:
    """In the place of the `ray` of a policy file, which reads default configs from it."""

    def __getattr__(self, name: str) -> Any:
        return Settings if name.endswith("Config") else self


def policy(path: Path) -> Any:
    """Import a file and build its policy, for discrete actions or else for continuous ones."""
    name = f"of_2_2_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ray = Trainers()
    module.validate_config = lambda config: None
    if hasattr(module, "PGConfig"):
        module.PGConfig = Settings
    found = [
        value
        for key, value in vars(module).items()
        if key.endswith("TorchPolicy") and getattr(value, "__module__", "") == name
    ]
    from ray.rllib.models import MODEL_DEFAULTS

    last: BaseException | None = None
    for actions in (Discrete(3), Box(-1, 1, (2,), np.float32)):
        torch.manual_seed(0)
        np.random.seed(0)
        model = {**copy.deepcopy(MODEL_DEFAULTS), "fcnet_hiddens": [8]}
        try:
            return found[0](OBS, actions, {**copy.deepcopy(SETTINGS), "model": model})
        except Exception as error:
            last = last or error
    assert last is not None
    raise last


def results(path: Path, *, real: bool) -> list[Any]:
    """Give arrays: weights, actions, extra outputs, log-likelihoods."""
    with ray_names(ray="auto" if real else False):
        built = policy(path)
        x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
        torch.manual_seed(1)
        actions, _, extra = built.compute_actions(x)
        logp = built.compute_log_likelihoods(actions, x)
        weights = built.get_weights()
        parts = [weights[k] for k in sorted(weights)] + [extra[k] for k in sorted(extra)]
        return [actions, *parts, np.asarray(logp)]


def main() -> int:
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    os.environ.setdefault("RLLIB_TEST_NO_TF_IMPORT", "1")
    for path in sorted(Path(sys.argv[1]).rglob("*_torch_policy.py")):
        found: list[Any] = []
        for real in (False, True):
            try:
                found.append(results(path, real=real))
            except Exception as error:
                found.append(f"{type(error).__name__}: {str(error)[:90]}")
        ours, rays = found
        if isinstance(ours, str) or isinstance(rays, str):
            told = [part if isinstance(part, str) else "runs" for part in found]
            print(f"{path.stem}: ours {told[0]} | Ray {told[1]}")
        else:
            same = len(ours) == len(rays) and all(map(np.array_equal, ours, rays))
            print(f"{path.stem}: {'equal' if same else 'DIFFERS'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
