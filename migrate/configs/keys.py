"""Keys of algorithm configs: where each is set today.

METHODS         every method of AlgorithmConfig that returns the config, of any release
FINAL_METHODS   those that build something from it
HOME            argument of today's builder to its method
Now             what an old argument became
OLD             old argument, or dict key, to what it became
SINCE           arguments that the older of the targets lack, or take elsewhere
home_in         the method that takes an argument in a release

Sources: the signatures of Ray 2.60's AlgorithmConfig, the changes of its wheels from 2.5 on, and
the new API stack migration guide. An argument that is in neither table is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FINAL_METHODS = frozenset({"build", "build_algo"})

RENAMED_METHODS: Mapping[str, str] = {"rollouts": "env_runners", "exploration": "env_runners"}

_ARGUMENTS = """
python_environment: extra_python_environs_for_driver extra_python_environs_for_worker
resources: num_cpus_for_main_process custom_resources_for_main_process num_gpus _fake_gpus
  placement_strategy
framework: framework eager_tracing eager_max_retraces tf_session_args local_tf_session_args
  torch_compile_learner torch_compile_learner_what_to_compile torch_compile_learner_dynamo_mode
  torch_compile_learner_dynamo_backend torch_compile_worker torch_compile_worker_dynamo_backend
  torch_compile_worker_dynamo_mode torch_ddp_kwargs torch_skip_nan_gradients
api_stack: enable_rl_module_and_learner enable_env_runner_and_connector_v2
environment: env env_config observation_space action_space render_env clip_rewards
  normalize_actions clip_actions disable_env_checking is_atari action_mask_key
env_runners: env_runner_cls num_env_runners create_local_env_runner create_env_on_local_worker
  num_envs_per_env_runner gym_env_vectorize_mode num_cpus_per_env_runner num_gpus_per_env_runner
  custom_resources_per_env_runner validate_env_runners_after_construction sample_timeout_s
  max_requests_in_flight_per_env_runner env_to_module_connector module_to_env_connector
  episode_lookback_horizon compress_observations rollout_fragment_length batch_mode explore
learners: num_learners num_cpus_per_learner num_gpus_per_learner custom_resources_per_learner
  num_aggregator_actors_per_learner max_requests_in_flight_per_aggregator_actor local_gpu_idx
  max_requests_in_flight_per_learner learner_class learner_connector
  add_default_connectors_to_learner_pipeline learner_config_dict
training: gamma lr grad_clip grad_clip_by train_batch_size train_batch_size_per_learner num_epochs
  minibatch_size shuffle_batch_per_epoch model optimizer use_critic use_gae lambda_ use_kl_loss
  kl_coeff kl_target vf_loss_coeff entropy_coeff clip_param vf_clip_param
  target_network_update_freq replay_buffer_config store_buffer_in_checkpoints epsilon adam_epsilon
  num_steps_sampled_before_learning_starts tau num_atoms v_min v_max noisy sigma0 dueling hiddens
  double_q n_step training_intensity td_error_loss_fn twin_q q_model_config policy_model_config
  initial_alpha target_entropy optimization_config actor_lr critic_lr alpha_lr vtrace
  vtrace_clip_rho_threshold vtrace_clip_pg_rho_threshold learner_queue_size broadcast_interval
  opt_type decay momentum circular_buffer_num_batches circular_buffer_iterations_per_batch
  target_worker_clipping beta bc_logstd_coeff vf_coeff moving_average_sqd_adv_norm_update_rate
  moving_average_sqd_adv_norm_start bc_iters temperature num_actions lagrangian lagrangian_thresh
  min_q_weight
callbacks: callbacks_class
evaluation: evaluation_interval evaluation_duration evaluation_duration_unit
  evaluation_sample_timeout_s evaluation_parallel_to_training evaluation_config
  evaluation_force_reset_envs_before_iteration off_policy_estimation_methods
  ope_split_batch_by_episode evaluation_num_env_runners custom_evaluation_function
offline_data: input_ input_config actions_in_input_normalized postprocess_inputs
  shuffle_buffer_size output output_config output_compress_columns output_max_file_size
  offline_sampling
multi_agent: policies policy_map_capacity policy_mapping_fn policies_to_train
  policy_states_are_swappable observation_fn count_steps_by algorithm_config_overrides_per_module
