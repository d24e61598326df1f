"""Which class of Ray's is which of ours, in checkpoints of all releases.

The first name of several for one class is that of Ray 2.60, and the one that is written.
"""

from __future__ import annotations

import functools
import importlib

_CORE = "ray.rllib.core"
_RLM = f"{_CORE}.rl_module"
_ALGO = "ray.rllib.algorithms"
_DIST = f"{_CORE}.distribution.torch.torch_distribution"
_OLD_DIST = "ray.rllib.models.torch.torch_distributions"

# Ray's dotted name: our module below rlmigrate.new_stack and the name in it.
RAY_CLASSES: dict[str, str] = {
    f"{_RLM}.rl_module.RLModule": "rl_module:RLModule",
    f"{_RLM}.torch.torch_rl_module.TorchRLModule": "torch_rl_module:TorchRLModule",
    f"{_RLM}.multi_rl_module.MultiRLModule": "multi_rl_module:MultiRLModule",
    f"{_RLM}.marl_module.MultiAgentRLModule": "multi_rl_module:MultiRLModule",
    f"{_RLM}.rl_module.RLModuleSpec": "specs:RLModuleSpec",
    f"{_RLM}.rl_module.SingleAgentRLModuleSpec": "specs:RLModuleSpec",
    f"{_RLM}.rl_module.RLModuleConfig": "specs:RLModuleConfig",
    f"{_RLM}.multi_rl_module.MultiRLModuleSpec": "multi_specs:MultiRLModuleSpec",
    f"{_RLM}.marl_module.MultiAgentRLModuleSpec": "multi_specs:MultiRLModuleSpec",
    f"{_RLM}.multi_rl_module.MultiRLModuleConfig": "multi_specs:MultiRLModuleConfig",
    f"{_RLM}.marl_module.MultiAgentRLModuleConfig": "multi_specs:MultiRLModuleConfig",
    f"{_RLM}.default_model_config.DefaultModelConfig": "models.default_config:DefaultModelConfig",
    f"{_CORE}.models.catalog.Catalog": "catalog.catalog:Catalog",
    f"{_ALGO}.ppo.ppo_catalog.PPOCatalog": "catalog.ppo:PPOCatalog",
    f"{_ALGO}.bc.bc_catalog.BCCatalog": "catalog.bc:BCCatalog",
    f"{_ALGO}.dqn.dqn_catalog.DQNCatalog": "catalog.dqn:DQNCatalog",
    f"{_ALGO}.dqn.dqn_rainbow_catalog.DQNRainbowCatalog": "catalog.dqn:DQNCatalog",
    f"{_ALGO}.sac.sac_catalog.SACCatalog": "catalog.sac:SACCatalog",
    f"{_ALGO}.ppo.torch.default_ppo_torch_rl_module.DefaultPPOTorchRLModule": (
        "defaults.ppo:DefaultPPOTorchRLModule"
    ),
    f"{_ALGO}.ppo.torch.ppo_torch_rl_module.PPOTorchRLModule": (
        "defaults.ppo:DefaultPPOTorchRLModule"
    ),
    f"{_ALGO}.bc.torch.default_bc_torch_rl_module.DefaultBCTorchRLModule": (
        "defaults.bc:DefaultBCTorchRLModule"
    ),
    f"{_ALGO}.bc.torch.bc_torch_rl_module.BCTorchRLModule": "defaults.bc:DefaultBCTorchRLModule",
    f"{_ALGO}.dqn.torch.default_dqn_torch_rl_module.DefaultDQNTorchRLModule": (
        "defaults.dqn:DefaultDQNTorchRLModule"
    ),
    f"{_ALGO}.dqn.torch.dqn_rainbow_torch_rl_module.DQNRainbowTorchRLModule": (
        "defaults.dqn:DefaultDQNTorchRLModule"
    ),
    f"{_ALGO}.sac.torch.default_sac_torch_rl_module.DefaultSACTorchRLModule": (
        "defaults.sac:DefaultSACTorchRLModule"
    ),
    f"{_ALGO}.sac.torch.sac_torch_rl_module.SACTorchRLModule": (
        "defaults.sac:DefaultSACTorchRLModule"
    ),
    f"{_CORE}.testing.torch.bc_module.DiscreteBCTorchModule": (
        "defaults.discrete_bc:DiscreteBCTorchModule"
    ),
    f"{_DIST}.TorchCategorical": "distributions:TorchCategorical",
    f"{_OLD_DIST}.TorchCategorical": "distributions:TorchCategorical",
    f"{_DIST}.TorchDiagGaussian": "distributions:TorchDiagGaussian",
    f"{_OLD_DIST}.TorchDiagGaussian": "distributions:TorchDiagGaussian",
    f"{_DIST}.TorchSquashedGaussian": "distributions:TorchSquashedGaussian",
    f"{_OLD_DIST}.TorchSquashedGaussian": "distributions:TorchSquashedGaussian",
    f"{_DIST}.TorchDeterministic": "distributions:TorchDeterministic",
    f"{_DIST}.TorchMultiCategorical": "distributions:TorchMultiCategorical",
    f"{_DIST}.TorchMultiDistribution": "distributions:TorchMultiDistribution",
}


def class_for(ray_name: str) -> type | None:
    """Return our class for a dotted name of Ray's, or None."""
    home = RAY_CLASSES.get(ray_name)
    return None if home is None else _load(home)


@functools.cache
def _load(home: str) -> type:
    module, _, name = home.partition(":")
    found: type = getattr(importlib.import_module(f"rlmigrate.new_stack.{module}"), name)
    return found


def ray_name_of(cls: type) -> str | None:
    """Return Ray's dotted name for a class of ours, or None."""
    if not cls.__module__.startswith("rlmigrate.new_stack"):
        return None
    for ray_name, home in RAY_CLASSES.items():
        if home.partition(":")[2] == cls.__qualname__ and _load(home) is cls:
            return ray_name
    return None
