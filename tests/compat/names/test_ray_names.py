"""Old import paths resolve inside `ray_names()`, and nothing is left behind outside."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

import pytest

from rlmigrate import ray_names
from rlmigrate.compat.names import UnknownInRay
from rlmigrate.errors import UsageError
from rlmigrate.new_stack.era import current_era

has_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray")


def state():
    ray_modules = {name: module for name, module in sys.modules.items() if name.startswith("ray")}
    return ray_modules, list(sys.meta_path), "gym" in sys.modules


def test_leaving_restores_modules_and_meta_path():
    before = state()
    with ray_names(ray=False):
        import ray.rllib.agents.ppo
        import ray.rllib.models.torch.torch_modelv2  # noqa: F401
    assert state() == before


def test_leaving_by_an_error_restores_too():
    before = state()
    with pytest.raises(ZeroDivisionError), ray_names(ray=False):
        raise ZeroDivisionError(importlib.import_module("ray"))
    assert state() == before
    assert current_era() is None


def test_nested_contexts_restore_one_by_one():
    before = state()
    with ray_names(ray=False, era="2.4"):
        import ray

        outer = ray
        with ray_names(ray=False):
            import ray

            assert ray is not outer
            assert current_era() == "any"
        assert sys.modules["ray"] is outer
        assert current_era() == "2.4"
    assert state() == before


def test_without_ray_old_names_are_ours():
    with ray_names(ray=False):
        from ray.rllib.models import ModelCatalog
        from ray.rllib.models.torch.misc import SlimFC
        from ray.rllib.policy.sample_batch import SampleBatch
    for found in (ModelCatalog, SlimFC, SampleBatch):
        assert found.__module__.startswith("rlmigrate.legacy.")


def test_one_object_under_all_its_old_names():
    with ray_names(ray=False):
        from ray.rllib.core.rl_module.marl_module import MultiAgentRLModuleSpec
        from ray.rllib.core.rl_module.multi_rl_module import MultiRLModuleSpec
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec, SingleAgentRLModuleSpec
    assert MultiAgentRLModuleSpec is MultiRLModuleSpec
    assert SingleAgentRLModuleSpec is RLModuleSpec


def test_names_that_no_release_had_resolve_to_what_documents_mean():
    with ray_names(ray=False):
        from ray.rllib.core import Columns, MultiRLModuleSpec, RLModuleSpec, TorchRLModule
    found = {cls.__name__ for cls in (Columns, MultiRLModuleSpec, RLModuleSpec, TorchRLModule)}
    assert found == {"Columns", "MultiRLModuleSpec", "RLModuleSpec", "TorchRLModule"}


def test_star_import_gives_what_is_implemented():
    scope: dict[str, object] = {}
    with ray_names(ray=False):
        exec("from ray.rllib.models.torch.misc import *", scope)
    assert {"SlimFC", "SlimConv2d", "normc_initializer"} <= set(scope)


QMIX = r"QMixTrainer .* lived in Ray 0\.8 to 2\.3"


def test_class_without_implementation_can_be_imported_and_says_on_use_where_it_lived():
    with ray_names(ray=False):
        from ray.rllib.agents.qmix import QMixTrainer

        class Mine(QMixTrainer):
            pass

    for use in (QMixTrainer, Mine):
        with pytest.raises(UnknownInRay, match=QMIX):
            use(config={})
        with pytest.raises(ImportError, match=QMIX):
            _ = use.default_policy
        assert not hasattr(use, "__wrapped__")


def test_function_without_implementation_says_so_when_called():
    with ray_names(ray=False):
        from ray.rllib.utils.test_utils import check_learning_achieved
    with pytest.raises(UnknownInRay, match="check_learning_achieved is not implemented here"):
        check_learning_achieved()


def test_derived_trainers_and_policies_are_missing_as_well():
    with ray_names(ray=False):
        from ray.rllib.agents.a3c.a3c_torch_policy import A3CTorchPolicy
        from ray.rllib.agents.trainer_template import build_trainer

        policy = A3CTorchPolicy.with_updates(name="Mine", loss_fn=len)
        trainer = build_trainer(name="Its", default_policy=policy).with_updates(name="Other")
    assert [policy.__name__, trainer.__name__] == ["Mine", "Other"]
    for missing, old in ((policy, "A3CTorchPolicy"), (trainer, "build_trainer")):
        with pytest.raises(UnknownInRay, match=old):
            missing(config={})


def test_default_config_without_implementation_says_so_when_a_key_is_read():
    with ray_names(ray=False):
        from ray.rllib.agents.a3c.a2c import A2C_DEFAULT_CONFIG
    mine = {**A2C_DEFAULT_CONFIG.copy(), "lr": 1.0}
    assert mine == {"lr": 1.0}
    with pytest.raises(UnknownInRay, match=r"A2C_DEFAULT_CONFIG .*'num_workers' was"):
        _ = A2C_DEFAULT_CONFIG["num_workers"]


def test_constant_without_a_value_written_out_is_an_import_error():
    with ray_names(ray=False), pytest.raises(UnknownInRay, match=r"ALGORITHMS.*Ray 0\.8 to"):
        from ray.rllib.agents.registry import ALGORITHMS  # noqa: F401


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        ("ray.rllib.execution.common", "LEARN_ON_BATCH_TIMER", "learn"),
        ("ray.rllib.env.base_env", "_DUMMY_AGENT_ID", "agent0"),
        ("ray.rllib.agents.dqn.dqn_tf_policy", "Q_SCOPE", "q_func"),
        ("ray.rllib.algorithms.ppo.ppo", "LEARNER_RESULTS_KL_KEY", "mean_kl_loss"),
        # Imported there from the module that binds it.
        ("ray.rllib.core", "COMPONENT_RL_MODULE", "rl_module"),
        ("ray.rllib.algorithms.ppo.ppo", "LEARNER_STATS_KEY", "learner_stats"),
    ],
)
def test_constants_have_the_values_of_their_releases(module, name, value):
    with ray_names(ray=False):
        assert getattr(importlib.import_module(module), name) == value


@pytest.mark.parametrize(
    "dotted",
    [
        "ray.rllib.algorithms.ppo.PPO",
        "ray.rllib.algorithms.dqn.dqn.DQN",
        "ray.rllib.algorithms.pg.PG",
        "ray.tune.schedulers.PopulationBasedTraining",
        "ray.air.RunConfig",
        "ray.tune.Tuner",
        "ray.train.Checkpoint",
        "ray.rllib.evaluation.episode.MultiAgentEpisode",
        "ray.rllib.agents.ppo.ppo_policy.PPOTFPolicy",
        "ray.ObjectRef",
    ],
)
def test_algorithms_and_what_trains_them_can_be_imported_and_say_so_on_use(dotted):
    home, _, name = dotted.rpartition(".")
    with ray_names(ray=False):
        found = getattr(importlib.import_module(home), name)
        assert issubclass(type("Mine", (found,), {}), found)
    with pytest.raises(UnknownInRay, match=f"{name} is not implemented here"):
        found()


@pytest.mark.parametrize(
    ("old", "ours"),
    [
        ("ray.rllib.policy.build_tf_policy", "ray.rllib.policy.tf_policy_template.build_tf_policy"),
        (
            "ray.rllib.algorithms.sac.sac_torch_policy.build_policy_class",
            "ray.rllib.policy.policy_template.build_policy_class",
        ),
        (
            "ray.rllib.agents.ppo.ppo_torch_policy.EntropyCoeffSchedule",
            "ray.rllib.policy.torch_mixins.EntropyCoeffSchedule",
        ),
    ],
)
def test_what_a_module_had_only_imported_leads_to_where_it_came_from(old, ours):
    def found(dotted):
        home, _, name = dotted.rpartition(".")
        return getattr(importlib.import_module(home), name)

    pytest.importorskip("tensorflow") if "tf" in old else None
    with ray_names(ray=False):
        assert found(old) is found(ours)
        assert found(old).__module__.startswith("rlmigrate.legacy")


def test_era_holds_for_names_that_the_table_lacks():
    with ray_names(ray=False, era="1.0"):
        from ray.rllib.execution.common import STEPS_TRAINED_COUNTER  # noqa: F401

        with pytest.raises(ImportError, match=r"no name of Ray 1\.0"):
            from ray.rllib.execution.common import AGENT_STEPS_TRAINED_COUNTER  # noqa: F401
    with ray_names(ray=False, era="2.4"), pytest.raises(ImportError):
        importlib.import_module("ray.rllib.optimizers")


@has_ray
def test_beside_ray_a_module_that_is_gone_stays_gone_where_nothing_implements_it():
    with ray_names(), pytest.raises(ImportError):
        importlib.import_module("ray.rllib.optimizers.rollout")


def test_old_files_may_mark_what_runs_on_a_cluster_and_catch_its_errors():
    with ray_names(ray=False):
        import ray
        from ray.exceptions import RayError
        from ray.tune.error import TuneError
        from ray.util.annotations import PublicAPI

        @PublicAPI(stability="beta")
        @ray.remote(num_cpus=1)
        class Worker:
            pass

        @ray.remote
        def work():
            pass

        starts: Any = (Worker, work)
        for start in (starts[0].options(num_gpus=1).remote, starts[1].remote):
            with pytest.raises(ImportError, match=r"remote\(\) needs Ray"):
                start()
        try:
            raise ZeroDivisionError
        except (RayError, TuneError):
            raise AssertionError from None
        except ZeroDivisionError:
            pass


def test_cloudpickle_is_the_package():
    cloudpickle = pytest.importorskip("cloudpickle")
    with ray_names(ray=False):
        from ray import cloudpickle as found

        assert found.dumps is cloudpickle.dumps
        assert found.loads(found.dumps([1])) == [1]


def test_module_that_no_release_had_is_an_import_error():
    with ray_names(ray=False), pytest.raises(ImportError, match=r"ray\.rllib\.nothing"):
        importlib.import_module("ray.rllib.nothing")


def test_unknown_attribute_is_an_attribute_error():
    with ray_names(ray=False):
        module = importlib.import_module("ray.rllib.models.torch.misc")
        assert not hasattr(module, "no_such_thing")


def test_era_gives_exactly_its_names():
    with ray_names(ray=False, era="2.4"):
        from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec  # noqa: F401

        with pytest.raises(ImportError, match=r"no name of Ray 2\.4.*2\.35 and later"):
            from ray.rllib.core.rl_module.rl_module import RLModuleSpec  # noqa: F401


def test_era_lacks_modules_that_came_later():
    with ray_names(ray=False, era="1.13"), pytest.raises(ImportError):
        importlib.import_module("ray.rllib.core.rl_module.multi_rl_module")


@pytest.mark.parametrize("era", ["", "two", "2", "2.x"])
def test_era_that_is_no_release_is_refused(era):
    with pytest.raises(UsageError, match="release"), ray_names(era=era):
        pass


def test_ray_itself_does_nothing():
    with ray_names(ray=False):
        import ray

        ray.init(num_cpus=2)
        assert ray.is_initialized()
        assert ray.get(ray.put(3)) == 3
        ray.shutdown()
        assert not ray.is_initialized()


def test_register_env_keeps_the_maker():
    with ray_names(ray=False):
        from ray.tune.registry import ENV_CREATOR, _global_registry, register_env

        register_env("corridor", dict)
        assert _global_registry.get(ENV_CREATOR, "corridor") is dict
        with pytest.raises(ValueError, match="corridor"):
            _global_registry.get(ENV_CREATOR, "maze")


@pytest.mark.skipif(importlib.util.find_spec("gym") is not None, reason="gym is installed")
def test_gym_is_gymnasium_with_its_old_face():
    import gymnasium

    with ray_names(ray=False):
        import gym
        from gym.spaces import Box

        env = gym.make("CartPole-v1")
        assert Box is gymnasium.spaces.Box
        assert gym.Env is gymnasium.Env
        env.seed(1)
        assert env.observation_space.contains(env.reset())
        assert len(env.step(0)) == 4
    assert "gym" not in sys.modules


@has_ray
def test_with_ray_its_own_names_stay_its_own():
    with ray_names():
        from ray.rllib.models.torch.misc import SlimFC
    assert SlimFC.__module__ == "ray.rllib.models.torch.misc"


@has_ray
def test_with_ray_missing_modules_and_names_are_added_and_taken_away():
    import ray.rllib.core.rl_module.rl_module as real

    before = state()
    with ray_names():
        from ray.rllib.agents.ppo import PPOTrainer
        from ray.rllib.core.rl_module.marl_module import MultiAgentRLModule
        from ray.rllib.core.rl_module.rl_module import SingleAgentRLModuleSpec
    from ray.rllib.algorithms.ppo import PPO
    from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule

    assert (PPOTrainer, MultiAgentRLModule) == (PPO, MultiRLModule)
    assert SingleAgentRLModuleSpec is real.RLModuleSpec
    assert not hasattr(real, "SingleAgentRLModuleSpec")
    after = state()
    assert set(before[0]) <= set(after[0])
    assert after[1:] == before[1:]
    with pytest.raises(ImportError):
        importlib.import_module("ray.rllib.agents.ppo")


@has_ray
def test_default_config_is_a_dict_again():
    with ray_names():
        from ray.rllib.agents.ppo.ppo import DEFAULT_CONFIG
    assert isinstance(DEFAULT_CONFIG, dict)
    assert DEFAULT_CONFIG["lr"] > 0


def test_names_that_numpy_dropped_are_there_inside_only():
    import numpy as np

    with ray_names(ray=False):
        assert np.product((2, 3)) == 6
        assert np.zeros(2, dtype=np.float).dtype == np.float64
    assert not hasattr(np, "product")


def test_names_that_python_dropped_are_there_inside_only():
    import collections
    import collections.abc

    with ray_names(ray=False):
        assert vars(collections)["Iterable"] is collections.abc.Iterable
    assert "Iterable" not in vars(collections)


def test_configs_that_old_files_make_while_they_are_imported():
    with ray_names(ray=False):
        from ray.rllib.agents import with_common_config
        from ray.rllib.agents.ddpg.ddpg import DDPGTrainer
        from ray.rllib.agents.trainer import COMMON_CONFIG

        merged = DDPGTrainer.merge_trainer_configs({"a": {"b": 1}}, {"a": {"c": 2}})
    assert merged == {"a": {"b": 1, "c": 2}}
    config = with_common_config({"num_workers": 7, "mine": 1, "model": {"use_lstm": True}})
    assert (config["num_workers"], config["mine"]) == (7, 1)
    assert config["model"]["use_lstm"]
    assert config["model"]["lstm_cell_size"] == 256
    assert COMMON_CONFIG["num_workers"] == 0
    assert not COMMON_CONFIG["model"]["use_lstm"]


def test_search_spaces_at_the_top_of_a_file_are_marks():
    with ray_names(ray=False):
        from ray import tune

        space = {"lr": tune.loguniform(1e-5, 1e-2), "size": tune.choice([64, 128])}
    assert repr(space["size"]) == "Domain(distribution='choice', arguments=([64, 128],))"


@has_ray
def test_constants_have_rays_values():
    import ray.rllib.core
    import ray.rllib.utils.metrics

    from rlmigrate.compat.names import result_names

    homes = (ray.rllib.core, ray.rllib.utils.metrics)
    checked = 0
    for name, value in vars(result_names).items():
        for home in homes:
            if name.isupper() and hasattr(home, name):
                assert getattr(home, name) == value
                checked += 1
    assert checked >= 20


def test_star_imports_bring_stand_ins_and_what_the_module_had_imported():
    space: dict[str, Any] = {}
    with ray_names(ray=False):
        exec("from ray.rllib.execution.replay_buffer import *", space)
        base = space["LocalReplayBuffer"]
        override = space["override"]

        class Buffer(base):  # type: ignore[misc, valid-type]
            @override(base)
            def add_batch(self, batch):
                """Only a stand-in knows which methods it has."""

        with pytest.raises(UnknownInRay, match="LocalReplayBuffer"):
            Buffer()
        assert base[int] is base
    assert space["logging"] is importlib.import_module("logging")


def test_each_framework_has_its_own_helpers_of_one_name():
    with ray_names(ray=False):
        from ray.rllib.utils import numpy, torch_ops, torch_utils

        for name in ("one_hot", "huber_loss", "l2_loss"):
            ours = getattr(torch_utils, name)
            assert ours.__module__ == "rlmigrate.legacy.utils.torch_utils"
            assert getattr(torch_ops, name) is ours
            assert getattr(numpy, name).__module__ == "rlmigrate.legacy.utils.numpy"


def test_a_class_may_extend_what_is_missing_and_an_abstract_class():
    with ray_names(ray=False):
        from ray.rllib.core.models.base import Encoder
        from ray.rllib.core.models.tf.base import TfModel

        class Tokenizer(TfModel, Encoder):
            """Defined while a file is imported, and never used."""

        with pytest.raises(UnknownInRay):
            Tokenizer(None)
