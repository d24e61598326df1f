"""The nets that RLlib's default modules are made of.

default_config   DefaultModelConfig: the settings of the default modules
base             Model, Encoder, TorchModel and the keys of their outputs
configs          one dataclass per net, which builds it
mlp, cnn, cnn_transpose    the nets proper
encoders, recurrent, actor_critic, multi_stream    observations to features
heads            features to outputs
activations      activation functions and initializers by name
"""
