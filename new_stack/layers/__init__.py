"""Layers that RLlib's old stack provided, as plain modules with the old parameter names.

FullyConnectedNetwork, VisionNetwork           the default nets, with `forward` and `value`
FullyConnectedModule, VisionModule             the same as modules, to inherit from
SlimFC, SlimConv2d, AppendBiasLayer            the layers that they are made of
normc_initializer, same_padding, activation    what these layers need
preprocess, flatten, preprocessed_space        what the old preprocessors made of observations
own_copy                                       observations for a forward that changes them
fold_time, unfold_outputs, unfold_values       sequences as rows, and back
cut_padding                                    sequences no longer than the old stack padded them
name_states, add_time_dimension                lists of states, rows as sequences
custom_settings, old_model_config, bare_config the model config as old models took it
tf_*, Tf*                                      the same for TensorFlow
unmasked                                       the rows of a batch that count for a loss
action_distribution                            the distribution that the old stack chose
MultiActionDistribution, flat_actions          the base of distributions over nested actions
ModelDistribution, SamplingModule              distributions that ask their module, and the module
TorchBeta, TorchDirichlet, ...                 distributions that only the old stack has
Keras*, keras_*                                layers of Keras in torch
LSTMWrapper, AttentionWrapper, head_size       what use_lstm, use_attention put around a model
QModule, NoisyLayer                            DQN's heads, target and exploration: a base class
DefaultModel                                   the module of the default nets, a base for policies
preprocessed, old_observations, acted          what policies without a network got and gave
policy_actions                                 what policies with a network computed by it
restored_observations, PolicyInputs            the same, nested; infos and steps before (Ray)
ViewRequirement, ViewColumns                   columns of earlier steps, and their connector (Ray)
A3CTorchLearner, PGTorchLearner                losses that only the old stack had (Ray)
AdvantageLearner, OldValues, ReturnsToGo       columns of the old stack's batches (Ray)
SampleConnector                                what policies did to their samples (Ray)

`rlmigrate rewrite` writes the ones that a migrated module needs into `rlmigrate_layers.py`
beside it, from the text of the files in this folder.
"""

from __future__ import annotations

import importlib

