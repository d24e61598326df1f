"""Which names of Ray mean what, in every release.

Ray moved its classes between modules but hardly ever renamed them, so a class is known by its last
name, and by its module only where torch and TF share a name.
"""

from __future__ import annotations

ROOTS = ("ray.rllib.", "rllib.")

TORCH_MODELS = frozenset(
    {
        "TorchModelV2",
        "RecurrentNetwork",
        "LSTMWrapper",
        "FullyConnectedNetwork",
        "VisionNetwork",
        "ComplexInputNetwork",
        "GTrXLNet",
        "AttentionWrapper",
        "TorchNoopModel",
        "DQNTorchModel",
        "DDPGTorchModel",
        "SACTorchModel",
        "RNNSACTorchModel",
        "MBMPOModel",
        "DYNATorchModel",
        "DreamerModel",
        "TorchRNN",
        "RNNModel",
        "R2D2Model",
        "SlateQModel",
        "ParametricActionsModel",
        "AlphaZeroModel",
        "ActorCriticModel",
    }
)

TF_MODELS = frozenset(
    {
        "TFModelV2",
        "RecurrentNetwork",
        "RecurrentTFModelV2",
        "LSTMWrapper",
        "FullyConnectedNetwork",
        "VisionNetwork",
        "ComplexInputNetwork",
        "GTrXLNet",
        "AttentionWrapper",
        "DistributionalQTFModel",
        "DistributionalQModel",
        "DDPGTFModel",
        "SACTFModel",
        "RNNSACTFModel",
        "NoopModel",
        "Keras_FullyConnectedNetwork",
        "Keras_VisionNetwork",
        "Model",
    }
)

PLAIN_MODELS = frozenset({"ModelV2"})

POLICIES = frozenset(
    {"Policy", "TorchPolicy", "TorchPolicyV2", "TFPolicy", "DynamicTFPolicy", "DynamicTFPolicyV2"}
    | {"EagerTFPolicy", "EagerTFPolicyV2", "RandomPolicy"}
)

PREPROCESSORS = frozenset(
    {"Preprocessor", "NoPreprocessor", "OneHotPreprocessor", "GenericPixelPreprocessor"}
    | {"TupleFlatteningPreprocessor", "DictFlatteningPreprocessor", "AtariRamPreprocessor"}
    | {"RepeatedValuesPreprocessor", "MultiBinaryPreprocessor"}
)

CALLBACKS = frozenset(
    {"DefaultCallbacks", "RLlibCallback", "MultiCallbacks", "MemoryTrackingCallbacks"}
)

TRAINERS = frozenset({"Trainer", "Algorithm"})

MODULES = frozenset(
    {"RLModule", "TorchRLModule", "TfRLModule", "MultiRLModule", "MultiAgentRLModule"}
)


def ray_kind(qualified: str) -> str | None:
    """Say what a class of Ray is: "model", "policy", "distribution" and so on; None if neither.

    >>> ray_kind("ray.rllib.models.torch.torch_modelv2.TorchModelV2")
    'model'
    """
    if not qualified.startswith(ROOTS):
        return None
    module, _, name = qualified.rpartition(".")
    return (
        _model(module, name)
        or _policy(module, name)
        or _distribution(module, name)
        or _other(module, name)
    )


#: Where Ray defines what users inherit from.
BASES = tuple(f"{root}{part}." for root in ROOTS for part in ("models", "policy"))


def is_rays_own(qualified: str) -> bool:
    """Tell whether a class that stands in the tree is Ray's own, in a copy of Ray.

    >>> is_rays_own("ray.rllib.models.torch.torch_modelv2.TorchModelV2")
    True
    """
    return qualified.startswith(BASES) and ray_kind(qualified) is not None


def ray_framework(qualified: str) -> str | None:
    """Tell torch from TF for a class of Ray; None for one that is neither."""
    module, _, name = qualified.rpartition(".")
    words = set(module.replace("_", ".").split("."))
    if "Torch" in name or "torch" in words:
        return "torch"
    if "TF" in name or words & {"tf", "tf1", "tf2"}:
        return "tf"
    return None


def _model(module: str, name: str) -> str | None:
    parts = module.split(".")
    if "core" in parts:  # the new stack's encoders and heads
        return None
    if name in PLAIN_MODELS or name in {"TorchModelV2", "TFModelV2"}:
        return "model"
    if name.endswith(("TorchModel", "TFModel", "QModel")):
        return "model"
    if name in (TORCH_MODELS | TF_MODELS) and {"models", "examples", "agents", "algorithms"} & set(
        parts
    ):
        return "model"
    return None


def _policy(module: str, name: str) -> str | None:
    if name in POLICIES or (name.endswith("Policy") and "policy" in module.lower()):
        return "policy"
    if name.endswith(("TorchPolicy", "TFPolicy", "TF1Policy", "TF2Policy")):
        return "policy"
    return None


def _distribution(module: str, name: str) -> str | None:
    if ".core." in module or module.endswith(("models.distributions", "torch_distributions")):
        return None
    if name == "ActionDistribution" or module.endswith("_action_dist"):
        return "distribution"
    if name.endswith(("DistributionWrapper", "ActionDist")):
        return "distribution"
    return None


def _other(module: str, name: str) -> str | None:
    if name in MODULES:
        return "module"
    if name in PREPROCESSORS:
        return "preprocessor"
    if name in CALLBACKS:
        return "callback"
    if name in TRAINERS or (name.endswith("Trainer") and ".agents." in module):
        return "trainer"
    if ".exploration" in module:
        return "exploration"
    if ".env" in module and name.endswith("Env"):
        return "env"
    return None
