"""Which algorithm takes which arguments of `training()`: a key of another one is an error there.

takes   tell whether an algorithm's config takes an argument

Source: the signatures of `training()` in Ray 2.60, along the bases of each config.
"""

from __future__ import annotations

from collections.abc import Mapping

_ALL = """gamma grad_clip grad_clip_by lr max_requests_in_flight_per_aggregator_actor minibatch_size
model num_aggregator_actors_per_learner num_epochs optimizer shuffle_batch_per_epoch
train_batch_size train_batch_size_per_learner learner_class learner_config_dict learner_connector
add_default_connectors_to_learner_pipeline"""
_PPO = """clip_param entropy_coeff kl_coeff kl_target lambda_ use_critic use_gae use_kl_loss
vf_clip_param vf_loss_coeff"""
_IMPALA = """broadcast_interval decay entropy_coeff epsilon learner_queue_size momentum opt_type
vf_loss_coeff vtrace vtrace_clip_pg_rho_threshold vtrace_clip_rho_threshold"""
_APPO = """circular_buffer_iterations_per_batch circular_buffer_num_batches clip_param kl_coeff
kl_target lambda_ target_network_update_freq target_worker_clipping tau use_critic use_gae
use_kl_loss"""
_REPLAY = """n_step num_steps_sampled_before_learning_starts replay_buffer_config
store_buffer_in_checkpoints target_network_update_freq tau training_intensity"""
_DQN = """adam_epsilon double_q dueling epsilon hiddens noisy num_atoms sigma0 td_error_loss_fn
v_max v_min"""
_SAC = """actor_lr alpha_lr critic_lr initial_alpha optimization_config policy_model_config
q_model_config target_entropy twin_q"""
_CQL = "bc_iters lagrangian lagrangian_thresh min_q_weight num_actions temperature"
_MARWIL = """beta bc_logstd_coeff moving_average_sqd_adv_norm_start vf_coeff
moving_average_sqd_adv_norm_update_rate"""

ARGUMENTS: Mapping[str, frozenset[str]] = {
    algorithm: frozenset(f"{_ALL} {own}".split())
    for algorithm, own in {
        "PPO": _PPO,
        "IMPALA": _IMPALA,
        "APPO": f"{_IMPALA} {_APPO}",
        "DQN": f"{_REPLAY} {_DQN}",
        "SAC": f"{_REPLAY} {_SAC}",
        "CQL": f"{_REPLAY} {_SAC} {_CQL}",
        "MARWIL": _MARWIL,
        "BC": _MARWIL,
    }.items()
}


def takes(algorithm: str, name: str) -> bool:
    """Tell whether `training()` of an algorithm's config takes an argument; unknown ones may.

    >>> takes("DQN", "n_step"), takes("PPO", "n_step")
    (True, False)
    """
    return algorithm not in ARGUMENTS or name in ARGUMENTS[algorithm]
