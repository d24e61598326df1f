"""The old-stack example models that Ray ships run here unmodified, with Ray's numbers.

Their files are executed as they are, with `ray.rllib...` names taken from rlmigrate.legacy.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, Tuple

from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog
from rlmigrate.legacy.spaces import Repeated

EXAMPLES = "ray.rllib.examples._old_api_stack.models"
HOMES = {
    "ray.rllib.models.torch.torch_modelv2": "rlmigrate.legacy.models.torch_modelv2",
    "ray.rllib.models.torch.fcnet": "rlmigrate.legacy.models.fcnet",
    "ray.rllib.models.torch.misc": "rlmigrate.legacy.models.misc",
    "ray.rllib.models.torch.torch_action_dist": "rlmigrate.legacy.distributions",
    "ray.rllib.models.modelv2": "rlmigrate.legacy.models.modelv2",
    "ray.rllib.algorithms.dqn.dqn_torch_model": "rlmigrate.legacy.models.dqn_model",
}
# Neutral helpers; what they import is Ray's own TF or plain functions.
ALLOWED = (
    "ray.rllib.utils.",
    "ray.rllib.offline",
    "ray.rllib.models.tf.",
    "ray.rllib.algorithms.dqn.distributional_q_tf_model",
)
DISCRETE = Discrete(3)


def on_legacy(module: str) -> types.ModuleType:
    """Execute a module of Ray's with our classes for its bases."""

    def import_(name: str, *args: Any) -> Any:
        if name in HOMES:
            return importlib.import_module(HOMES[name])
        assert not name.startswith("ray.") or name.startswith(ALLOWED), name
        return builtins.__import__(name, *args)

    spec = importlib.util.find_spec(f"{EXAMPLES}.{module}")
    assert spec is not None
    assert spec.origin is not None
    loaded = types.ModuleType(module)
    loaded.__dict__["__builtins__"] = {**vars(builtins), "__import__": import_}
    exec(compile(Path(spec.origin).read_text(), spec.origin, "exec"), loaded.__dict__)
    return loaded


def on_ray(module: str) -> types.ModuleType:
    return importlib.import_module(f"{EXAMPLES}.{module}")


def both(module: str, name: str) -> tuple[type, type]:
    return getattr(on_legacy(module), name), getattr(on_ray(module), name)


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def flat(space: Any, batch: int = 4) -> tuple[Any, torch.Tensor]:
    preprocessor = ModelCatalog.get_preprocessor_for_space(space)
    space.seed(0)
    rows = np.stack([preprocessor.transform(space.sample()) for _ in range(batch)])
    return preprocessor.observation_space, torch.from_numpy(rows).float()


VECTOR = Box(-1, 1, (6,), np.float32)
MASKED = Dict(action_mask=Box(0, 1, (3,), np.float32), observations=VECTOR)
PARAMETRIC = Dict(
    action_mask=Box(0, 1, (3,), np.float32),
    avail_actions=Box(-1, 1, (3, 2), np.float32),
    cart=Box(-1, 1, (4,), np.float32),
)
CRITIC = Dict(opponent_action=Discrete(2), opponent_obs=Discrete(6), own_obs=Discrete(6))


@pytest.mark.parametrize(
    ("module", "name", "space", "actions", "outputs"),
    [
        ("action_mask_model", "TorchActionMaskModel", MASKED, DISCRETE, 3),
        ("centralized_critic_models", "TorchCentralizedCriticModel", VECTOR, DISCRETE, 3),
        ("centralized_critic_models", "YetAnotherTorchCentralizedCriticModel", CRITIC, DISCRETE, 3),
        ("fast_model", "TorchFastModel", VECTOR, DISCRETE, 3),
        ("parametric_actions_model", "TorchParametricActionsModel", PARAMETRIC, DISCRETE, 3),
        ("shared_weights_model", "TorchSharedWeightsModel", VECTOR, DISCRETE, 3),
        (
            "autoregressive_action_model",
            "TorchAutoregressiveActionModel",
            VECTOR,
            Tuple([Discrete(2), Discrete(2)]),
            16,
        ),
    ],
)
def test_model(module, name, space, actions, outputs, twins, equal):
    pair_of_classes = both(module, name)
    if name == "TorchSharedWeightsModel":
        # One layer per imported file; make the two start alike.
        ours_layer, rays_layer = (
            cls.__init__.__globals__["TORCH_GLOBAL_SHARED_LAYER"] for cls in pair_of_classes
        )
        ours_layer.load_state_dict(rays_layer.state_dict())
    obs_space, obs = flat(space)
    pair = twins(obs_space, actions, outputs, custom_model=pair_of_classes, fcnet_hiddens=[8])
    equal(pair.ours({"obs": obs}), pair.rays({"obs": obs}))
    equal(pair.ours.value_function(), pair.rays.value_function())
    if name == "TorchCentralizedCriticModel":
        args = (obs, obs, torch.tensor([0, 1, 1, 0]))
        equal(pair.ours.central_value_function(*args), pair.rays.central_value_function(*args))


