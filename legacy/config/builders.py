"""The builder methods of AlgorithmConfig; what each takes is listed in `settings`."""

from __future__ import annotations

from typing import Any, Self


class Builders:
    """Set groups of settings; each method gives the config itself."""

    def _set(self, method: str, positional: dict[str, Any], settings: dict[str, Any]) -> Self:
        raise NotImplementedError

    def __getitem__(self, key: str) -> Any:
        raise NotImplementedError

    def __setitem__(self, key: str, value: Any) -> None:
        raise NotImplementedError

    def api_stack(self, **settings: Any) -> Self:
        """Choose the old or the new API stack; the old one brings back its exploration."""
        self._set("api_stack", {}, settings)
        enable = settings.get("enable_rl_module_and_learner")
        prior = self["_prior_exploration_config"]
        if enable is False and prior is not None:
            self["exploration_config"], self["_prior_exploration_config"] = prior, None
        elif enable is True and prior is None:
            self["_prior_exploration_config"] = self["exploration_config"]
            self["exploration_config"] = {}
        return self

    def callbacks(self, callbacks_class: Any = None, **settings: Any) -> Self:
        """Set the callbacks class, or functions by event."""
        events = {f"callbacks_{name}": fn for name, fn in settings.items()}
        return self._set("callbacks", {"callbacks_class": callbacks_class}, events)

    def checkpointing(self, **settings: Any) -> Self:
        """Set what checkpoints hold."""
        return self._set("checkpointing", {}, settings)

    def debugging(self, **settings: Any) -> Self:
        """Set logging and the seed."""
        return self._set("debugging", {}, settings)

    def env_runners(self, **settings: Any) -> Self:
        """Set how environments are stepped."""
        return self._set("env_runners", {}, settings)

    def rollouts(self, **settings: Any) -> Self:
        """Set how environments are stepped (Ray 2.0 to 2.23)."""
        return self._set("rollouts", {}, settings)

    def environment(self, env: Any = None, **settings: Any) -> Self:
        """Set the environment and its spaces."""
        return self._set("environment", {"env": env}, settings)

    def evaluation(self, **settings: Any) -> Self:
        """Set when and how to evaluate."""
        return self._set("evaluation", {}, settings)

    def experimental(self, **settings: Any) -> Self:
        """Set flags that may go away."""
        return self._set("experimental", {}, settings)

    def exploration(self, **settings: Any) -> Self:
        """Set the exploration (Ray 2.0 to 2.23)."""
        return self._set("exploration", {}, settings)

    def fault_tolerance(self, **settings: Any) -> Self:
        """Set what happens when runners fail."""
        return self._set("fault_tolerance", {}, settings)

    def framework(self, framework: str | None = None, **settings: Any) -> Self:
        """Set "torch", "tf2" or "tf"."""
        return self._set("framework", {"framework": framework}, settings)

    def learners(self, **settings: Any) -> Self:
        """Set the number of learners and what each has."""
        return self._set("learners", {}, settings)

    def multi_agent(self, *, policies: Any = None, **settings: Any) -> Self:
        """Set the policies, which agents they serve and which of them learn.

        policies: specs by id; a list, tuple or set of ids stands for default specs.
        """
        if policies is not None and not isinstance(policies, dict):
            from rlmigrate.legacy.policies.spec import PolicySpec

            policies = {policy_id: PolicySpec() for policy_id in policies}
        return self._set("multi_agent", {"policies": policies}, settings)

    def offline_data(self, **settings: Any) -> Self:
        """Set where experiences are read from and written to."""
        return self._set("offline_data", {}, settings)

    def python_environment(self, **settings: Any) -> Self:
        """Set environment variables."""
        return self._set("python_environment", {}, settings)

    def reporting(self, **settings: Any) -> Self:
        """Set what results hold."""
        return self._set("reporting", {}, settings)

    def resources(self, **settings: Any) -> Self:
        """Set CPUs and GPUs."""
        return self._set("resources", {}, settings)

    def rl_module(self, **settings: Any) -> Self:
        """Set the RLModule's spec and model config."""
        return self._set("rl_module", {}, settings)

    def training(self, **settings: Any) -> Self:
        """Set the losses', optimizers' and model's settings; `model` is merged."""
        return self._set("training", {}, settings)
