"""Losses whose policy goes: the Learner in its place computes the old number, bit for bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch

pytest.importorskip("ray.rllib")
from ray.rllib.policy.sample_batch import SampleBatch

from .test_learners import MODEL, batch, learner_of, old_policy

NET = MODEL.replace(
    "\n    def value_function(self):",
    """
    def central_value(self, obs, others):
        return self.critic(torch.tanh(self.trunk(obs + others))).squeeze(-1)

    def value_function(self):""",
)
CLIPPED = '''class Policy(PPOTorchPolicy):
    """PPO with the clipped values of the paper, and a mask where there are sequences."""

    def loss(self, model, dist_class, train_batch):
        logits, state = model(train_batch)
        new = dist_class(logits, model)
        if state:
            lengths = train_batch[SampleBatch.SEQ_LENS]
            longest = logits.shape[0] // len(lengths)
            mask = sequence_mask(lengths, longest, time_major=model.is_time_major())
            mask = torch.reshape(mask, [-1])
            valid = torch.sum(mask)

            def average(t):
                return torch.sum(t[mask]) / valid

        else:
            mask = None
            average = torch.mean
        old = dist_class(train_batch[SampleBatch.ACTION_DIST_INPUTS], model)
        logp = new.logp(train_batch[SampleBatch.ACTIONS])
        ratio = torch.exp(logp - train_batch[SampleBatch.ACTION_LOGP])
        if self.config["kl_coeff"] > 0.0:
            divergence = average(old.kl(new))
            warn_if_infinite_kl_divergence(self, divergence)
        else:
            divergence = torch.tensor(0.0, device=ratio.device)
        entropy = new.entropy()
        low, high = 1 - self.config["clip_param"], 1 + self.config["clip_param"]
        gain = torch.min(
            train_batch[Postprocessing.ADVANTAGES] * ratio,
            train_batch[Postprocessing.ADVANTAGES] * torch.clamp(ratio, low, high),
        )
        values = model.value_function()
        if self.config["clip_values"]:
            before = train_batch[SampleBatch.VF_PREDS]
            reach = self.config["vf_clip_param"]
            near = before + torch.clamp(values - before, -reach, reach)
            errors = torch.max(
                torch.pow(values - train_batch[Postprocessing.VALUE_TARGETS], 2.0),
                torch.pow(near - train_batch[Postprocessing.VALUE_TARGETS], 2.0),
            )
        else:
            errors = torch.pow(values - train_batch[Postprocessing.VALUE_TARGETS], 2.0)
        total = average(
            -gain + self.config["vf_loss_coeff"] * errors - self.entropy_coeff * entropy
        )
        if self.config["kl_coeff"] > 0.0:
            total += self.kl_coeff * divergence
        model.tower_stats["total_loss"] = total
        model.tower_stats["mean_policy_loss"] = average(-gain)
        model.tower_stats["mean_vf_loss"] = average(errors)
        model.tower_stats["vf_explained_var"] = explained_variance(
            train_batch[Postprocessing.VALUE_TARGETS], values
        )
        model.tower_stats["mean_entropy"] = average(entropy)
        model.tower_stats["mean_kl_loss"] = divergence
        return total
'''
SUMMED = '''def sums(policy, model, dist_class, train_batch):
    """Actor and critic, summed over the steps that count."""
    logits, _ = model(train_batch)
    values = model.value_function()
    if policy.is_recurrent():
        longest = logits.shape[0] // len(train_batch[SampleBatch.SEQ_LENS])
        counts = sequence_mask(train_batch[SampleBatch.SEQ_LENS], longest)
        counts = torch.reshape(counts, [-1])
    else:
        counts = torch.ones_like(values, dtype=torch.bool)
    dist = dist_class(logits, model)
    log_probs = dist.logp(train_batch[SampleBatch.ACTIONS]).reshape(-1)
    actor = -torch.sum(
        torch.masked_select(log_probs * train_batch[Postprocessing.ADVANTAGES], counts)
    )
    if policy.config["use_critic"]:
        errors = values.reshape(-1) - train_batch[Postprocessing.VALUE_TARGETS]
        critic = 0.5 * torch.sum(torch.pow(torch.masked_select(errors, counts), 2.0))
    else:
        critic = 0.0
    entropy = torch.sum(torch.masked_select(dist.entropy(), counts))
    model.tower_stats["pi_err"] = actor
    policy.critic_error = critic
    policy._entropy = entropy
    return actor + critic * policy.config["vf_loss_coeff"] - entropy * policy.entropy_coeff


def told(policy, train_batch):
    return {
        "cur_lr": policy.cur_lr,
        "policy_loss": torch.mean(torch.stack(policy.get_tower_stats("pi_err"))),
        "vf_loss": policy.critic_error,
        "policy_entropy": policy._entropy.item(),
    }


Policy = PPOTorchPolicy.with_updates(name="Policy", loss_fn=sums, stats_fn=told)
'''
CENTRAL = """class CentralMixin:
    def __init__(self):
        self.central = self.model.central_value


