"""Parity of TF models as DQN's and SAC's networks, run by test_tf_sides.py in a process of its own.

On Ray the old models are built and asked by the functions of Ray's own algorithms.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf  # before ray.rllib, which switches eager execution off
from checking import checks_in, report
from gymnasium.spaces import Box, Discrete
from ray.rllib.algorithms.sac.sac_tf_model import SACTFModel as RaysSacModel
from ray.rllib.models.tf.fcnet import FullyConnectedNetwork as RaysNet

from rlmigrate import check_parity, wrap_model
from rlmigrate.compat.parity import Status
from rlmigrate.errors import UsageError
from rlmigrate.legacy.models.tf import FullyConnectedNetwork as OurNet
from rlmigrate.legacy.models.tf.sac_model import SACTFModel as OurSacModel
from rlmigrate.migrate.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[2] / "migrate" / "models"))
from conftest import Migration
from tf_q_checks import BODY

tf.compat.v1.enable_eager_execution()
OBS = Box(-1, 1, (4,), np.float32)
CHOICE, FORCE = Discrete(3), Box(-1, 1, (2,), np.float32)
NET: dict[str, Any] = {"fcnet_hiddens": [8], "hiddens": [5]}
NETS: dict[str, Any] = {
    "policy_model_config": {"fcnet_hiddens": [8]},
    "q_model_config": {"fcnet_hiddens": [7]},
}
DUELING = {"q_values", "target.q_values", "next.q_values", "next.target.q_values"}
CRITICS = {"dist_inputs", "critic", "twin_critic", "q_values", "target.q_values"}


def compared(
    old: Any, new: Any, actions: Any = CHOICE, *, localise: bool = True, **config: Any
) -> Any:
    spaces: dict[str, Any] = {"observation_space": OBS, "action_space": actions}
    (found,) = check_parity(old, new, **spaces, model_config=config, localise=localise).results
    return found


def passes(found: Any, wanted: set[str]) -> None:
    assert found.status is Status.PASS, found.message
    assert wanted <= set(found.outputs), sorted(found.outputs)
    assert found.parameters.matched == found.parameters.total >= 8
    assert all(output.max_abs == 0 for output in found.outputs.values())
    paths = set(found.outputs)
    assert any(path.startswith("gradients.parameters.") for path in paths)
    assert any(path.startswith("after one step.") for path in paths)


def rewritten(planted: tuple[str, str] = ("", "")) -> tuple[Any, Any]:
    """The old class and what `rewrite` makes of it, with a change planted into that."""
    done = Migration(Path(tempfile.mkdtemp()), {"model.py": BODY}, Settings(target="builtin"))
    after = done.text("model.py")
    assert planted[0] in after, after
    (done.after / "model.py").write_text(after.replace(*planted))
    return done.old("model.py").Policy, done.new("model.py").Policy


def check_native_module_of_dqn() -> None:
    passes(compared(*rewritten(), **NET), DUELING)


def check_planted_bug_is_found() -> None:
    found = compared(*rewritten(('activation="tanh"', 'activation="sigmoid"')), **NET)
    assert found.status is Status.FAIL
    assert "q_values" in {finding.path for finding in found.findings}
    assert found.first_divergence == "base_model/out", found.first_divergence


def check_atoms() -> None:
    passes(compared(RaysNet, wrapped(RaysNet, "dqn"), **NET, num_atoms=4), DUELING | {"q_probs"})


def check_without_ray() -> None:
    passes(compared(OurNet, wrapped(OurNet, "dqn"), **NET), DUELING)


def check_without_dueling() -> None:
    passes(compared(RaysNet, wrapped(RaysNet, "dqn"), **NET, dueling=False), DUELING)


def check_other_settings_are_found() -> None:
    dueling = compared(RaysNet, Undueled, localise=False, **NET)
    assert dueling.status is Status.FAIL
    assert {"q_values"} <= {finding.path for finding in dueling.findings}


def check_target_of_other_weights_is_found() -> None:
    found = compared(RaysNet, StaleTarget, localise=False, **NET)
    assert found.status is Status.FAIL
    paths = {finding.path for finding in found.findings}
    assert paths == {"target.q_values", "next.target.q_values"}, paths


def check_sac() -> None:
    passes(compared(OurSacModel, wrapped(OurSacModel, "sac"), FORCE, **NETS), CRITICS | {"logp"})


def check_sac_of_discrete_actions() -> None:
    found = compared(RaysSacModel, wrapped(RaysSacModel, "sac"), CHOICE, **NETS)
    passes(found, CRITICS | {"log_probs"})


def check_swapped_critics_are_found() -> None:
    found = compared(OurSacModel, Swapped, FORCE, localise=False, **NETS)
    assert found.status is Status.FAIL
    assert {"critic", "twin_critic"} <= {finding.path for finding in found.findings}


def check_model_of_another_role_is_refused() -> None:
    spaces: dict[str, Any] = {"observation_space": OBS, "action_space": CHOICE}
    plain = OurNet(
        OBS, CHOICE, 3, dict(wrapped(OurNet)(**spaces, model_config={}).model_config), ""
    )
    try:
        check_parity(plain, wrapped(OurNet, "dqn"), **spaces)
    except UsageError as error:
        assert "speaks DQN's protocol" in str(error)  # noqa: PT017
    else:
        raise AssertionError("a model without Q-values was compared with Q-values")


def wrapped(model: type, role: Any = "policy") -> Any:
    return wrap_model(model, stack="builtin", role=role)


class StaleTarget(wrapped(RaysNet, "dqn")):  # type: ignore[misc]
    """The target network answers with the values of other weights."""

    def forward_target(self, batch: Any) -> Any:
        found = super().forward_target(batch)
        return {**found, "qf_preds": found["qf_preds"] + 0.01}


class Undueled(wrapped(RaysNet, "dqn")):  # type: ignore[misc]
    """Takes advantages for Q-values."""

    def compute_q_values(self, batch: Any) -> Any:
        found = super().compute_q_values(batch)
        centred = found["qf_preds"] - tf.reduce_mean(found["qf_preds"], 1, keepdims=True)
        return {**found, "qf_preds": centred}


class Swapped(wrapped(OurSacModel, "sac")):  # type: ignore[misc]
    """Takes one critic for the other."""

    def _wrap_critics(self, batch: Any, model: Any) -> Any:
        return super()._wrap_critics(batch, model)[::-1]


if __name__ == "__main__":
    report(checks_in(globals()))
