"""Old names of settings, and the names that Ray 2.60 has for them."""

from __future__ import annotations

RENAMES: dict[str, str] = {
    "_enable_learner_api": "enable_rl_module_and_learner",
    "_enable_new_api_stack": "enable_rl_module_and_learner",
    "_enable_rl_module_api": "enable_rl_module_and_learner",
    "create_env_on_driver": "create_local_env_runner",
    "create_env_on_local_worker": "create_local_env_runner",
    "custom_eval_function": "custom_evaluation_function",
    "custom_resources_per_worker": "custom_resources_per_env_runner",
    "delay_between_worker_restarts_s": "delay_between_env_runner_restarts_s",
    "env_to_module_connector": "_env_to_module_connector",
    "evaluation_num_episodes": "evaluation_duration",
    "evaluation_num_workers": "evaluation_num_env_runners",
    "ignore_worker_failures": "ignore_env_runner_failures",
    "input_": "input",
    "is_atari": "_is_atari",
    "lambda_": "lambda",
    "learner_class": "_learner_class",
    "learner_connector": "_learner_connector",
    "max_num_worker_restarts": "max_num_env_runner_restarts",
    "max_requests_in_flight_per_sampler_worker": "max_requests_in_flight_per_env_runner",
    "metrics_smoothing_episodes": "metrics_num_episodes_for_smoothing",
    "mini_batch_size_per_learner": "minibatch_size",
    "min_iter_time_s": "min_time_s_per_iteration",
    "model_config": "_model_config",
    "model_config_dict": "_model_config",
    "module_to_env_connector": "_module_to_env_connector",
    "num_consecutive_worker_failures_tolerance": "num_consecutive_env_runner_failures_tolerance",
    "num_cpus_for_driver": "num_cpus_for_main_process",
    "num_cpus_for_local_worker": "num_cpus_for_main_process",
    "num_cpus_per_learner_worker": "num_cpus_per_learner",
    "num_cpus_per_worker": "num_cpus_per_env_runner",
    "num_envs_per_worker": "num_envs_per_env_runner",
    "num_gpus_per_learner_worker": "num_gpus_per_learner",
    "num_gpus_per_worker": "num_gpus_per_env_runner",
    "num_learner_workers": "num_learners",
    "num_rollout_workers": "num_env_runners",
    "num_sgd_iter": "num_epochs",
    "num_workers": "num_env_runners",
    "optimization_config": "optimization",
    "recreate_failed_env_runners": "restart_failed_env_runners",
    "recreate_failed_workers": "restart_failed_env_runners",
    "rl_module_spec": "_rl_module_spec",
    "sgd_minibatch_size": "minibatch_size",
    "shuffle_sequences": "shuffle_batch_per_epoch",
    "synchronize_filter": "update_worker_filter_stats",
    "train_batch_size_per_learner": "_train_batch_size_per_learner",
    "validate_workers_after_construction": "validate_env_runners_after_construction",
    "worker_health_probe_timeout_s": "env_runner_health_probe_timeout_s",
    "worker_restore_timeout_s": "env_runner_restore_timeout_s",
}


def current(name: str) -> str:
    """Give the name that a setting has today."""
    return RENAMES.get(name, name)