reporting: keep_per_episode_custom_metrics metrics_episode_collection_timeout_s
  metrics_num_episodes_for_smoothing min_time_s_per_iteration min_train_timesteps_per_iteration
  min_sample_timesteps_per_iteration log_gradients
checkpointing: export_native_model_files checkpoint_trainable_policies_only
debugging: log_level log_sys_usage fake_sampler seed
fault_tolerance: restart_failed_env_runners ignore_env_runner_failures max_num_env_runner_restarts
  delay_between_env_runner_restarts_s restart_failed_sub_environments
  num_consecutive_env_runner_failures_tolerance env_runner_health_probe_timeout_s
  env_runner_restore_timeout_s
rl_module: model_config rl_module_spec
experimental: _validate_config _use_msgpack_checkpoints _torch_grad_scaler_class
  _torch_lr_scheduler_classes
"""


def _homes(table: str) -> dict[str, str]:
    homes: dict[str, str] = {}
    method = ""
    for word in table.split():
        if word.endswith(":"):
            method = word[:-1]
        else:
            homes[word] = method
    return homes


HOME: Mapping[str, str] = _homes(_ARGUMENTS)

METHODS = (
    frozenset(HOME.values())
    | frozenset(RENAMED_METHODS)
    | FINAL_METHODS
    | {"copy", "freeze", "update_from_dict"}
)


@dataclass(frozen=True)
class Now:
    """What an old argument became.

    `name` is empty where it is gone: with `only` it is dropped silently for those constant values
    and needs a person for others; with an empty `only` it means nothing on the new stack.
    """

    method: str = ""
    name: str = ""
    note: str = ""
    only: tuple[object, ...] = ()


def _to(method: str, name: str, note: str = "") -> Now:
    return Now(method, name, note)


def _gone(note: str, *only: object) -> Now:
    return Now("", "", note, only)


_SAC_NETS = (
    "set rl_module(model_config=): both nets are made from it; its head_* keys are the heads"
)
_TOWERS = "learners load their batches themselves"
_REPLAYS = "IMPALA learns each batch once; APPO has training(circular_buffer_num_batches=)"
_OPTIMIZERS = "override configure_optimizers_for_module() in a Learner"
_CONNECTORS = "the new stack has connectors instead"

OLD: Mapping[str, Now] = {
    # env runners
    "num_workers": _to("env_runners", "num_env_runners"),
    "num_rollout_workers": _to("env_runners", "num_env_runners"),
    "num_envs_per_worker": _to("env_runners", "num_envs_per_env_runner"),
    "validate_workers_after_construction": _to(
        "env_runners", "validate_env_runners_after_construction"
    ),
    "num_cpus_per_worker": _to("env_runners", "num_cpus_per_env_runner"),
    "num_gpus_per_worker": _to("env_runners", "num_gpus_per_env_runner"),
    "custom_resources_per_worker": _to("env_runners", "custom_resources_per_env_runner"),
    "max_requests_in_flight_per_sampler_worker": _to(
        "env_runners", "max_requests_in_flight_per_env_runner"
    ),
    "sample_batch_size": _to("env_runners", "rollout_fragment_length"),
    "max_sample_requests_in_flight_per_worker": _to(
        "env_runners", "max_requests_in_flight_per_env_runner"
    ),
    "worker_cls": _gone("write an EnvRunner and set env_runners(env_runner_cls=)", None),
    "sync_filters_on_rollout_workers_timeout_s": _gone(_CONNECTORS),
    "timeout_s_sampler_manager": _gone("see env_runners(sample_timeout_s=)"),
    "timeout_s_aggregator_manager": _gone("aggregators wait for nothing"),
    "sample_async": _gone("sampling in a thread of its own is gone", False),
    "sample_collector": _gone("the new stack samples episodes"),
    "enable_connectors": _gone(_CONNECTORS),
    "preprocessor_pref": _gone(_CONNECTORS, "deepmind", "rllib", None),
    "synchronize_filters": _gone(_CONNECTORS),
    "synchronize_filter": _gone(_CONNECTORS),
    "update_worker_filter_stats": _gone(_CONNECTORS),
    "use_worker_filter_stats": _gone(_CONNECTORS),
    "enable_tf1_exec_eagerly": _gone("the new stack runs torch only"),
    "sampler_perf_stats_ema_coef": _gone("the new stack keeps its own timers", None),
    "remote_env_batch_wait_ms": _gone("gymnasium steps the vectorized environments"),
    # episodes are what the environment says they are
    "horizon": _gone("truncate episodes in the environment, or with gymnasium's TimeLimit", None),
    "soft_horizon": _gone("truncate episodes in the environment", False, None),
    "no_done_at_end": _gone("return truncated instead of terminated", False, None),
    # learners
    "num_learner_workers": _to("learners", "num_learners"),
    "num_trainer_workers": _to("learners", "num_learners"),
    "num_cpus_per_learner_worker": _to("learners", "num_cpus_per_learner"),
    "num_cpus_per_trainer_worker": _to("learners", "num_cpus_per_learner"),
    "num_gpus_per_learner_worker": _to("learners", "num_gpus_per_learner"),
    "num_gpus_per_trainer_worker": _to("learners", "num_gpus_per_learner"),
    "num_aggregation_workers": _to("learners", "num_aggregator_actors_per_learner"),
    "max_requests_in_flight_per_aggregator_worker": _to(
        "learners", "max_requests_in_flight_per_aggregator_actor"
    ),
    # resources
    "num_cpus_for_driver": _to("resources", "num_cpus_for_main_process"),
    "num_cpus_for_local_worker": _to("resources", "num_cpus_for_main_process"),
    # training
    "sgd_minibatch_size": _to("training", "minibatch_size"),
    "num_sgd_iter": _to("training", "num_epochs"),
    "lambda": _to("training", "lambda_"),
    "shuffle_sequences": _to("training", "shuffle_batch_per_epoch"),
    "learning_starts": _to("training", "num_steps_sampled_before_learning_starts"),
    "grad_norm_clipping": _to("training", "grad_clip"),
    "vf_share_layers": _to("rl_module", "model_config.vf_share_layers"),
    "target_update_frequency": _to("training", "target_network_update_freq"),
    "use_state_preprocessor": _gone("SAC's nets read the observation themselves", False),
    "Q_model": _gone(_SAC_NETS, {}, None),
    "policy_model": _gone(_SAC_NETS, {}, None),
    "_deterministic_loss": _gone("SAC's loss is that of its policy", False),
    "_use_beta_distribution": _gone("set action_dist_cls in the RLModule's setup()", False),
    "worker_side_prioritization": _gone("the buffer is updated by the learner", False),
    "categorical_distribution_temperature": _gone("scale the logits in the RLModule", 1.0, 1),
    "before_learn_on_batch": _gone("write a learner connector", None),
    "after_train_step": _gone("use RLlibCallback.on_train_result()", None),
    "learner_queue_timeout": _gone("the learner waits for no queue"),
    "minibatch_buffer_size": _gone("set training(num_epochs=)", 1),
    "num_data_loader_buffers": _gone(_TOWERS),
    "num_multi_gpu_tower_stacks": _gone(_TOWERS),
    "replay_ratio": _gone(_REPLAYS, 0, 0.0),
    "replay_proportion": _gone(_REPLAYS, 0, 0.0),
    "replay_buffer_num_slots": _gone(_REPLAYS),
    "_separate_vf_optimizer": _gone(_OPTIMIZERS, False),
    "_lr_vf": _gone(_OPTIMIZERS, 0.0005),
    "vtrace_drop_last_ts": _gone("V-trace takes the last step's value into account", False, True),
    "_enable_learner_api": _gone("the new stack is the default", True),
    "_use_default_native_models": _gone("the new stack has models of its own"),
    "simple_optimizer": _gone("learners replace the optimizers of the old stack"),
    # evaluation
    "evaluation_num_workers": _to("evaluation", "evaluation_num_env_runners"),
    "evaluation_num_episodes": _to("evaluation", "evaluation_duration"),
    "enable_async_evaluation": _gone("evaluation in parallel is asynchronous anyway"),
    "always_attach_evaluation_results": _gone("results are always attached"),
    "input_evaluation": _gone(
        "evaluate in the environment, or with ray.rllib.offline.offline_evaluation_runner", None, []
    ),
    "in_evaluation": _gone("set by RLlib itself"),
    # reporting
    "metrics_smoothing_episodes": _to("reporting", "metrics_num_episodes_for_smoothing"),
    "collect_metrics_timeout": _to("reporting", "metrics_episode_collection_timeout_s"),
    "min_iter_time_s": _to("reporting", "min_time_s_per_iteration"),
    "min_time_s_per_reporting": _to("reporting", "min_time_s_per_iteration"),
    "min_sample_timesteps_per_reporting": _to("reporting", "min_sample_timesteps_per_iteration"),
    "min_train_timesteps_per_reporting": _to("reporting", "min_train_timesteps_per_iteration"),
    "timesteps_per_iteration": _to("reporting", "min_sample_timesteps_per_iteration"),
    # fault tolerance
    "ignore_worker_failures": _to("fault_tolerance", "ignore_env_runner_failures"),
    "recreate_failed_workers": _to("fault_tolerance", "restart_failed_env_runners"),
    "recreate_failed_env_runners": _to("fault_tolerance", "restart_failed_env_runners"),
    "max_num_worker_restarts": _to("fault_tolerance", "max_num_env_runner_restarts"),
    "delay_between_worker_restarts_s": _to(
        "fault_tolerance", "delay_between_env_runner_restarts_s"
    ),
    "num_consecutive_worker_failures_tolerance": _to(
        "fault_tolerance", "num_consecutive_env_runner_failures_tolerance"
    ),
    "worker_health_probe_timeout_s": _to("fault_tolerance", "env_runner_health_probe_timeout_s"),
    "worker_restore_timeout_s": _to("fault_tolerance", "env_runner_restore_timeout_s"),
    # multi-agent
    "replay_mode": _gone("replay buffers hold episodes", "independent", None),
    "policy_map_cache": _gone("the policy map is no longer cached on disk"),
    # environments
    "auto_wrap_old_gym_envs": _gone("only gymnasium environments are taken", False, True),
    "env_task_fn": _gone("set the task from RLlibCallback.on_train_result", None),
    "record_env": _gone("record with gymnasium's RecordVideo wrapper", False, None),
    "monitor": _gone("record with gymnasium's RecordVideo wrapper", False, None),
    # experimental
    "_disable_preprocessor_api": _gone("the new stack has no preprocessors"),
    "_disable_action_flattening": _gone("the new stack does not flatten actions"),
    "_disable_initialize_loss_from_dummy_batch": _gone("the new stack needs no dummy batch"),
    "_tf_policy_handles_more_than_one_loss": _gone("the new stack runs torch only"),
    "_disable_execution_plan_api": _gone("execution plans are gone"),
    "eager_tracing": _gone("the new stack runs torch only"),
    "eager_max_retraces": _gone("the new stack runs torch only"),
    "tf_session_args": _gone("the new stack runs torch only"),
    "local_tf_session_args": _gone("the new stack runs torch only"),
    # debugging
    "logger_creator": _gone("pass loggers as callbacks to ray.tune", None),
    "logger_config": _gone("pass loggers as callbacks to ray.tune", None),
    # rl_module
    "model_config_dict": _to("rl_module", "model_config"),
    "_enable_rl_module_api": _gone("the new stack is the default", True),
}

#: Argument of today to the first target whose builder takes it there, and the method of those
#: before; empty where they have no such argument. Read off the wheels of the four targets.
SINCE: Mapping[str, tuple[str, str]] = {
    "add_default_connectors_to_learner_pipeline": ("2.54", "training"),
    "learner_class": ("2.54", "training"),
    "learner_config_dict": ("2.54", "training"),
    "learner_connector": ("2.54", "training"),
    "custom_resources_per_learner": ("2.60", ""),
    "custom_resources_for_main_process": ("2.60", ""),
    "create_local_env_runner": ("2.47", ""),
    "gym_env_vectorize_mode": ("2.47", ""),
    "max_requests_in_flight_per_aggregator_actor": ("2.47", ""),
    "num_aggregator_actors_per_learner": ("2.47", ""),
}


def home_in(name: str, release: str) -> str:
    """Return the method that takes an argument in a release; nothing where none does.

    >>> home_in("learner_class", "2.40"), home_in("learner_class", "2.60")
    ('training', 'learners')
    """
    first, before = SINCE.get(name, ("", ""))
    return before if int(release.rpartition(".")[2]) < int(first[2:] or 0) else HOME.get(name, "")
