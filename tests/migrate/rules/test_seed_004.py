"""Code as the document on Models, Preprocessors and Action Distributions shows it, rewritten.

One test a block, in the document's order; what the document leaves out is filled in. Blocks of
torch and of configs run on the installed Ray up to the module that an Algorithm would build. Blocks
for TensorFlow have no place on Ray's new stack: they stay, and are said to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from rlmigrate.migrate.engine.rounds import Outcome as Done
from rlmigrate.migrate.findings import Outcome

OBS: gym.Space[Any] = gym.spaces.Box(-1, 1, (4,))
TWO: gym.Space[Any] = gym.spaces.Discrete(2)
PPO = (
    "import ray\nimport ray.rllib.algorithms.ppo as ppo\n"
    "from ray.rllib.models import ModelCatalog\n"
)
TF_MODEL = (
    "import ray\nfrom ray.rllib.models import ModelCatalog\n"
    "from ray.rllib.models.tf.tf_modelv2 import TFModelV2\n"
    "from ray.rllib.utils.framework import try_import_tf\n"
    "tf1, tf, tfv = try_import_tf()\n"
)
TORCH_MODEL = (
    "import torch\nimport torch.nn as nn\nimport ray\nfrom ray.rllib.algorithms import ppo\n"
    "from ray.rllib.models import ModelCatalog\n"
    "from ray.rllib.models.torch.torch_modelv2 import TorchModelV2\n"
)


class Block:
    """One block after the rewriting."""

    def __init__(self, done: Done) -> None:
        assert done.error is None, done.error
        self.text = (done.after or done.before).decode()
        compile(self.text, "block.py", "exec")
        self.changed = done.after is not None
        self.manual = [i for i in done.items if i.outcome is Outcome.MANUAL]
        self.files = done.new_files

    def run(self) -> dict[str, Any]:
        """Names of the block on Ray; an Algorithm stops short at its config."""
        import sys
        import types

        text = self.text.replace(".build_algo()", "").replace("ray.init()", "")
        for name, source in self.files.items():
            module = types.ModuleType(name.rpartition("/")[2].removesuffix(".py"))
            exec(compile(source, name, "exec"), vars(module))
            sys.modules[module.__name__] = module
        names: dict[str, Any] = {"__name__": "block"}
        exec(compile(text, "block.py", "exec"), names)
        return names

    def module(self, *, obs: gym.Space[Any] = OBS, act: gym.Space[Any] = TWO) -> Any:
        """The module that the block's config builds."""
        config = self.run()["algo"]
        config.validate()
        spec = config.get_multi_rl_module_spec(spaces={"default_policy": (obs, act)})
        return spec.build()["default_policy"]


@pytest.fixture
def block(apply: Callable[..., Done]) -> Callable[[str], Block]:
    def make(text: str) -> Block:
        done = Block(apply(text))
        assert apply(done.text).after is None
        return done

    return make


Make = Callable[[str], Block]


def test_the_default_model_config_handed_over_whole(block: Make) -> None:
    defaults = {
        "_disable_preprocessor_api": False,
        "_disable_action_flattening": False,
        "fcnet_hiddens": [256, 256],
        "fcnet_activation": "tanh",
        "conv_filters": None,
        "conv_activation": "relu",
        "post_fcnet_hiddens": [],
        "post_fcnet_activation": "relu",
        "free_log_std": False,
        "no_final_linear": False,
        "vf_share_layers": True,
        "use_lstm": False,
        "max_seq_len": 20,
        "lstm_cell_size": 256,
        "lstm_use_prev_action": False,
        "lstm_use_prev_reward": False,
        "_time_major": False,
        "use_attention": False,
        "framestack": True,
        "dim": 84,
        "grayscale": False,
        "zero_mean": True,
        "custom_model": None,
        "custom_model_config": {},
        "custom_action_dist": None,
        "custom_preprocessor": None,
        "always_check_shapes": False,
        "lstm_use_prev_action_reward": -1,
        "_use_default_native_models": -1,
    }
    done = block(
        f"{PPO}MODEL_DEFAULTS = {defaults!r}\n"
        'algo = ppo.PPO(env="CartPole-v1", config={"model": MODEL_DEFAULTS})\n'
    )
    assert not done.manual
    module = done.module()
    assert [layer.out_features for layer in module.encoder.encoder.net.mlp[::2]] == [256, 256]