def central_loss(policy, model, dist_class, train_batch):
    CentralMixin.__init__(policy)
    base = ppo_loss

    saved = model.value_function
    model.value_function = lambda: policy.model.central_value(
        train_batch["obs"], train_batch["obs"]
    )
    policy._central_values = model.value_function()
    loss = base(policy, model, dist_class, train_batch)
    model.value_function = saved
    return loss


Policy = PPOTorchPolicy.with_updates(name="Policy", loss_fn=central_loss, mixins=[CentralMixin])
"""
COUNTERFACTUAL = """class CentralMixin:
    def __init__(self):
        self.central = self.model.central_value


class Policy(PPOTorchPolicy, CentralMixin):
    def loss(self, model, dist_class, train_batch):
        CentralMixin.__init__(self)
        logits, _ = model(train_batch)
        chances = torch.nn.functional.softmax(logits, dim=-1)
        values = self.central(train_batch["obs"], train_batch["obs"])
        chosen = chances.gather(1, train_batch["actions"].unsqueeze(1)).squeeze()
        gain = (chosen * values - torch.sum(chances, dim=1) * values).detach()
        dist = dist_class(logits, self.model)
        error = -torch.sum(dist.logp(train_batch["actions"]) * gain)
        return error + 0.5 * torch.sum(torch.pow(values - train_batch["value_targets"], 2.0))

    def stats_fn(self, train_batch):
        return {"cur_lr": self.cur_lr}
"""
GRADIENT = """class Policy(PPOTorchPolicy):
    def loss(self, model, dist_class, train_batch):
        inputs, _ = model(train_batch)
        dist = dist_class(inputs, model)
        log_probs = dist.logp(train_batch[SampleBatch.ACTIONS])
        loss = -torch.mean(log_probs * train_batch[Postprocessing.ADVANTAGES])
        model.tower_stats["policy_loss"] = loss
        return loss

    def stats_fn(self, train_batch):
        return convert_to_numpy(
            {"policy_loss": torch.mean(torch.stack(self.get_tower_stats("policy_loss")))}
        )

    def postprocess_trajectory(self, sample_batch, other=None, episode=None):
        with torch.no_grad():
            return compute_gae_for_sample_batch(self, sample_batch, other, episode)

    def extra_grad_process(self, optimizer, loss):
        return apply_grad_clipping(self, optimizer, loss)
"""
WEIGHTED = """class Policy(PPOTorchPolicy):
    def __init__(self, observation_space, action_space, config):
        self.norm = torch.tensor([config["norm_start"]])
        self.scale = 2.0
        super().__init__(observation_space, action_space, config)

    def loss(self, model, dist_class, train_batch):
        logits, _ = model(train_batch)
        logp = dist_class(logits, model).logp(train_batch[SampleBatch.ACTIONS])
        gain = train_batch[Postprocessing.ADVANTAGES] - model.value_function()
        squared = torch.mean(torch.pow(gain, 2.0))
        self.norm = self.norm + self.config["rate"] * (squared.detach() - self.norm)
        weights = torch.exp(self.scale * gain / (1e-8 + torch.pow(self.norm, 0.5))).detach()
        self.policy_loss = -torch.mean(weights * logp)
        self.value_loss = 0.5 * squared
        return self.policy_loss + self.config["vf_loss_coeff"] * self.value_loss

    def stats_fn(self, train_batch):
        return {"policy_loss": self.policy_loss.item(), "vf_loss": self.value_loss.item()}
"""
SUPERVISED = """def supervised(policy, model, dist_class, train_batch):
    logits, _ = model(train_batch)
    dist = dist_class(logits, model)
    policy.spl_loss = policy.config["error"](dist.dist.probs, train_batch["actions"])
    policy.entropy = dist.entropy().mean()
    return policy.spl_loss


def stats(policy, train_batch):
    return {"entropy_avg": policy.entropy, "spl_loss": policy.spl_loss.item()}


def slow(policy, config):
    return torch.optim.SGD(policy.model.parameters(), lr=policy.cur_lr, momentum=config["push"])


def before(policy, obs_space, action_space, config):
    LearningRateSchedule.__init__(policy, config["lr"], config["lr_schedule"])


