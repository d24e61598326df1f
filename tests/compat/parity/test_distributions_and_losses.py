"""What is computed from a network's outputs: log-probability, entropy, KL, PPO's loss terms."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Tuple

from rlmigrate import wrap_model
from rlmigrate.compat.parity import Status, check_parity
from rlmigrate.compat.parity.cases import CaseOptions, plan_cases
from rlmigrate.compat.parity.compare_cases import noise_around
from rlmigrate.compat.parity.losses import LossBatch, draw_batch, ppo_terms
from rlmigrate.compat.parity.sides import building
from rlmigrate.compat.parity.sides.base import Run
from rlmigrate.legacy.models.fcnet import FullyConnectedNetwork
from rlmigrate.legacy.models.visionnet import VisionNetwork

OBSERVATIONS = Box(-1.0, 1.0, (5,))
ACTIONS = {
    "categorical": Discrete(4),
    "multi-categorical": MultiDiscrete([2, 3]),
    "gaussian": Box(-1.0, 1.0, (3,)),
    "mixed": Dict({"a": Discrete(3), "b": Tuple([Box(-1.0, 1.0, (2,)), MultiDiscrete([2, 2])])}),
}
SAID = ("logp", "entropy", "kl")
LOSSES = tuple(f"loss.{name}" for name in ("policy", "value", "entropy", "kl", "total"))


@pytest.mark.parametrize("kind", ACTIONS)
def test_every_distribution_says_the_same_when_wrapped(kind):
    spaces = {"observation_space": OBSERVATIONS, "action_space": ACTIONS[kind]}
    report = check_parity(
        FullyConnectedNetwork, wrap_model(FullyConnectedNetwork, stack="builtin"), **spaces
    )
    assert report.status is Status.PASS, report.results[0].findings
    outputs = report.results[0].outputs
    assert set(SAID + LOSSES) <= set(outputs)
    assert all(outputs[path].max_abs == 0 for path in SAID + LOSSES)
    assert outputs["kl"].compared == report.results[0].cases.total


def faulty_distribution(method):
    """A wrapped net whose training distribution is wrong in one method alone."""
    base = wrap_model(FullyConnectedNetwork, stack="builtin")

    class Wrong(base):
        def get_train_action_dist_cls(self):
            right = super().get_train_action_dist_cls()

            def wrong(self, *args, **kwargs):
                return getattr(right, method)(self, *args, **kwargs) * 1.0001

            return type("WrongDistribution", (right,), {method: wrong})

    return Wrong


class Quiet:
    """References of a side that has no noise at inputs nearby, as by chance with one row."""

    def neighbours(self, path):
        return 0.0


def test_divergence_has_the_rounding_of_its_logarithms():
    run = Run(outputs={"dist_inputs": np.array([[8.0, -1.0, -3e38]], np.float32)})
    assert noise_around("kl", run, Quiet()) == 8 * np.finfo(np.float32).eps
    assert noise_around("entropy", run, Quiet()) == 0.0


@pytest.mark.parametrize(
    ("method", "path", "loss"),
    [
        ("logp", "logp", "loss.policy"),
        ("entropy", "entropy", "loss.entropy"),
        ("kl", "kl", "loss.kl"),
    ],
)
def test_fault_in_one_method_of_a_distribution_is_named(method, path, loss):
    spaces = {"observation_space": OBSERVATIONS, "action_space": Discrete(4)}
    report = check_parity(FullyConnectedNetwork, faulty_distribution(method), **spaces)
    assert report.status is Status.FAIL
    wrong = {finding.path for finding in report.results[0].findings}
    assert {path, loss, "loss.total"} >= wrong >= {path, loss}


def test_terms_are_kept_for_rows_that_count_only():
    logp = np.float32([-1.0, -3e38, -np.inf, -2.0])
    outputs = {"logp": logp, "value": np.zeros(4, np.float32)}
    batch = draw_batch(outputs, np.array([False, False, False, True]))
    assert batch.real.tolist() == [True, False, False, False]
    assert all(term.shape == (1,) for term in ppo_terms(outputs, batch).values())


@pytest.fixture(scope="module")
def played():
    """A net of Ray's default size, its outputs, and a batch for the loss."""
    side = building.legacy_side(
        FullyConnectedNetwork,
        observation_space=OBSERVATIONS,
        action_space=Discrete(4),
        model_config={"fcnet_hiddens": [16], "vf_share_layers": False},
    )
    (case,) = plan_cases(OBSERVATIONS, Discrete(4), options=CaseOptions(only=("batch 32",)))
    with side.session():
        outputs = side.run(case).outputs
    batch = draw_batch(outputs, None)
    assert batch.real.all()
    return side, case, outputs, batch, ppo_terms(outputs, batch)


def learner_columns(case, outputs, batch: LossBatch):
    return {
        "obs": torch.tensor(case.obs),
        "actions": torch.tensor(case.actions),
        "action_logp": torch.tensor(batch.logp),
        "action_dist_inputs": 0.5 * torch.tensor(outputs["dist_inputs"]),
        "advantages": torch.tensor(batch.advantages),
        "value_targets": torch.tensor(batch.targets),
    }


def assert_terms(terms, policy, value, entropy, kl, total):
    for name, found in (("policy", policy), ("value", value), ("entropy", entropy), ("kl", kl)):
        assert float(found) == pytest.approx(float(terms[name].mean()), rel=2e-6), name
    assert float(total) == pytest.approx(float(terms["total"].mean()), rel=2e-6)


