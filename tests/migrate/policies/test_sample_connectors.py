"""What policies did to their samples, other agents' and from other files, as connectors on Ray."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("ray.rllib")
from ray.rllib.env.multi_agent_episode import MultiAgentEpisode
from ray.rllib.env.single_agent_episode import SingleAgentEpisode

OBSERVATIONS = gym.spaces.Box(-1, 1, (3,), np.float32)
ACTIONS = gym.spaces.Discrete(4)
CENTRAL = """\
import numpy as np
from ray.rllib.policy.sample_batch import SampleBatch


def central_postprocessing(policy, sample_batch, other_agent_batches=None, episode=None):
    if hasattr(policy, "compute_central_vf") and policy.loss_initialized():
        batches = [other_agent_batches[name][1] for name in sorted(other_agent_batches)]
        sample_batch["others"] = np.concatenate([each["obs"] for each in batches], -1)
        sample_batch["others_acted"] = np.stack([each["actions"] for each in batches], 1)
        last = 0.0 if sample_batch["dones"][-1] else 1.0
        sample_batch[SampleBatch.REWARDS][-1] += last
    return sample_batch
"""
POLICY = """\
from ray.rllib.algorithms.ppo.ppo_torch_policy import PPOTorchPolicy
from ray.rllib.policy.policy_template import build_policy_class
from central import central_postprocessing


class CentralMixin:
    def __init__(self):
        self.compute_central_vf = self.model.central_value_function


Central = build_policy_class(
    name="Central",
    framework="torch",
    loss_fn=None,
    postprocess_fn=central_postprocessing,
    mixins=[CentralMixin],
)
"""
FILES = {"central.py": CENTRAL, "policy.py": POLICY}
NAME = "CentralPostprocessingConnector"


def agents_episode(*, done: bool) -> MultiAgentEpisode:
    rng = np.random.default_rng(4)
    names = ("a", "b", "c")
    draw = lambda: {name: rng.uniform(-1, 1, 3).astype(np.float32) for name in names}  # noqa: E731
    steps = 4
    ends = {"__all__": done, **dict.fromkeys(names, done)}
    return MultiAgentEpisode(
        observations=[draw() for _ in range(steps + 1)],
        actions=[{name: int(rng.integers(4)) for name in names} for _ in range(steps)],
        rewards=[{name: float(rng.normal()) for name in names} for _ in range(steps)],
        terminateds=ends,
        truncateds={"__all__": False},
        agent_module_ids={"a": "one", "b": "two", "c": "two"},
        agent_to_module_mapping_fn=lambda agent, episode: "one" if agent == "a" else "two",
        len_lookback_buffer=0,
    )


def old_batches(episode: MultiAgentEpisode, *, done: bool) -> dict[str, Any]:
    from ray.rllib.policy.sample_batch import SampleBatch

    found = {}
    for name, each in episode.agent_episodes.items():
        last = np.arange(len(each)) == len(each) - 1
        found[name] = SampleBatch(
            obs=rows(each.get_observations(slice(0, len(each)))),
            actions=np.asarray(each.get_actions()),
            rewards=np.array(each.get_rewards()),
            terminateds=last & done,
            truncateds=last & False,
        )
    return found


def flat(text: str) -> str:
    """Markers on one line."""
    return text.replace("\n    #    ", "")


def rows(items: Any) -> Any:
    return np.stack([np.asarray(each) for each in items])


def added(items: Any) -> Any:
    """What a connector added for one episode."""
    return np.concatenate([np.asarray(each) for each in items])


@pytest.mark.parametrize("done", [True, False])
def test_a_function_of_another_file_sees_other_agents(migrate, done):
    made = migrate(FILES)
    item = made.items["central_postprocessing()"]
    assert item.new_name == NAME
    assert "Central" in item.message
    assert f"from central import {NAME}" in made.text()
    assert f"{NAME}(config=self.config).join(self._learner_connector)" in made.text()
    episode = agents_episode(done=done)
    before = old_batches(episode, done=done)

    class Policy:
        compute_central_vf = None

        def loss_initialized(self) -> bool:
            return True

    connector = getattr(made.new("central.py"), NAME)(OBSERVATIONS, ACTIONS)
    after = connector(rl_module={}, batch={}, episodes=[episode])
    for name in ("a", "b", "c"):
        module = "one" if name == "a" else "two"
        key = (episode.id_, name, module)
        others = {n: (None, b.copy()) for n, b in before.items() if n != name}
        old = made.old("central.py").central_postprocessing(
            Policy(), before[name].copy(), others, episode
        )
        for column in ("others", "others_acted"):
            assert np.array_equal(added(after[column][key]), old[column])
        if done:
            assert "rewards" not in after
        else:
            assert np.array_equal(added(after["rewards"][key]), old["rewards"])


def test_does_not_change_again(migrate):
    made = migrate(FILES)
    after = {name: made.text(name) for name in FILES}
    again = migrate(after)
    assert {name: again.text(name) for name in FILES} == after


def text_of(body: str) -> str:
    head = POLICY.partition("from central")[0]
    return (
        f"{head}\n\nclass Policy(PPOTorchPolicy):\n"
        "    def postprocess_trajectory("
        "self, sample_batch, other_agent_batches=None, episode=None):"
        f"\n        {body}\n        return sample_batch\n"
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("[(_, _, other)] = other_agent_batches.values()", "named_others = True"),
        ("for name, (_, other) in other_agent_batches.items(): print(other)", ""),
        ("other = list(other_agent_batches.values())[0][2]", "named_others = True"),
        ("print(other_agent_batches)", "set named_others = True where an id comes first"),
        ("sample_batch['rewards'] = sample_batch['rewards'].cumsum()", ""),
    ],
)
def test_pairs_of_ray_1_and_triples_of_ray_2(migrate, body, said):
    text = migrate(text_of(body)).text()
    assert "PolicyConnector(SampleConnector)" in text
    assert said in flat(text)
    assert ("named_others" in text) == bool(said)


def test_what_is_changed_in_place_is_seen_and_what_is_not_stays(migrate):
    done = migrate(text_of("sample_batch['rewards'][1:] *= 2"))
    episode = SingleAgentEpisode(
        observations=[OBSERVATIONS.sample() for _ in range(4)],
        actions=[0, 1, 2],
        rewards=[5.0, -0.5, -7.0],
        len_lookback_buffer=0,
    )
    out = done.new().PolicyConnector(OBSERVATIONS, ACTIONS)(
        rl_module=None, batch={}, episodes=[episode]
    )
    assert list(out) == ["rewards"]
    ((_, items),) = out["rewards"].items()
    assert added(items).tolist() == [5.0, -1.0, -14.0]
    assert list(episode.get_rewards()) == [5.0, -0.5, -7.0]
