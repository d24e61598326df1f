"""Run the TorchPolicyV2 subclasses of Ray 2.2 on our base class and on Ray 2.60's, and compare.

    python benchmarks/policies_of_2_2.py FOLDER [--only NAME,...]

FOLDER is ray/rllib as unzipped from the wheel of 2.2.0. The policies and the files beside them
(models, helpers) are imported as they lie there; everything else that they import from RLlib comes
from `ray_names(ray=False)` on one side and from the installed Ray on the other, with what it has
dropped served by `ray_names()`. Default configs, which need a trainer, are replaced by the settings
below. Same seeds must give the same weights, actions, extra outputs and log-likelihoods, or the
same error where a policy refuses. MAML's files need the package `higher`.
"""

from __future__ import annotations

import argparse
import copy
import importlib
import importlib.util
import inspect
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete

from rlmigrate import ray_names

OBS = Box(-1, 1, (4,), np.float32)
IMAGES = Box(-1, 1, (3, 64, 64), np.float32)
TWO = Box(-1, 1, (2,), np.float32)
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
    **{"vtrace_clip_rho_threshold": 1.0, "vtrace_clip_pg_rho_threshold": 1.0, "horizon": 20},
    **{"twin_q": True, "tau": 0.005, "actor_lr": 1e-3, "critic_lr": 1e-3, "n_step": 1},
    **{"actor_hiddens": [8], "actor_hidden_activation": "relu", "target_network_update_freq": 0},
    **{"critic_hiddens": [8], "critic_hidden_activation": "relu", "adam_epsilon": 1e-8},
    **{"num_envs_per_worker": 1, "num_envs_per_env_runner": 1, "seed": None},
    **{"inner_adaptation_steps": 1, "inner_lr": 0.1, "use_meta_env": True, "multiagent": {}},
}
GREEDY = {"type": "EpsilonGreedy", "initial_epsilon": 0.5, "final_epsilon": 0.5}
NOISE = {
    **{"type": "OrnsteinUhlenbeckNoise", "random_timesteps": 0, "ou_base_scale": 0.1},
    **{"ou_theta": 0.15, "ou_sigma": 0.2, "initial_scale": 1.0, "final_scale": 0.02},
    "scale_timesteps": 10000,
}
# What a policy needs beyond SETTINGS: its spaces, and settings.
CASES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "A3CTorchPolicy": (OBS, Discrete(3), {}),
    "APPOTorchPolicy": (OBS, Discrete(3), {}),
    "BanditTorchPolicy": (OBS, Discrete(3), {"exploration_config": {"type": "ThompsonSampling"}}),
    "CRRTorchPolicy": (
        *(OBS, Discrete(3)),
        {
            **{"weight_type": "bin", "temperature": 1.0, "max_weight": 20.0, "n_action_sample": 4},
            **{"advantage_type": "mean", "td_error_loss_fn": "mse"},
            "categorical_distribution_temperature": 1.0,
        },
    ),
    "DDPGTorchPolicy": (
        *(OBS, TWO),
        {
            **{"policy_delay": 1, "smooth_target_policy": False, "use_state_preprocessor": False},
            **{"use_huber": False, "huber_threshold": 1.0, "l2_reg": 1e-6, "target_noise": 0.2},
            **{"exploration_config": NOISE, "replay_buffer_config": {}},
        },
    ),
    "DTTorchPolicy": (
        *(OBS, Discrete(3)),
        {
            **{"embed_dim": 16, "num_layers": 1, "num_heads": 1, "target_return": 10.0},
            **{"embed_pdrop": 0.1, "resid_pdrop": 0.1, "attn_pdrop": 0.1, "loss_coef_actions": 1},
            "optimizer": {"weight_decay": 1e-4, "betas": (0.9, 0.95)},
            "model": {"max_seq_len": 5},
        },
    ),
    "DreamerTorchPolicy": (
        *(IMAGES, TWO),
        {
            **{"explore_noise": 0.3, "action_repeat": 1, "prefill_timesteps": 0},
            **{"imagine_horizon": 3, "free_nats": 3.0, "td_model_lr": 1e-3, "batch_size": 2},
            **{"batch_length": 4, "env_config": {"frame_skip": 1}},
            "dreamer_model": {
                **{"deter_size": 16, "stoch_size": 4, "depth_size": 4, "hidden_size": 8},
                **{"action_init_std": 5.0},
            },
        },
    ),
    "ImpalaTorchPolicy": (OBS, Discrete(3), {"vtrace": True, "rollout_fragment_length": 4}),
    "MAMLTorchPolicy": (OBS, TWO, {"num_workers": 1}),
    "MARWILTorchPolicy": (OBS, Discrete(3), {}),
    "MBMPOTorchPolicy": (
        *(OBS, TWO),
        {"num_workers": 1, "dynamics_model": {"fcnet_hiddens": [8], "vf_share_layers": True}},
    ),
    "PGTorchPolicy": (OBS, Discrete(3), {}),
    "PPOTorchPolicy": (OBS, Discrete(3), {}),
    "SimpleQTorchPolicy": (OBS, Discrete(3), {"exploration_config": GREEDY}),
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
        if name == "DEFAULT_CONFIG":
            return {}
        return Settings if name.endswith("Config") else self


