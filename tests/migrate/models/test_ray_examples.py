"""Ray's own example models, rewritten: native ones compute exactly what they computed."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

rllib = pytest.importorskip("ray.rllib")
MODELS = Path(rllib.__file__).parent / "examples" / "_old_api_stack" / "models"
Box, Dict, Discrete = gym.spaces.Box, gym.spaces.Dict, gym.spaces.Discrete
VECTOR = Box(-1, 1, (6,), np.float32)

CASES = {
    "TorchActionMaskModel": (
        "action_mask_model",
        Dict({"action_mask": Box(0, 1, (4,), np.int8), "observations": VECTOR}),
        Discrete(4),
        [{}, {"no_masking": True}],
    ),
    "TorchFastModel": ("fast_model", VECTOR, Discrete(3), [{}]),
    "TorchSharedWeightsModel": ("shared_weights_model", VECTOR, Box(-1, 1, (2,), np.float32), [{}]),
    "TorchCentralizedCriticModel": ("centralized_critic_models", Discrete(6), Discrete(2), [{}]),
    "YetAnotherTorchCentralizedCriticModel": (
        "centralized_critic_models",
        Dict(
            {
                "own_obs": Discrete(6),
                "opponent_obs": Discrete(6),
                "opponent_action": Discrete(2),
            }
        ),
        Discrete(2),
        [{}],
    ),
}


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("share", [True, False])
def test_example_is_native_and_exact(migrate, equal, name, share) -> None:
    stem, obs_space, action_space, customs = CASES[name]
    done = migrate({f"{stem}.py": (MODELS / f"{stem}.py").read_text()})
    assert done.items[name].outcome == "native"
    old, new = done.old(f"{stem}.py"), done.new(f"{stem}.py")
    for custom in customs:
        equal(
            getattr(old, name),
            getattr(new, name),
            obs_space,
            action_space,
            custom,
            vf_share_layers=share,
        )


def test_every_example_has_one_outcome_and_settles(migrate) -> None:
    files = {p.name: p.read_text() for p in sorted(MODELS.glob("*.py"))}
    done = migrate(files)
    assert [o.error for o in done.outcomes if o.error] == []
    texts = {name: done.text(name) for name in files}
    again = migrate(texts)
    assert {name: again.text(name) for name in files} == texts
