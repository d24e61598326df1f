"""Cases of the rule."""

from __future__ import annotations

from rlmigrate.migrate.rules.base import Case

UNCHANGED = (
    Case(
        "method_that_nothing_calls_and_that_does_nothing",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_postprocess_trajectory(self, *, worker, episode, agent_id, **kwargs):
        \"\"\"Left for later.\"\"\"
        pass
""",
    ),
    Case(
        "constructor_of_a_base_of_their_own",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Base(RLlibCallback):
    def __init__(self, path=None):
        super().__init__()
        self.path = path


class Heir(Base):
    def __init__(self, path):
        super().__init__(path)


class Mixed(RLlibCallback, Base):
    def __init__(self, path):
        super().__init__(path)
""",
    ),
    Case(
        "arguments_of_both_stacks",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Mine(RLlibCallback):
    def on_episode_end(self, *, episode, env_runner=None, worker=None, **kwargs):
        print((env_runner or worker), len(episode))
""",
    ),
    Case(
        "callbacks_of_another_library",
        """
import ray.rllib
from keras.callbacks import Callback


class Log(Callback):
    def on_episode_end(self, worker, episode):
        episode.custom_metrics["x"] = 1
""",
    ),
    Case(
        "arguments_of_today",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_end(self, *, episode, metrics_logger, **kwargs):
        metrics_logger.log_value("x", len(episode))
""",
    ),
)