def test_overriding_keys_of_the_model(block: Make) -> None:
    done = block(
        f"{PPO}algo_config = {{\n"
        "    # All model-related settings go into this sub-dict.\n"
        '    "model": {\n'
        "        # By default, the MODEL_DEFAULTS dict above will be used.\n\n"
        "        # Change individual keys in that dict by overriding them, e.g.\n"
        '        "fcnet_hiddens": [512, 512, 512],\n'
        '        "fcnet_activation": "relu",\n'
        "    },\n\n"
        '    # ... other Algorithm config keys, e.g. "lr" ...\n'
        '    "lr": 0.00001,\n'
        "}\n"
        'algo = ppo.PPO(env="CartPole-v1", config=algo_config)\n'
    )
    assert not done.manual
    assert done.text.index("# Change individual keys") < done.text.index("fcnet_hiddens")
    assert done.run()["algo"].lr == 0.00001
    mlp = done.module().encoder.actor_encoder.net.mlp
    assert [layer.out_features for layer in mlp[::2]] == [512, 512, 512]


def test_conv_filters_for_42_pixels(block: Make) -> None:
    model = '{"dim": 42, "conv_filters": [[16, [4, 4], 2], [32, [4, 4], 2], [512, [11, 11], 1]]}'
    done = block(f'{PPO}algo = ppo.PPO(env="Pong", config={{"model": {model}}})\n')
    assert [item.code for item in done.manual] == ["RLM402"]
    assert "dim: resize the" in done.text
    done = block(
        f'{PPO}algo = ppo.PPO(env="Pong", config={{"model": {model}}})\n'.replace('"dim": 42, ', "")
    )
    assert not done.manual
    module = done.module(obs=gym.spaces.Box(0, 1, (42, 42, 4)))
    kernels = [m.kernel_size for m in module.modules() if type(m).__name__ == "Conv2d"]
    assert kernels[:3] == [(4, 4), (4, 4), (11, 11)]


def test_wrappers_around_environments_stay(block: Make) -> None:
    done = block(
        "import gymnasium as gym\nimport numpy as np\nfrom ray.rllib.utils.numpy import one_hot\n\n"
        "class OneHotEnv(gym.core.ObservationWrapper):\n"
        "    def observation(self, observation):\n"
        "        return one_hot(observation, depth=5)\n\n"
        "class ClipRewardEnv(gym.core.RewardWrapper):\n"
        "    def __init__(self, env, min_, max_):\n"
        "        super().__init__(env)\n        self.min = min_\n        self.max = max_\n"
        "    def reward(self, reward):\n"
        "        return np.clip(reward, self.min, self.max)\n"
    )
    assert not done.changed
    clip = done.run()["ClipRewardEnv"](gym.make("CartPole-v1"), 0.0, 0.5)
    assert clip.reward(3.0) == 0.5


def test_tensorflow_model_registered_and_used(block: Make) -> None:
    done = block(
        f"{TF_MODEL}import ray.rllib.algorithms.ppo as ppo\n"
        "class MyModelClass(TFModelV2):\n"
        "    def __init__(self, obs_space, action_space, num_outputs, model_config, name): ...\n"
        "    def forward(self, input_dict, state, seq_lens): ...\n"
        "    def value_function(self): ...\n\n"
        'ModelCatalog.register_custom_model("my_tf_model", MyModelClass)\n'
        'algo = ppo.PPO(env="CartPole-v1", config={\n    "model": {\n'
        '        "custom_model": "my_tf_model",\n        "custom_model_config": {},\n    },\n})\n'
    )
    assert {item.code for item in done.manual} == {"RLM103", "RLM401"}
    assert '"custom_model": "my_tf_model"' in done.text
    assert "ppo.PPOConfig()" in done.text


NET = (
    "class CustomTorchModel(TorchModelV2, nn.Module):\n"
    "    def __init__(self, obs_space, action_space, num_outputs, model_config, name):\n"
    "        TorchModelV2.__init__(\n"
    "            self, obs_space, action_space, num_outputs, model_config, name)\n"
    "        nn.Module.__init__(self)\n"
    "        self.hidden = nn.Linear(obs_space.shape[0], 16)\n"
    "        self.logits = nn.Linear(16, num_outputs)\n"
    "        self.value = nn.Linear(16, 1)\n"
    "    def forward(self, input_dict, state, seq_lens):\n"
    '        self._features = torch.tanh(self.hidden(input_dict["obs_flat"]))\n'
    "        return self.logits(self._features), state\n"
    "    def value_function(self):\n"
    "        return self.value(self._features).squeeze(-1)\n\n"
)