class _Nothing(Loader):
    """Loads a package without its __init__, or a trainer's file as stand-ins."""

    def exec_module(self, module: ModuleType) -> None:
        if not hasattr(module, "__path__"):
            module.__dict__["__getattr__"] = Trainers().__getattr__


class Wheel(MetaPathFinder):
    """Finds the files of algorithms in the unzipped wheel, except trainers and TF's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        parts = fullname.split(".")[2:]
        if parts[:1] != ["algorithms"] and parts[-1:] != ["mingpt"]:
            return None
        place = self.folder.joinpath(*parts)
        if place.is_dir() and len(parts) == 2:
            spec = ModuleSpec(fullname, _Nothing(), is_package=True)
            spec.submodule_search_locations = [str(place)]
            return spec
        if place.name == place.parent.name:
            return ModuleSpec(fullname, _Nothing())
        if len(parts) == 2 or place.name.endswith("_tf_policy"):
            return None
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if not file.exists():
            return None
        return importlib.util.spec_from_file_location(fullname, file)


@contextmanager
def files_of(folder: Path) -> Iterator[None]:
    """Let the algorithms of the wheel stand in the place of those that are installed."""

    def algorithms() -> list[str]:
        return [
            name
            for name in sys.modules
            if name.startswith("ray.rllib.algorithms.")
            and folder.joinpath(*name.split(".")[2:4]).is_dir()
        ]

    importlib.import_module("ray.rllib.algorithms")
    saved = {name: sys.modules.pop(name) for name in algorithms()}
    finder = Wheel(folder)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in algorithms():
            del sys.modules[name]
        sys.modules.update(saved)


def giving_four(sampler: Any) -> Any:
    """Let an `action_sampler_fn` give four values, as Ray asks for since 2.3."""

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        actions, logp, states = sampler(*args, **kwargs)
        return actions, logp, None, states

    return wrapped


def build(home: str, name: str, *, real: bool) -> Any:
    """Import a policy class and build it."""
    module: Any = importlib.import_module(home)
    for each in [m for n, m in sys.modules.items() if n.startswith("ray.rllib.algorithms.")]:
        if "ray" in vars(each):
            vars(each)["ray"] = Trainers()
        if "validate_config" in vars(each):
            vars(each)["validate_config"] = lambda config: None
    from ray.rllib.models import MODEL_DEFAULTS

    obs, actions, settings = copy.deepcopy(CASES[name])
    model = {**copy.deepcopy(MODEL_DEFAULTS), "fcnet_hiddens": [8], **settings.pop("model", {})}
    if "dreamer_model" in settings:
        dreamer = importlib.import_module("ray.rllib.algorithms.dreamer.dreamer_model")
        settings["dreamer_model"]["custom_model"] = dreamer.DreamerModel
    torch.manual_seed(0)
    np.random.seed(0)
    kind = getattr(module, name)
    if real and name == "DreamerTorchPolicy":
        kind.action_sampler_fn = giving_four(kind.action_sampler_fn)
    return kind(obs, actions, {**SETTINGS, **settings, "model": model})


def act(policy: Any, x: np.ndarray) -> tuple[Any, dict[str, Any]]:
    """Give the actions for a batch, and what comes with them."""
    if hasattr(policy, "get_initial_input_dict"):  # the decision transformer acts on these only
        first = policy.get_initial_input_dict(x[0])
        batch = {key: np.asarray(value)[None] for key, value in first.items()}
        actions, _, extra = policy.compute_actions_from_input_dict(batch)
    elif "input_dict" in inspect.signature(policy.compute_actions).parameters:
        actions, _, extra = policy.compute_actions(input_dict={"obs": torch.from_numpy(x)})
    else:
        states = [np.stack([np.asarray(s)] * len(x)) for s in policy.get_initial_state()]
        actions, _, extra = policy.compute_actions(x, states)
    return actions, extra


def results(folder: Path, home: str, name: str, *, real: bool) -> dict[str, Any]:
    """Give weights, actions, extra outputs and log-likelihoods by name, or errors."""
    with ray_names(ray="auto" if real else False), files_of(folder):
        policy = build(home, name, real=real)
        x = np.random.default_rng(0).normal(size=(5, *policy.observation_space.shape))
        x = x.astype(np.float32).clip(-1, 1)
        found: dict[str, Any] = {f"weight {k}": v for k, v in policy.get_weights().items()}
        torch.manual_seed(1)
        np.random.seed(1)
        actions, extra = act(policy, x)
        found["actions"] = actions
        found |= {f"extra {key}": value for key, value in extra.items()}
        try:
            found["log-likelihoods"] = policy.compute_log_likelihoods(actions, x)
        except Exception as error:
            found["log-likelihoods"] = f"{type(error).__name__}: {error}"
        return found


def same(one: Any, two: Any) -> bool:
    if isinstance(one, str) or isinstance(two, str):
        return isinstance(one, str) and isinstance(two, str)  # both refuse, in their own words
    return np.array_equal(as_array(one), as_array(two))


def as_array(value: Any) -> Any:
    return value.detach().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def judged(sides: list[Any]) -> str:
    """Say in words how the two sides compare."""
    if any(isinstance(side, str) for side in sides):
        told = [side if isinstance(side, str) else "runs" for side in sides]
        return f"ours {told[0]} | Ray {told[1]}"
    ours, rays = sides
    differing = [key for key in {**ours, **rays} if not same(ours.get(key), rays.get(key))]
    if differing:
        return f"DIFFERS in {differing[:5]} ({ours.get(differing[0])} | {rays.get(differing[0])})"
    odds = ours["log-likelihoods"]
    refused = f", log-likelihoods both refused ({odds[:70]})" if isinstance(odds, str) else ""
    return f"equal, {len(ours)} arrays{refused}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    os.environ.setdefault("RLLIB_TEST_NO_TF_IMPORT", "1")
    wanted = set(options.only.split(",")) if options.only else set(CASES)
    for path in sorted(options.folder.joinpath("algorithms").rglob("*_torch_policy.py")):
        text = path.read_text()
        for name in sorted(wanted):
            if f"\nclass {name}(" not in text:
                continue
            inner = path.relative_to(options.folder).with_suffix("")
            home = ".".join(("ray", "rllib", *inner.parts))
            sides: list[Any] = []
            for real in (False, True):
                try:
                    sides.append(results(options.folder, home, name, real=real))
                except Exception as error:
                    if os.environ.get("TRACE"):
                        import traceback

                        traceback.print_exc()
                    sides.append(f"{type(error).__name__}: {str(error)[:150]}")
            print(f"{name}: {judged(sides)}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
