"""Losses and optimizers that stand in another file than the policy that is built of them."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("ray.rllib")
from ray.rllib.policy.sample_batch import SampleBatch

from .test_learners import MODEL, batch, learner_of, old_policy

PARTS = """import numpy as np
import torch
from math import sqrt
from ray.rllib.policy.sample_batch import SampleBatch

SCALE = np.float32(3.0)


def bounded(values):
    return torch.clamp(values, -1.0, sqrt(4.0))


def bounded_loss(policy, model, dist_class, train_batch):
    # Log-probabilities, bounded.
    logits, _ = model(train_batch)
    logp = dist_class(logits, model).logp(train_batch[SampleBatch.ACTIONS])
    total = sqrt(2.0) * bounded(logp * train_batch["advantages"]).mean()
    return total * {scale} * policy.config["vf_loss_coeff"]


def slow(policy, config):
    return torch.optim.SGD(policy.model.parameters(), lr=policy.cur_lr, momentum=config["push"])
"""
POLICY = (
    MODEL
    + """import parts
from parts import bounded_loss

Policy = PPOTorchPolicy.with_updates(
    name="Policy", loss_fn=bounded_loss, optimizer_fn=parts.slow
)
"""
)


def files(scale: str = "SCALE", policy: str = POLICY) -> dict[str, str]:
    return {"parts.py": PARTS.replace("{scale}", scale), "policy.py": policy}


def test_they_move_with_what_they_need(migrate):
    done = migrate(files())
    assert done.items["Policy"].outcome == "native", done.items["Policy"].message
    after = done.text()
    assert "TODO" not in after
    assert "with_updates" not in after
    assert "from math import sqrt" in after
    assert "# Log-probabilities, bounded." in after
    assert "def bounded(" not in after
    before = done.before / "policy.py"
    before.write_text(before.read_text().partition("\nPolicy = ")[0])  # Ray 2.60 has no builders
    old, new = done.old(), done.new()
    parts = done.old("parts.py")

    class Policy(old.PPOTorchPolicy):  # type: ignore[name-defined, misc]
        def loss(self, model, dist_class, train_batch):
            return parts.bounded_loss(self, model, dist_class, train_batch)

        def stats_fn(self, train_batch):
            return {}

    policy = old_policy(Policy, old.Net)
    learner, made = learner_of(new.PolicyLearner, new.Net, push=0.8)
    module = learner.module["default_policy"].unwrapped()
    module.load_state_dict(policy.model.state_dict())
    rows = batch()
    found = learner.compute_loss_for_module(
        module_id="default_policy", config=made, batch=rows, fwd_out=module.forward_train(rows)
    )
    assert torch.equal(found, policy.loss(policy.model, policy.dist_class, SampleBatch(rows)))
    assert learner.get_optimizer("default_policy").param_groups[0]["momentum"] == 0.8
    assert migrate({"parts.py": done.text("parts.py"), "policy.py": after}).text() == after


def test_a_name_that_means_two_things_is_for_a_person(migrate):
    policy = POLICY.replace("import parts\n", "import parts\n\nbounded = abs\n")
    message = migrate(files(policy=policy)).items["Policy.learning"].message
    assert "bounded is parts.bounded in parts" in message


def test_a_name_that_the_file_lacks_is_for_a_person(migrate):
    policy = POLICY.replace("import numpy as np\n", "")
    done = migrate(files(scale="np.float32(3.0)", policy=policy))
    assert "np is numpy in parts" in done.items["Policy.learning"].message


CHAIN = (
    POLICY
    + """

def hasty(policy, config):
    return torch.optim.SGD(policy.model.parameters(), lr=policy.cur_lr, momentum=0.5)


Second = Policy.with_updates(name="Second", optimizer_fn=hasty)
"""
)


def test_each_link_of_a_chain_has_what_came_before_it(migrate):
    done = migrate(files(policy=CHAIN))
    for name in ("Policy", "Second"):
        assert done.items[name].outcome in ("native", "unchanged"), done.items[name].message
    after = done.text()
    assert "with_updates" not in after
    assert "TODO" not in after
    new = done.new()
    rows, losses = batch(), []
    for cls, momentum in ((new.PolicyLearner, 0.8), (new.SecondLearner, 0.5)):
        torch.manual_seed(0)
        learner, made = learner_of(cls, new.Net, push=0.8)
        module = learner.module["default_policy"].unwrapped()
        losses.append(
            learner.compute_loss_for_module(
                module_id="default_policy",
                config=made,
                batch=rows,
                fwd_out=module.forward_train(rows),
            )
        )
        assert learner.get_optimizer("default_policy").param_groups[0]["momentum"] == momentum
    assert torch.equal(*losses)