_HOME = {
    "A3CTorchLearner": "on_ray.learners",
    "AdvantageLearner": "on_ray.learners",
    "OldValues": "on_ray.learners",
    "PGTorchLearner": "on_ray.learners",
    "PolicyInputs": "on_ray.inputs",
    "ReturnsToGo": "on_ray.learners",
    "SampleConnector": "on_ray.samples",
    "AppendBiasLayer": "append_bias",
    "AttentionWrapper": "attention_wrapper",
    "LSTMWrapper": "lstm_wrapper",
    "head_size": "model_wrapper",
    "ModelDistribution": "asking",
    "MultiActionDistribution": "multi_action",
    "SamplingModule": "asking",
    "TorchBeta": ".distributions",
    "TorchDirichlet": ".distributions",
    "TorchOldSquashedGaussian": ".distributions",
    "flat_actions": "multi_action",
    "DefaultModel": "default_model",
    "FullyConnectedModule": "net_modules",
    "FullyConnectedNetwork": "fully_connected",
    "IntegerBox": "integer_box",
    "KerasActivation": "keras_layers",
    "KerasConcatenate": "keras_layers",
    "KerasConv2D": "keras_layers",
    "KerasDense": "keras_layers",
    "KerasFlatten": "keras_layers",
    "KerasInput": "keras_layers",
    "KerasLayerNormalization": "keras_layers",
    "KerasModel": "keras_layers",
    "keras_concatenate": "keras_layers",
    "NoisyLayer": "noisy_layer",
    "QModule": "q_module",
    "SlimConv2d": "slim_conv2d",
    "SlimFC": "slim_fc",
    "VisionModule": "net_modules",
    "VisionNetwork": "vision",
    "acted": "acting",
    "action_distribution": "actions",
    "ViewColumns": "on_ray.views",
    "ViewRequirement": "views",
    "activation": "activations",
    "add_time_dimension": "sequences",
    "cut_padding": "sequences",
    "bare_config": "settings",
    "custom_settings": "settings",
    "filters_for": "filters",
    "flat_size": "observations",
    "flatten": "observations",
    "fold_time": "sequences",
    "name_states": "sequences",
    "normc_initializer": "initializers",
    "old_model_config": "settings",
    "old_observations": "acting",
    "own_copy": "observations",
    "policy_actions": "acting",
    "preprocess": "observations",
    "preprocessed": "acting",
    "preprocessed_space": "observations",
    "restored_observations": "acting",
    "same_padding": "padding",
    "state_out": "sequences",
    "tf_flatten": "on_tf.observations",
    "tf_flatten_rows": "on_tf.observations",
    "tf_get_activation_fn": "on_tf.activations",
    "tf_one_hot": "on_tf.observations",
    "TfFullyConnectedModule": "on_tf.net_modules",
    "TfFullyConnectedNetwork": "on_tf.fully_connected",
    "TfNoisyLayer": "on_tf.noisy_layer",
    "TfQModule": "on_tf.q_module",
    "TfVisionModule": "on_tf.net_modules",
    "TfVisionNetwork": "on_tf.vision",
    "tf_activation": "on_tf.activations",
    "tf_add_time_dimension": "on_tf.sequences",
    "tf_cut_padding": "on_tf.sequences",
    "tf_flat_sequences": "on_tf.sequences",
    "tf_fold_time": "on_tf.sequences",
    "tf_name_states": "on_tf.sequences",
    "tf_state_out": "on_tf.sequences",
    "tf_unfold_outputs": "on_tf.sequences",
    "tf_unfold_values": "on_tf.sequences",
    "tf_normc_initializer": "on_tf.initializers",
    "tf_preprocess": "on_tf.observations",
    "unfold_outputs": "sequences",
    "unfold_values": "sequences",
    "unmasked": "losses",
    "valid_padding": "padding",
}

__all__ = [
    "AppendBiasLayer",
    "AttentionWrapper",
    "DefaultModel",
    "FullyConnectedModule",
    "FullyConnectedNetwork",
    "IntegerBox",
    "KerasActivation",
    "KerasConcatenate",
    "KerasConv2D",
    "KerasDense",
    "KerasFlatten",
    "KerasInput",
    "KerasLayerNormalization",
    "KerasModel",
    "LSTMWrapper",
    "ModelDistribution",
    "MultiActionDistribution",
    "NoisyLayer",
    "QModule",
    "SamplingModule",
    "SlimConv2d",
    "SlimFC",
    "TfFullyConnectedModule",
    "TfFullyConnectedNetwork",
    "TfNoisyLayer",
    "TfQModule",
    "TfVisionModule",
    "TfVisionNetwork",
    "TorchBeta",
    "TorchDirichlet",
    "TorchOldSquashedGaussian",
    "ViewColumns",
    "ViewRequirement",
    "VisionModule",
    "VisionNetwork",
    "acted",
    "action_distribution",
    "activation",
    "add_time_dimension",
    "bare_config",
    "custom_settings",
    "cut_padding",
    "filters_for",
    "flat_actions",
    "flat_size",
    "flatten",
    "fold_time",
    "head_size",
    "keras_concatenate",
    "name_states",
    "normc_initializer",
    "old_model_config",
    "old_observations",
    "policy_actions",
    "preprocess",
    "preprocessed",
    "preprocessed_space",
    "restored_observations",
    "same_padding",
    "state_out",
    "tf_activation",
    "tf_add_time_dimension",
    "tf_cut_padding",
    "tf_flat_sequences",
    "tf_flatten",
    "tf_flatten_rows",
    "tf_fold_time",
    "tf_get_activation_fn",
    "tf_name_states",
    "tf_normc_initializer",
    "tf_one_hot",
    "tf_preprocess",
    "tf_state_out",
    "tf_unfold_outputs",
    "tf_unfold_values",
    "unfold_outputs",
    "unfold_values",
    "unmasked",
    "valid_padding",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value
