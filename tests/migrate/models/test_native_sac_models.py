"""Models on SAC's base become modules that compute what SAC's old policy did, and learn on Ray."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("ray.rllib")
import torch

OBS = gym.spaces.Box(-1, 1, (4,), np.float32)
ACTIONS = {"discrete": gym.spaces.Discrete(3), "box": gym.spaces.Box(-1, 1, (2,), np.float32)}
ROWS = 10
MODEL = """import torch
from ray.rllib.algorithms.sac import SACConfig
from ray.rllib.algorithms.sac.sac_torch_model import SACTorchModel
from ray.rllib.models import ModelCatalog
from ray.rllib.utils.annotations import override
from torch import nn


class Policy(SACTorchModel):
    \"\"\"SAC's nets over scaled observations.\"\"\"

    def __init__(self, obs_space, action_space, num_outputs, model_config, name, **kwargs):
        super().__init__(obs_space, action_space, num_outputs, model_config, name, **kwargs)
        self.scale = nn.Parameter(torch.full((obs_space.shape[0],), 0.5))

    @override(SACTorchModel)
    def forward(self, input_dict, state, seq_lens):
        return input_dict["obs"] * self.scale, state

    @override(SACTorchModel)
    def build_policy_model(self, obs_space, num_outputs, policy_model_config, name):
        wider = {**policy_model_config, "fcnet_hiddens": [24]}
        return super().build_policy_model(obs_space, num_outputs, wider, name)


ModelCatalog.register_custom_model("mine", Policy)
config = SACConfig().environment("Pendulum-v1").training(
    model={"custom_model": "mine"}, q_model_config={"fcnet_hiddens": [6]}
)
"""
AS_IT_IS = """from ray.rllib.algorithms.sac.sac_torch_model import SACTorchModel


class Policy(SACTorchModel):
    def value_function(self):
        pass
"""
NETS = {"policy_model_config": {"fcnet_hiddens": [8]}, "q_model_config": {"fcnet_hiddens": [6]}}
CASES = [(MODEL, {}), (AS_IT_IS, {}), (MODEL, {"twin_q": False}), (AS_IT_IS, {"twin_q": False})]


def batch_for(actions) -> dict:
    """A batch as SAC's replay gives it."""
    generator = torch.Generator().manual_seed(0)
    taken = torch.rand(ROWS, 2, generator=generator) * 2 - 1
    if isinstance(actions, gym.spaces.Discrete):
        taken = torch.arange(ROWS) % 3
    return {
        "obs": torch.rand(ROWS, 4, generator=generator),
        "new_obs": torch.rand(ROWS, 4, generator=generator),
        "actions": taken,
        "rewards": torch.randn(ROWS, generator=generator),
        "terminateds": torch.rand(ROWS, generator=generator) > 0.7,
        "weights": torch.ones(ROWS),
    }


@pytest.fixture(params=range(len(CASES)))
def case(request):
    return CASES[request.param]


def sides(migrate, case, kind, **settings):
    """The old policy, the new class, and the config of both."""
    from ray.rllib.algorithms.sac import SACConfig
    from ray.rllib.algorithms.sac.sac_torch_policy import SACTorchPolicy

    text, nets = case
    done = migrate(text, **settings)
    item = done.items["Policy"]
    assert item.outcome == "native"
    assert "SAC's module" in item.message
    config = SACConfig().framework("torch")
    config.api_stack(enable_rl_module_and_learner=False, enable_env_runner_and_connector_v2=False)
    old = {**config.to_dict(), **nets}
    for key, value in NETS.items():
        old[key] = {**old[key], **value}
    old["model"] = {**old["model"], "custom_model": done.old("model.py").Policy}
    policy = SACTorchPolicy(OBS, ACTIONS[kind], old)
    return policy, done.new("model.py").Policy, {**NETS, **nets}


@pytest.mark.parametrize("kind", list(ACTIONS))
@pytest.mark.parametrize("target", ["ray", "builtin"])
def test_policy_and_critics(migrate, case, kind, target) -> None:
    policy, module_class, config = sides(migrate, case, kind, target=target)
    actions, model = ACTIONS[kind], policy.model
    module = module_class(observation_space=OBS, action_space=actions, model_config=config)
    module.load_state_dict(model.state_dict())
    batch = batch_for(actions)
    obs = batch["obs"]
    greedy, _, info = policy.compute_actions(obs.numpy(), explore=False)
    logits = module.forward_inference({"obs": obs})["action_dist_inputs"]
    assert np.array_equal(logits.detach().numpy(), info["action_dist_inputs"])
    dist = module.get_inference_action_dist_cls().from_logits(logits)
    assert np.array_equal(dist.to_deterministic().sample().detach().numpy(), greedy)
    features, _ = model({"obs": obs}, [], None)
    taken = None if kind == "discrete" else batch["actions"]
    asked = [model.get_q_values, *([model.get_twin_q_values] if model.twin_q_net else [])]
    values = [net(features, taken)[0] for net in asked]
    expected = values[0] if len(values) == 1 else torch.min(*values)
    found = module.compute_q_values(batch)
    assert torch.equal(found, expected.reshape(found.shape))
    module.make_target_networks()
    assert torch.equal(module.forward_target(batch), found)