def test_torch_model_registered_and_used(block: Make) -> None:
    import torch

    done = block(
        f"{TORCH_MODEL}{NET}"
        'ModelCatalog.register_custom_model("my_torch_model", CustomTorchModel)\n'
        'ray.init()\nalgo = ppo.PPO(env="CartPole-v1", config={\n    "framework": "torch",\n'
        '    "model": {\n        "custom_model": "my_torch_model",\n'
        "        # Extra kwargs to be passed to your model's c'tor.\n"
        '        "custom_model_config": {},\n    },\n})\n'
    )
    assert not done.manual
    assert "# Extra kwargs to be passed" in done.text
    module = done.module()
    outs = module.forward_train({"obs": torch.zeros(3, 4)})
    assert outs["action_dist_inputs"].shape == (3, 2)
    assert module.compute_values({"obs": torch.zeros(3, 4)}).shape == (3,)


def test_recurrent_model(block: Make) -> None:
    """The document's TF model, in torch: an LSTM with its states as a list."""
    import torch

    done = block(
        "import numpy as np\nimport torch\nfrom torch import nn\n"
        "from ray.rllib.algorithms import ppo\n"
        "from ray.rllib.models import ModelCatalog\n"
        "from ray.rllib.models.torch.recurrent_net import RecurrentNetwork\n\n"
        "class MyRNNClass(RecurrentNetwork, nn.Module):\n"
        "    def __init__(self, obs_space, action_space, num_outputs, model_config, name):\n"
        "        nn.Module.__init__(self)\n"
        "        super().__init__(obs_space, action_space, num_outputs, model_config, name)\n"
        "        self.cell_size = 8\n"
        "        self.lstm = nn.LSTM(obs_space.shape[0], self.cell_size, batch_first=True)\n"
        "        self.out = nn.Linear(self.cell_size, num_outputs)\n"
        "        self.vf = nn.Linear(self.cell_size, 1)\n"
        "    def get_initial_state(self):\n        return [\n"
        "            np.zeros(self.cell_size, np.float32),\n"
        "            np.zeros(self.cell_size, np.float32),\n        ]\n"
        "    def forward_rnn(self, inputs, state, seq_lens):\n"
        "        self._out, (h, c) = self.lstm(\n"
        "            inputs, (state[0].unsqueeze(0), state[1].unsqueeze(0)))\n"
        "        return self.out(self._out), [h.squeeze(0), c.squeeze(0)]\n"
        "    def value_function(self):\n"
        "        return self.vf(self._out).reshape(-1)\n\n"
        'ModelCatalog.register_custom_model("rnn", MyRNNClass)\n'
        'algo = ppo.PPO(env="CartPole-v1", config={"model": {"custom_model": "rnn"}})\n'
    )
    assert not done.manual
    module = done.module()
    state = {
        key: torch.as_tensor(np.stack([leaf] * 2))
        for key, leaf in module.get_initial_state().items()
    }
    outs = module.forward_train({"obs": torch.zeros(2, 5, 4), "state_in": state})
    assert outs["action_dist_inputs"].shape == (2, 5, 2)


def test_tensorflow_recurrent_model(block: Make) -> None:
    done = block(
        "from ray.rllib.models.tf.recurrent_net import RecurrentNetwork\n"
        "class MyRNNClass(RecurrentNetwork):\n"
        "    def __init__(self, *args, **kwargs):\n"
        "        super(MyRNNClass, self).__init__(*args, **kwargs)\n"
        "    def forward_rnn(self, inputs, state, seq_lens):\n"
        "        model_out, h, c = self.rnn_model([inputs, seq_lens] + state)\n"
        "        return model_out, [h, c]\n"
    )
    assert [item.code for item in done.manual] == ["RLM103"]


DUELING = (
    "    def get_q_values(self, underlying_output):\n"
    "        v = self.V(underlying_output)\n        a = self.A(underlying_output)\n"
    "        return v + a - a.mean(1, keepdim=True)\n"
)


def test_dueling_q_model(block: Make) -> None:
    done = block(
        f"{TORCH_MODEL}from ray.rllib.models.torch.misc import SlimFC\n"
        "class TorchDuelingQModel(TorchModelV2):\n"
        '    """A simple, hard-coded dueling head model."""\n'
        "    def __init__(self, obs_space, action_space, num_outputs, model_config, name):\n"
        "        nn.Module.__init__(self)\n"
        "        super(TorchDuelingQModel, self).__init__(\n"
        "            obs_space, action_space, None, model_config, name\n        )\n"
        "        self.A = SlimFC(in_size=self.num_outputs, out_size=num_outputs)\n"
        f"        self.V = SlimFC(in_size=self.num_outputs, out_size=1)\n{DUELING}"
    )
    assert not done.manual
    assert "TorchDuelingQModel = wrap_model(LegacyTorchDuelingQModel" in done.text
    assert "return v + a - a.mean(1, keepdim=True)" in done.text


