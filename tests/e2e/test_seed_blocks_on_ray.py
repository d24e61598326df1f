"""The documents' code blocks that build an Algorithm, on the installed Ray.

Blocks of the 2.38 and 2.40 documents run as they are. Ray 2.60 refuses the forms of older ones, so
`rlmigrate rewrite` brings these up to date first. Two blocks of 2.40 raise in every release, and
run on `new_stack` alone: the one that hands one spec to all agents (rule RLM603 rewrites it), and
the shared encoder's: it reads the MultiRLModule's observation_space, and no Algorithm sets one.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from rlmigrate import ray_names
from rlmigrate.errors import RlmigrateError

pytestmark = pytest.mark.slow

TRAINING = """
    from pprint import pprint

    from ray.rllib.algorithms.ppo import PPOConfig

    config = PPOConfig().framework("torch").environment("CartPole-v1")
    algorithm = config.build()

    for _ in range(2):
        result = algorithm.train()
        pprint(result)
"""
ONE_MODULE = """
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule
    from ray.rllib.core.testing.bc_algorithm import BCConfigTest

    config = (
        BCConfigTest()
        .api_stack(
            enable_rl_module_and_learner=True,
            enable_env_runner_and_connector_v2=True,
        )
        .environment("CartPole-v1")
        .rl_module(
            rl_module_spec=RLModuleSpec(
                module_class=DiscreteBCTorchModule,
                model_config={"fcnet_hiddens": [32, 32]},
            ),
        )
    )
    algorithm = config.build()
    print(algorithm.get_module())
"""
TWO_MODULES = """
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
    from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule
    from ray.rllib.core.testing.bc_algorithm import BCConfigTest
    from ray.rllib.examples.envs.classes.multi_agent import MultiAgentCartPole

    config = (
        BCConfigTest()
        .api_stack(
            enable_rl_module_and_learner=True,
            enable_env_runner_and_connector_v2=True,
        )
        .environment(MultiAgentCartPole, env_config={"num_agents": 2})
        .multi_agent(
            policies={"p0", "p1"},
            policy_mapping_fn=lambda agent_id, episode, **kw: f"p{agent_id}",
        )
        .rl_module(
            rl_module_spec=MultiRLModuleSpec(
                rl_module_specs={
                    "p0": RLModuleSpec(
                        module_class=DiscreteBCTorchModule,
                        model_config={"fcnet_hiddens": [32, 32]},
                    ),
                    "p1": RLModuleSpec(
                        module_class=DiscreteBCTorchModule,
                        model_config={"fcnet_hiddens": [128, 128]},
                    ),
                },
            ),
        )
    )
    algorithm = config.build()
    print(algorithm.get_module("p0"), algorithm.get_module("p1"))
"""
OLD_SPEC = """
    from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec
    from ray.rllib.core.testing.torch.bc_module import DiscreteBCTorchModule
    from ray.rllib.core.testing.bc_algorithm import BCConfigTest

    config = (
        BCConfigTest()
        .environment("CartPole-v1")
        .rl_module(
            _enable_rl_module_api=True,
            rl_module_spec=SingleAgentRLModuleSpec(
                module_class=DiscreteBCTorchModule,
                model_config_dict={"fcnet_hiddens": [32, 32]},
            ),
        )
    )
    algorithm = config.build()
"""
RESTORING = """
    import gymnasium as gym
    import tempfile
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.algorithms.ppo.ppo_catalog import PPOCatalog
    from ray.rllib.algorithms.ppo.torch.ppo_torch_rl_module import PPOTorchRLModule
    from ray.rllib.core.rl_module.rl_module import RLModule, RLModuleSpec

    config = (
        PPOConfig()
        .api_stack(
            enable_rl_module_and_learner=True,
            enable_env_runner_and_connector_v2=True,
        ).environment("CartPole-v1")
    )
    env = gym.make("CartPole-v1")
    module_spec = RLModuleSpec(
        module_class=PPOTorchRLModule,
        observation_space=env.observation_space,
        action_space=env.action_space,
        model_config_dict=config.model_config | {"fcnet_hiddens": [32]},
        catalog_class=PPOCatalog,
    )
    module = module_spec.build()

    module_ckpt_path = tempfile.mkdtemp()
    module.save_to_path(module_ckpt_path)
    loaded_module = RLModule.from_checkpoint(module_ckpt_path)

    config.rl_module(model_config_dict=config.model_config | {"fcnet_hiddens": [32]})
    algorithm = config.build()
    algorithm.restore_from_path(
        module_ckpt_path,
        component="learner_group/learner/rl_module/default_policy",
    )
"""


@pytest.fixture(scope="module", autouse=True)
def _ray():
    import ray

    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def run(block, *, era=None):
    """Run a block under the old names; give the Algorithm that it built."""
    found = {}
    with ray_names(era=era):
        exec(compile(textwrap.dedent(block), "<block>", "exec"), found)
    return found


def test_training_ppo_of_the_document_of_2_38(capsys):
    found = run(TRAINING)
    try:
        assert found["result"]["training_iteration"] == 2
        assert "training_iteration" in capsys.readouterr().out
    finally:
        found["algorithm"].stop()


def test_one_module_of_the_document_of_2_40():
    algorithm = run(ONE_MODULE)["algorithm"]
    try:
        module = algorithm.get_module()
        assert type(module).__name__ == "DiscreteBCTorchModule"
        assert module.model_config == {"fcnet_hiddens": [32, 32]}
    finally:
        algorithm.stop()


def test_two_modules_of_the_document_of_2_40():
    algorithm = run(TWO_MODULES)["algorithm"]
    try:
        sizes = [algorithm.get_module(name).policy[0].out_features for name in ("p0", "p1")]
        assert sizes == [32, 128]
    finally:
        algorithm.stop()


def rewritten(block, folder: Path):
    """Bring a block that the names of Ray 2.60 refuse up to date."""
    with pytest.raises(RlmigrateError, match=r"in Ray 2\.60|of Ray 2\.60"):
        run(block, era="2.60")
    script = folder / "script.py"
    script.write_text(textwrap.dedent(block), encoding="utf-8")
    command = [sys.executable, "-m", "rlmigrate", "rewrite", "--write", str(script)]
    subprocess.run(command, check=False, capture_output=True, text=True)
    return script.read_text(encoding="utf-8")


def test_a_spec_of_the_document_of_2_4_is_rewritten_first(tmp_path: Path):
    algorithm = run(rewritten(OLD_SPEC, tmp_path))["algorithm"]
    try:
        assert algorithm.get_module().policy[0].out_features == 32
    finally:
        algorithm.stop()


def test_a_module_restored_into_an_algorithm_is_rewritten_first(tmp_path: Path):
    found = run(rewritten(RESTORING, tmp_path))
    try:
        saved, loaded = found["module"].state_dict(), found["loaded_module"].state_dict()
        restored = found["algorithm"].get_module().state_dict()
        assert all(saved[name].equal(value) for name, value in loaded.items())
        assert all(saved[name].equal(value) for name, value in restored.items())
        assert restored
    finally:
        found["algorithm"].stop()