@pytest.mark.parametrize("kind", list(ACTIONS))
def test_rays_learner_has_the_losses_of_the_old_policy(migrate, kind) -> None:
    from ray.rllib.algorithms.sac import SACConfig
    from ray.rllib.algorithms.sac.sac_torch_policy import actor_critic_loss
    from ray.rllib.core.rl_module.apis import QNetAPI, TargetNetworkAPI
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.rllib.policy.sample_batch import SampleBatch

    policy, module_class, nets = sides(migrate, CASES[0], kind)
    spec = RLModuleSpec(module_class=module_class, model_config=nets)
    config = SACConfig().rl_module(rl_module_spec=spec).training(gamma=0.9)
    spaces = (OBS, ACTIONS[kind])
    learner = config.build_learner(env=None, spaces={"__env__": spaces, "default_policy": spaces})
    module = learner.module["default_policy"]
    assert isinstance(module, QNetAPI)
    assert isinstance(module, TargetNetworkAPI)
    state = dict(policy.model.state_dict())
    critics = {k: v for k, v in state.items() if k.startswith(("q_net.", "twin_q_net."))}
    module.load_state_dict(state | {f"_target_{k}": v for k, v in critics.items()})
    policy.target_model.load_state_dict(state)
    policy.config["gamma"] = 0.9
    batch = batch_for(ACTIONS[kind])
    torch.manual_seed(0)
    actor, *_ = actor_critic_loss(policy, policy.model, policy.dist_class, SampleBatch(batch))
    batch["n_step"] = torch.ones(ROWS)
    torch.manual_seed(0)
    outs = module.forward_train(dict(batch))
    loss = learner.compute_loss_for_module(
        module_id="default_policy", config=config, batch=batch, fwd_out=outs
    )
    assert torch.isfinite(loss)
    if kind == "box":  # on discrete actions the new Learner takes the smaller critic, not the first
        reported = float(learner.metrics.peek()["default_policy"]["policy_loss"])
        assert reported == pytest.approx(float(actor), rel=1e-5)
    gradients = learner.postprocess_gradients(learner.compute_gradients({"default_policy": loss}))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    learner.apply_gradients(gradients)
    moved = {n for n, v in module.state_dict().items() if not torch.equal(v, before[n])}
    for part in ("action_model", "q_net", "twin_q_net"):
        assert any(name.startswith(f"{part}.") for name in moved), part
    assert not any(name.startswith("_target") for name in moved)


def test_copies_for_acting_leave_the_critics_out(migrate) -> None:
    _, module_class, nets = sides(migrate, CASES[0], "box")
    given = {"observation_space": OBS, "action_space": ACTIONS["box"], "model_config": nets}
    module = module_class(**given, inference_only=False)
    module.make_target_networks()
    state = module.get_state(inference_only=True)
    assert not any("q_net" in key for key in state)
    small = module_class(**given, inference_only=True)
    assert not hasattr(small, "q_net")
    small.set_state(state)
    obs = {"obs": torch.rand(3, 4)}
    assert torch.equal(
        small.forward_inference(obs)["action_dist_inputs"],
        module.forward_inference(obs)["action_dist_inputs"],
    )


def test_config_hands_on_what_the_nets_need(tmp_path) -> None:
    from rlmigrate.migrate.engine.rounds import rewrite
    from rlmigrate.migrate.index import RepoIndex
    from rlmigrate.migrate.rules.registry import all_rules
    from rlmigrate.migrate.settings import Settings
    from rlmigrate.migrate.source import SourceFile

    path = tmp_path / "model.py"
    path.write_text(MODEL)
    settings = Settings(layers="import")
    index = RepoIndex.build([path], settings)
    after = rewrite(SourceFile.read(path), index, settings, list(all_rules().values())).after
    new: dict = {}
    exec((after or b"").decode(), new)
    spec = new["config"].rl_module_spec
    assert spec.module_class is new["Policy"]
    assert spec.model_config == {"q_model_config": {"fcnet_hiddens": [6]}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            (
                "return super().build_policy_model(obs_space, num_outputs, wider, name)",
                "return nn.Linear(4, num_outputs)",
            ),
            "builds a net of its own in build_policy_model",
        ),
        (("name, **kwargs)\n", "name, twin_q=True, **kwargs)\n"), "tells SAC's nets what they are"),
        (
            ("    @override(SACTorchModel)\n    def build_policy_model(", "    def get_q_values("),
            "by which SAC asked its nets",
        ),
    ],
)
def test_stays_bridged(migrate, change, reason) -> None:
    done = migrate(MODEL.replace(*change))
    assert done.items["Policy"].outcome == "bridged"
    assert reason in done.items["Policy"].message
