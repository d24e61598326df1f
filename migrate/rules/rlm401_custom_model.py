"""`training(model={"custom_model": ...})` becomes an RLModuleSpec."""

from __future__ import annotations

from collections.abc import Iterable

from rlmigrate.migrate.configs.findings import builder_findings
from rlmigrate.migrate.findings import Kind
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule


def check(context: FileContext) -> Iterable[Finding]:
    """Find custom models in builder calls."""
    return builder_findings(context, "RLM401")


_MODELS = """
from torch import nn
from ray.rllib.core.rl_module.torch import TorchRLModule


class Net(TorchRLModule):
    def setup(self):
        self.layer = nn.Linear(4, 2)
"""

RULE = Rule(
    code="RLM401",
    name="custom-model",
    kind=Kind.CONFIG,
    summary="A custom model in a config becomes the module class of an RLModuleSpec.",
    explanation="""
The new stack ignores `custom_model`, and raises where one is set. The name is followed through
`register_custom_model`, across files, to the class; the class is rewritten by the RLM1xx rules
under its own name, so the config names it directly. Keys of `custom_model_config` become keys of
`model_config` for a native module; a wrapped model keeps them where they were.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    unchanged=(
        Case(
            "config_of_another_library",
            """
from trainer import PPOConfig

config = PPOConfig().training(model={"custom_model": "net"})
""",
        ),
        Case(
            "spec_is_there_already",
            """
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from models import Net

config = PPOConfig().rl_module(rl_module_spec=RLModuleSpec(module_class=Net))
""",
            other_files={"models.py": _MODELS},
        ),
    ),
    cases=(
        Case(
            "registered_in_the_same_file",
            """
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.models import ModelCatalog
from models import Net

ModelCatalog.register_custom_model("net", Net)
config = (
    PPOConfig()
    .environment("CartPole-v1")
    .training(
        lr=0.001,
        model={"custom_model": "net", "custom_model_config": {"hidden": 32}},
    )
)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from models import Net

config = (
    PPOConfig()
    .environment("CartPole-v1")
    .training(
        lr=0.001,
    )
    .rl_module(rl_module_spec=RLModuleSpec(module_class=Net, model_config={"hidden": 32}))
)
""",
            other_files={"models.py": _MODELS},
        ),
    ),
)