CASES = (
    Case(
        "dict_of_functions",
        """
from typing import Generic, TypeVar

from ray.rllib.callbacks.callbacks import RLlibCallback

T = TypeVar("T")


class Log(RLlibCallback):
    def __init__(self, legacy_callbacks_dict=None):
        super().__init__(legacy_callbacks_dict)
        self.seen = 0


class Named(RLlibCallback):
    def __init__(self, size=2, legacy_callbacks_dict=None):
        RLlibCallback.__init__(self, legacy_callbacks_dict=legacy_callbacks_dict)
        self.size = size


class Reading(RLlibCallback, Generic[T]):
    def __init__(self, legacy_callbacks_dict=None):
        super().__init__(legacy_callbacks_dict)
        print(legacy_callbacks_dict)
""",
        """
from typing import Generic, TypeVar

from ray.rllib.callbacks.callbacks import RLlibCallback

T = TypeVar("T")


class Log(RLlibCallback):
    def __init__(self):
        super().__init__()
        self.seen = 0


class Named(RLlibCallback):
    def __init__(self, size=2):
        RLlibCallback.__init__(self)
        self.size = size


class Reading(RLlibCallback, Generic[T]):
    def __init__(self, legacy_callbacks_dict=None):
        super().__init__()
        print(legacy_callbacks_dict)
""",
    ),
    Case(
        "custom_metrics",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_start(self, *, worker, base_env, policies, episode, env_index, **kwargs):
        episode.user_data["angles"] = []

    def on_episode_end(self, *, worker, episode, env_index, **kwargs):
        mean = sum(episode.user_data["angles"]) / episode.length
        episode.custom_metrics["angle"] = mean
""",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_start(self, *, env_runner, env, rl_module, episode, env_index, **kwargs):
        episode.custom_data["angles"] = []

    def on_episode_end(self, *, env_runner, episode, env_index, metrics_logger, **kwargs):
        mean = sum(episode.custom_data["angles"]) / len(episode)
        metrics_logger.log_value("angle", mean, reduce="mean")
""",
    ),
    Case(
        "environment_worker_and_super",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_step(self, *, worker, base_env, episode, env_index, **kwargs):
        super().on_episode_step(worker=worker, base_env=base_env, episode=episode, **kwargs)
        if worker.config.in_evaluation and worker.env.level > 2 and episode.last_info_for():
            print(base_env.get_sub_environments()[env_index].score)

    def on_sample_end(self, *, worker, samples, **kwargs):
        print(worker.worker_index, samples.count)

    def on_trainer_init(self, *, trainer, **kwargs):
        print(trainer)
""",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_step(self, *, env_runner, env, episode, env_index, **kwargs):
        super().on_episode_step(env_runner=env_runner, env=env, episode=episode, **kwargs)
        if env_runner.config.in_evaluation and env_runner.env.unwrapped.envs[0].get_wrapper_attr("level") > 2 and episode.get_infos(-1):
            print(env.unwrapped.envs[env_index].get_wrapper_attr("score"))

    def on_sample_end(self, *, env_runner, samples, **kwargs):
        print(env_runner.worker_index, sum(len(episode) for episode in samples))

    def on_algorithm_init(self, *, algorithm, **kwargs):
        print(algorithm)
""",  # noqa: E501
    ),
    Case(
        "histograms_and_media",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_start(self, *, episode, **kwargs):
        episode.user_data["angles"] = []
        episode.hist_data["angles"] = []

    def on_episode_step(self, *, episode, **kwargs):
        episode.hist_data["lengths"].append(episode.length)

    def on_episode_end(self, *, episode, **kwargs):
        episode.hist_data["angles"] = episode.user_data["angles"]
        episode.media["video"] = self.video
        episode.custom_metrics.update({
            "first": episode.user_data["angles"][0],  # in degrees
            "last": (1 + 2),
        })
        episode.custom_metrics.update(self.more())
""",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_start(self, *, episode, **kwargs):
        episode.custom_data["angles"] = []

    def on_episode_step(self, *, episode, metrics_logger, **kwargs):
        metrics_logger.log_value(("hist_stats", "lengths"), len(episode), reduce="item_series")

    def on_episode_end(self, *, episode, metrics_logger, **kwargs):
        for value in episode.custom_data["angles"]:
            metrics_logger.log_value(("hist_stats", "angles"), value, reduce="item_series")
        metrics_logger.log_value(("episode_media", "video"), self.video, reduce="item_series")
        metrics_logger.log_value("first", episode.custom_data["angles"][0], reduce="mean")  # in degrees
        metrics_logger.log_value("last", (1 + 2), reduce="mean")
        for key, value in self.more().items():
            metrics_logger.log_value(key, value, reduce="mean")
""",  # noqa: E501
    ),
    Case(
        "metrics_that_are_set_again_and_again",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_end(self, *, episode, **kwargs):
        for agent in episode.agents:
            episode.custom_metrics[f"height_of_{agent}"] = agent.height
            episode.custom_metrics["height"] = agent.height
""",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    # TODO(rlmigrate RLM701): custom_metrics kept the last value of an episode, and
    #     metrics_logger counts every one: keep it in episode.custom_data and log it in
    #     on_episode_end
    def on_episode_end(self, *, episode, **kwargs):
        for agent in episode.agents:
            episode.custom_metrics[f"height_of_{agent}"] = agent.height
            episode.custom_metrics["height"] = agent.height
""",
    ),
    Case(
        "environments_by_names_of_their_own",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_start(self, *, worker, base_env, env_index, **kwargs):
        envs = base_env.get_sub_environments()
        envs[env_index].begin(len(envs), envs[0].level)
        envs[env_index].level = (
            2
        )

    def on_episode_step(self, *, base_env, env_index, **kwargs):
        env = base_env.envs[env_index]
        if hasattr(env, "level"):
            print(env.level, env.unwrapped.level)

    def on_episode_end(self, *, base_env, **kwargs):
        for env in base_env.get_sub_environments():
            print(base_env, env.level)
""",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_start(self, *, env_runner, env, env_index, **kwargs):
        envs = env.unwrapped.envs
        envs[env_index].get_wrapper_attr("begin")(len(envs), envs[0].get_wrapper_attr("level"))
        envs[env_index].set_wrapper_attr("level", (
            2
        ))

    def on_episode_step(self, *, env, env_index, **kwargs):
        env = env.unwrapped.envs[env_index]
        if env.has_wrapper_attr("level"):
            print(env.get_wrapper_attr("level"), env.unwrapped.level)

    # TODO(rlmigrate RLM701): base_env is env now, and env is another name in it: rename that;
    #     base_env is used: it is env now, with members of its own, whose env.unwrapped.envs are
    #     the single ones
    def on_episode_end(self, *, base_env, **kwargs):
        for env in base_env.get_sub_environments():
            print(base_env, env.level)
""",
    ),
    Case(
        "environments_in_another_hand",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    def on_episode_end(self, *, base_env, episode, **kwargs):
        self.save(base_env)
""",
        """
from ray.rllib.callbacks.callbacks import RLlibCallback


class Log(RLlibCallback):
    # TODO(rlmigrate RLM701): base_env is used: it is env now, with members of its own, whose
    #     env.unwrapped.envs are the single ones
    def on_episode_end(self, *, base_env, episode, **kwargs):
        self.save(base_env)
""",
    ),
)