Policy = PPOTorchPolicy.with_updates(
    name="Policy",
    loss_fn=supervised,
    stats_fn=stats,
    optimizer_fn=slow,
    before_init=before,
    mixins=[LearningRateSchedule],
)
"""
NAMES = {
    "warn_if_infinite_kl_divergence": "ray.rllib.utils.torch_utils",
    "explained_variance": "ray.rllib.utils.torch_utils",
    "apply_grad_clipping": "ray.rllib.utils.torch_utils",
    "convert_to_numpy": "ray.rllib.utils.numpy",
    "LearningRateSchedule": "ray.rllib.policy.torch_mixins",
}
CLASSES = {
    "clipped": CLIPPED,
    "counterfactual": COUNTERFACTUAL,
    "gradient": GRADIENT,
    "weighted": WEIGHTED,
}
BUILDERS = {"summed": SUMMED, "supervised": SUPERVISED, "central": CENTRAL}
OWN_KEYS = {
    "clip_values": True,
    "norm_start": 100.0,
    "rate": 0.1,
    "error": torch.nn.CrossEntropyLoss(),
    "push": 0.9,
}


def imports(text: str) -> str:
    return "".join(f"from {home} import {name}\n" for name, home in NAMES.items() if name in text)


def compare(done: Any, policy: Any, *, rows: dict[str, torch.Tensor], again: int = 1) -> Any:
    """Losses of both sides, equal; returns the Learner."""
    new = done.new()
    learner, made = learner_of(new.PolicyLearner, new.Net, **OWN_KEYS)
    module = learner.module["default_policy"].unwrapped()
    module.load_state_dict(policy.model.state_dict())
    for _ in range(again):
        old_rows = SampleBatch({k: v for k, v in rows.items() if k != "loss_mask"})
        expected = policy.loss(policy.model, policy.dist_class, old_rows)
        found = learner.compute_loss_for_module(
            module_id="default_policy", config=made, batch=rows, fwd_out=module.forward_train(rows)
        )
        assert torch.equal(found, expected)
        if again > 1:
            continue
        padded = _padded(rows)
        found = learner.compute_loss_for_module(
            module_id="default_policy",
            config=made,
            batch=padded,
            fwd_out=module.forward_train(padded),
        )
        assert torch.allclose(found, expected, rtol=1e-6)
    return learner


def _padded(rows: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same rows with one of another kind in the middle that does not count."""
    at = 3
    found = {
        key: torch.cat([value[:at], value[:1] * 0 + 1, value[at:]]) for key, value in rows.items()
    }
    found["loss_mask"] = torch.ones(len(rows["obs"]) + 1, dtype=torch.bool)
    found["loss_mask"][at] = False
    return found


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_becomes_its_learner(migrate, name):
    text = CLASSES[name]
    done = migrate(NET + imports(text) + "\n\n" + text)
    assert done.items["Policy"].outcome == "native", done.items["Policy"].message
    after = done.text()
    assert "class Policy(" not in after
    assert "TODO" not in after
    old = done.old()
    policy = old_policy(old.Policy, old.Net, **OWN_KEYS)
    if name == "weighted":
        policy.norm = torch.tensor([OWN_KEYS["norm_start"]])  # the old stack tried the loss out
    compare(done, policy, rows=batch(), again=3 if name == "weighted" else 1)
    assert migrate(after).text() == after


@pytest.mark.parametrize("name", BUILDERS)
def test_a_builder_becomes_its_learner(migrate, name):
    text = BUILDERS[name]
    whole = NET + imports(text) + "\n\n" + text
    if "ppo_loss" in text:
        whole = whole.replace("import PPOTorchPolicy\n", "import PPOTorchPolicy, ppo_loss\n")
    done = migrate(whole)
    assert done.items["Policy"].outcome == "native", done.items["Policy"].message
    after = done.text()
    assert "with_updates" not in after
    assert "TODO" not in after
    before = (done.before / "policy.py").read_text().partition("\nPolicy = ")[0]
    before = before.replace("import PPOTorchPolicy, ppo_loss\n", "import PPOTorchPolicy\n")
    head = "\n\ndef ppo_loss(policy, model, dist_class, train_batch):\n"
    head += "    return PPOTorchPolicy.loss(policy, model, dist_class, train_batch)\n"
    (done.before / "policy.py").write_text(before + head)
    old = done.old()
    loss = getattr(old, {"central": "central_loss"}.get(name, f"{name}"), None) or old.sums

    class Policy(old.PPOTorchPolicy):  # type: ignore[name-defined, misc]
        def loss(self, model, dist_class, train_batch):
            return loss(self, model, dist_class, train_batch)

        def stats_fn(self, train_batch):
            return {}

    policy = old_policy(Policy, old.Net, **OWN_KEYS)
    learner = compare(done, policy, rows=batch())
    if name == "supervised":
        assert learner.get_optimizer("default_policy").param_groups[0]["momentum"] == 0.9
    assert migrate(after).text() == after
