"""The demo project's models, rewritten: exact, and read as a person would write them."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

pytest.importorskip("ray.rllib")
PROJECT = Path(__file__).parents[3] / "fixtures/projects/warehouse/warehouse"
MODELS = PROJECT / "models.py"
VECTOR = gym.spaces.Box(-1, 1, (4,), np.float32)
MASKED = gym.spaces.Dict(
    {"action_mask": gym.spaces.Box(0, 1, (5,), np.float32), "observations": VECTOR}
)


@pytest.mark.parametrize("custom", [{}, {"hidden_size": 8, "depth": 1}])
def test_driving_model(migrate, equal, custom) -> None:
    done = migrate({"models.py": MODELS.read_text()})
    old, new = done.old("models.py"), done.new("models.py")
    equal(old.DrivingModel, new.DrivingModel, VECTOR, gym.spaces.Discrete(3), custom)


def test_picking_model(migrate, equal) -> None:
    done = migrate({"models.py": MODELS.read_text()})
    old, new = done.old("models.py"), done.new("models.py")
    equal(old.PickingModel, new.PickingModel, MASKED, gym.spaces.Discrete(5))


def test_result_reads_as_written_by_hand(migrate) -> None:
    files = {f"warehouse/{path.name}": path.read_text() for path in PROJECT.glob("*.py")}
    text = migrate(files).text("warehouse/models.py")
    assert text.split("class DrivingModel")[1] == RESULT.split("class DrivingModel")[1]


RESULT = '''
class DrivingModel(TorchRLModule, ValueFunctionAPI):
    """A small tanh network with one trunk for policy and value."""

    def setup(self):
        self.action_dist_cls = action_distribution(self.action_space)
        num_outputs = self.action_dist_cls.required_input_dim(space=self.action_space)
        hidden_size = self.model_config.get("hidden_size", 32)

        layers = []
        size = int(self.observation_space.shape[0])
        for _ in range(self.model_config.get("depth", 2)):
            layers.append(
                SlimFC(size, hidden_size, initializer=normc_initializer(1.0), activation_fn="tanh")
            )
            size = hidden_size
        self.trunk = nn.Sequential(*layers)
        self.policy_head = SlimFC(size, num_outputs, initializer=normc_initializer(0.01))
        self.value_head = SlimFC(size, 1)

    @override(TorchRLModule)
    def _forward(self, batch, **kwargs):
        outs = self._forward_train(batch, **kwargs)
        del outs[Columns.EMBEDDINGS]  # only compute_values() needs them
        return outs

    @override(TorchRLModule)
    def _forward_train(self, batch, **kwargs):
        features = self.trunk(batch[Columns.OBS])  # kept for the value head
        return {
            Columns.ACTION_DIST_INPUTS: self.policy_head(features),
            Columns.EMBEDDINGS: features,
        }

    @override(ValueFunctionAPI)
    def compute_values(self, batch, embeddings=None):
        if embeddings is None:
            embeddings = self._forward_train(batch)[Columns.EMBEDDINGS]
        return self.value_head(embeddings).squeeze(1)
'''