def test_repeated_observations(twins, equal, capsys):
    from ray.rllib.utils.spaces.repeated import Repeated as RayRepeated

    from rlmigrate.legacy.preprocessors import get_preprocessor

    ours_class, rays_class = both("simple_rpg_model", "CustomTorchRPGModel")

    def players(repeated: Callable[..., Any]) -> Any:
        items = repeated(Box(0, 1, (5,), np.float32), 3)
        return repeated(Dict(items=items, location=Box(0, 100, (2,), np.float32)), 2)

    space = players(Repeated)
    preprocessor = get_preprocessor(space)(space)
    obs_space = preprocessor.observation_space
    rays_space = Box(-1.0, 1.0, preprocessor.shape, np.float32)
    rays_space.original_space = players(RayRepeated)
    space.seed(0)
    obs = torch.from_numpy(np.stack([preprocessor.transform(space.sample()) for _ in range(3)]))
    models = []
    for cls, its_space in ((ours_class, obs_space), (rays_class, rays_space)):
        torch.manual_seed(0)
        models.append(cls(its_space, DISCRETE, 3, {**MODEL_DEFAULTS, "fcnet_hiddens": [8]}, "m"))
    outs = []
    for model in models:
        outs.append(model({"obs": obs.float()}))
        assert "Fully unbatched" in capsys.readouterr().out
    equal(*outs)
    equal(models[0].value_function(), models[1].value_function())


@pytest.fixture
def distributions(twins):
    """The autoregressive distribution over the autoregressive model, on both stacks."""
    ours, rays = both("autoregressive_action_dist", "TorchBinaryAutoregressiveDistribution")
    pair = twins(
        VECTOR,
        Tuple([Discrete(2), Discrete(2)]),
        16,
        custom_model=both("autoregressive_action_model", "TorchAutoregressiveActionModel"),
    )
    inputs, others = randn(5, 16), -randn(5, 16)
    return [
        (cls(inputs, model), cls(others, model))
        for cls, model in ((ours, pair.ours), (rays, pair.rays))
    ]


def test_autoregressive_distribution(distributions, equal):
    outs = []
    for dist, other in distributions:
        torch.manual_seed(4)
        outs.append(
            (
                dist.sample(),
                dist.sampled_action_logp(),
                dist.deterministic_sample(),
                dist.logp(torch.tensor([[0, 1]] * 5)),
                dist.entropy(),
                dist.kl(other),
                dist.required_model_output_shape(None, None),
            )
        )
    equal(*outs)


def test_custom_loss(twins, equal, tmp_path):
    from ray.rllib.offline.json_writer import JsonWriter
    from ray.rllib.policy.sample_batch import SampleBatch

    writer = JsonWriter(str(tmp_path))
    writer.write(
        SampleBatch(
            {"obs": randn(5, 6).numpy(), "actions": np.array([0, 1, 2, 1, 0], dtype=np.int64)}
        )
    )
    files = [str(path) for path in tmp_path.iterdir()]
    pair = twins(
        VECTOR,
        DISCRETE,
        3,
        custom_model=both("custom_loss_model", "TorchCustomLossModel"),
        custom_model_config={"input_files": files},
        fcnet_hiddens=[8],
    )
    equal(pair.ours({"obs": randn(4, 6)}), pair.rays({"obs": randn(4, 6)}))
    equal(pair.ours.value_function(), pair.rays.value_function())
    losses = [model.custom_loss([torch.tensor(1.0)], {}) for model in (pair.ours, pair.rays)]
    equal(*losses)
    equal(pair.ours.metrics(), pair.rays.metrics())