def test_terms_are_those_of_rays_old_ppo_policy(played):
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy
    from ray.rllib.policy.sample_batch import SampleBatch

    side, case, outputs, batch, terms = played
    stacks = {"enable_rl_module_and_learner": False, "enable_env_runner_and_connector_v2": False}
    config = PPOConfig().api_stack(**stacks).training(entropy_coeff=0.01).to_dict()
    config["model"] = {**config["model"], "fcnet_hiddens": [16], "vf_share_layers": False}
    policy = PPOTorchPolicy(OBSERVATIONS, Discrete(4), config)
    policy.model.load_state_dict(side.model.state_dict())
    train_batch = SampleBatch(learner_columns(case, outputs, batch))
    train_batch.set_training(True)
    total = policy.loss(policy.model, policy.dist_class, train_batch)
    stats = policy.model.tower_stats
    names = ("mean_policy_loss", "mean_vf_loss", "mean_entropy", "mean_kl_loss")
    assert_terms(terms, *(stats[name].detach() for name in names), total.detach())


def test_terms_are_those_of_rays_new_ppo_learner(played):
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.core.rl_module import RLModuleSpec

    side, case, outputs, batch, terms = played
    wrapped = wrap_model(FullyConnectedNetwork, stack="ray")
    spec = RLModuleSpec(
        module_class=wrapped,
        observation_space=OBSERVATIONS,
        action_space=Discrete(4),
        model_config={"fcnet_hiddens": [16], "vf_share_layers": False},
    )
    config = PPOConfig().training(entropy_coeff=0.01).rl_module(rl_module_spec=spec)
    spaces = {"default_policy": (OBSERVATIONS, Discrete(4))}
    learner = config.build_learner(env=None, spaces=spaces)
    module = learner.module["default_policy"].unwrapped()
    prefix = type(module).legacy_prefix
    module.load_state_dict({prefix + k: v for k, v in side.model.state_dict().items()})
    columns = learner_columns(case, outputs, batch)
    total = learner.compute_loss_for_module(
        module_id="default_policy",
        config=config,
        batch=columns,
        fwd_out=module.forward_train(columns),
    )
    stats = learner.metrics.peek("default_policy")
    keys = ("policy_loss", "vf_loss", "entropy", "mean_kl_loss")
    assert_terms(terms, *(stats[key] for key in keys), total.detach())


def test_attention_net_passes_with_its_memory():
    config = {
        "use_attention": True,
        "attention_dim": 8,
        "attention_head_dim": 4,
        "attention_num_transformer_units": 2,
        "attention_memory_inference": 6,
        "attention_memory_training": 6,
        "max_seq_len": 20,
    }
    spaces = {"observation_space": OBSERVATIONS, "action_space": Discrete(3)}
    report = check_parity(
        FullyConnectedNetwork,
        wrap_model(FullyConnectedNetwork, stack="builtin"),
        **spaces,
        model_config=config,
    )
    assert report.status is Status.PASS, report.results[0].findings
    assert {"state_out.0", "state_out.1"} <= set(report.results[0].outputs)


def test_half_precision_is_judged_by_its_own_noise():
    spaces = {"observation_space": OBSERVATIONS, "action_space": Discrete(3)}
    wrapped = wrap_model(FullyConnectedNetwork, stack="builtin")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        report = check_parity(FullyConnectedNetwork, wrapped, **spaces, gradients=False)
    assert report.status is Status.PASS, report.results[0].findings

    class Nudged(wrapped):
        def _forward(self, batch, **kwargs):
            outputs = dict(super()._forward(batch, **kwargs))
            outputs["action_dist_inputs"] = outputs["action_dist_inputs"] * 1.005
            return outputs

    with torch.autocast("cpu", dtype=torch.bfloat16):
        report = check_parity(FullyConnectedNetwork, Nudged, **spaces, gradients=False)
    output = report.results[0].outputs["inference.dist_inputs"]
    assert output.max_abs > 0
    assert report.status is Status.PASS, "half a percent drowns in the rounding of bfloat16"
    report = check_parity(FullyConnectedNetwork, Nudged, **spaces, gradients=False)
    assert report.status is Status.FAIL


def test_dropout_is_off_on_both_sides():
    class Dropping(FullyConnectedNetwork):
        def forward(self, input_dict, state, seq_lens):
            logits, state = super().forward(input_dict, state, seq_lens)
            return torch.nn.functional.dropout(logits, 0.5, self.training), state

    spaces = {"observation_space": OBSERVATIONS, "action_space": Discrete(3)}
    report = check_parity(Dropping, wrap_model(Dropping, stack="builtin"), **spaces)
    assert report.status is Status.PASS, report.results[0].findings


def test_phase_that_no_class_overrides_runs_once_for_each_shape():
    spaces = {"observation_space": Box(0, 255, (42, 42, 3), np.uint8), "action_space": Discrete(3)}
    wrapped = wrap_model(VisionNetwork, stack="builtin")
    report = check_parity(VisionNetwork, wrapped, **spaces, gradients=False)
    outputs = report.results[0].outputs
    assert outputs["dist_inputs"].compared == 7
    assert outputs["inference.dist_inputs"].compared == 4  # batches of 1, 2, 32, 33

    class OwnInference(wrapped):
        def _forward_inference(self, batch, **kwargs):
            return super()._forward_inference(batch, **kwargs)

    class OwnForward(wrapped):
        def _forward(self, batch, **kwargs):
            return super()._forward(batch, **kwargs)

    for own in (OwnInference, OwnForward):
        report = check_parity(VisionNetwork, own, **spaces, gradients=False)
        assert report.results[0].outputs["inference.dist_inputs"].compared == 7