def test_single_q_value_model(block: Make) -> None:
    done = block(
        f"{TORCH_MODEL}from gymnasium.spaces import Box\n"
        "from ray.rllib.models.torch.fcnet import (\n"
        "    FullyConnectedNetwork as TorchFullyConnectedNetwork)\n"
        "class TorchContActionQModel(TorchModelV2):\n"
        "    def __init__(self, obs_space, action_space, num_outputs, model_config, name):\n"
        "        nn.Module.__init__(self)\n"
        "        super(TorchContActionQModel, self).__init__(\n"
        "            obs_space, action_space, None, model_config, name\n        )\n"
        "        combined_space = Box(-1.0, 1.0, (self.num_outputs + action_space.shape[0],))\n"
        "        self.q_head = TorchFullyConnectedNetwork(\n"
        '            combined_space, action_space, 1, model_config, "q_head")\n'
        "    def get_single_q_value(self, underlying_output, action):\n"
        "        input_ = torch.cat([underlying_output, action], dim=-1)\n"
        '        q_values, _ = self.q_head({"obs": input_})\n        return q_values\n'
    )
    assert not done.manual
    assert "from rlmigrate.legacy.models" in done.text
    assert "def get_single_q_value(self, underlying_output, action):" in done.text


@pytest.mark.parametrize(
    "name",
    [
        "ComplexInputNetwork",
        "FrameStackingCartPoleModel",
        "ParametricActionsModel",
        "AutoregressiveActionsModel",
    ],
)
def test_tensorflow_models_of_later_sections_are_left_and_named(name: str, block: Make) -> None:
    done = block(
        f"{TF_MODEL}class {name}(TFModelV2):\n"
        "    def __init__(self, obs_space, action_space, num_outputs, model_config, name):\n"
        f"        super({name}, self).__init__(\n"
        "            obs_space, action_space, num_outputs, model_config, name)\n"
        "        self.base_model = tf.keras.Model()\n"
        "    def forward(self, input_dict, state, seq_lens):\n"
        '        return self.base_model(input_dict["obs"]), state\n'
    )
    assert [(item.code, item.name) for item in done.manual] == [("RLM103", name)]


def test_custom_action_distribution(block: Make) -> None:
    done = block(
        f"{PPO}from ray.rllib.models.action_dist import ActionDistribution\n"
        "from ray.rllib.models.preprocessors import Preprocessor\n\n"
        "class MyActionDist(ActionDistribution):\n"
        "    @staticmethod\n"
        "    def required_model_output_shape(action_space, model_config):\n"
        "        return 7  # controls model output feature vector size\n\n"
        "    def __init__(self, inputs, model):\n"
        "        super(MyActionDist, self).__init__(inputs, model)\n"
        "        assert model.num_outputs == 7\n\n"
        "    def sample(self): ...\n    def logp(self, actions): ...\n"
        "    def entropy(self): ...\n\n"
        'ModelCatalog.register_custom_action_dist("my_dist", MyActionDist)\n'
        'algo = ppo.PPO(env="CartPole-v1", config={\n    "model": {\n'
        '        "custom_action_dist": "my_dist",\n    },\n})\n'
    )
    codes = {item.code for item in done.manual}
    assert "RLM402" in codes
    assert done.text.count("custom_action_dist: set action_dist_cls") == 1


def test_environment_with_a_varying_number_of_actions(block: Make) -> None:
    done = block(
        "import gymnasium as gym\nfrom gymnasium.spaces import Box, Dict, Discrete\n"
        "import ray.rllib\n"
        "class MyParamActionEnv(gym.Env):\n"
        "    def __init__(self, max_avail_actions):\n"
        "        self.action_space = Discrete(max_avail_actions)\n"
        "        self.observation_space = Dict({\n"
        '            "action_mask": Box(0, 1, shape=(max_avail_actions, )),\n'
        '            "avail_actions": Box(-1, 1, shape=(max_avail_actions, 2)),\n'
        '            "real_obs": Box(-1, 1, (3,)),\n        })\n'
    )
    assert not done.changed
    assert done.run()["MyParamActionEnv"](3).action_space.n == 3
