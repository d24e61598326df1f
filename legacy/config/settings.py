"""The settings that the builder methods take, in Ray 2.0 to 2.60.

One table per method; a setting that moved between methods is in both.
"""

from __future__ import annotations

METHODS: dict[str, frozenset[str]] = {
    name: frozenset(settings.split())
    for name, settings in {
        "api_stack": """
        enable_env_runner_and_connector_v2 enable_rl_module_and_learner
        """,
        "callbacks": """
        callbacks_class on_algorithm_init on_checkpoint_loaded on_env_runners_recreated
        on_environment_created on_episode_created on_episode_end on_episode_start
        on_episode_step on_evaluate_end on_evaluate_offline_end on_evaluate_offline_start
        on_evaluate_start on_offline_eval_runners_recreated on_sample_end on_train_result
        """,
        "checkpointing": """
        checkpoint_trainable_policies_only export_native_model_files
        """,
        "debugging": """
        _evaluation_parallel_to_training_wo_thread _run_training_always_in_thread
        fake_sampler log_level log_sys_usage logger_config logger_creator seed
        """,
        "env_runners": """
        add_default_connectors_to_env_to_module_pipeline
        add_default_connectors_to_module_to_env_pipeline batch_mode
        broadcast_env_runner_states compress_observations create_env_on_local_worker
        create_local_env_runner custom_resources_per_env_runner enable_connectors
        enable_tf1_exec_eagerly env_runner_cls env_runner_state_server_max_concurrency
        env_to_module_connector episode_lookback_horizon episodes_to_numpy
        exploration_config explore gym_env_vectorize_mode ignore_worker_failures
        max_requests_in_flight_per_env_runner merge_env_runner_states
        module_to_env_connector num_consecutive_worker_failures_tolerance
        num_cpus_per_env_runner num_env_runners num_envs_per_env_runner
        num_envs_per_worker num_gpus_per_env_runner num_rollout_workers observation_filter
        preprocessor_pref recreate_failed_workers remote_env_batch_wait_ms
        remote_worker_envs restart_failed_sub_environments rollout_fragment_length
        sample_collector sample_timeout_s sampler_perf_stats_ema_coef synchronize_filter
        update_worker_filter_stats use_env_runner_state_server use_worker_filter_stats
        validate_env_runners_after_construction validate_workers_after_construction
        worker_health_probe_timeout_s worker_restore_timeout_s
        """,
        "environment": """
        action_mask_key action_space auto_wrap_old_gym_envs clip_actions clip_rewards
        disable_env_checking env env_config env_task_fn is_atari normalize_actions
        observation_space render_env
        """,
        "evaluation": """
        always_attach_evaluation_results broadcast_offline_eval_runner_states
        custom_evaluation_function custom_resources_per_offline_eval_runner
        dataset_num_iters_per_offline_eval_runner enable_async_evaluation
        evaluation_auto_duration_max_env_steps_per_sample
        evaluation_auto_duration_min_env_steps_per_sample evaluation_config
        evaluation_duration evaluation_duration_unit
        evaluation_error_after_n_consecutive_skips
        evaluation_force_reset_envs_before_iteration evaluation_interval
        evaluation_num_env_runners evaluation_num_episodes evaluation_num_workers
        evaluation_parallel_to_training evaluation_sample_timeout_s
        evaluation_unhealthy_workers_timeout_s ignore_offline_eval_runner_failures
        max_num_offline_eval_runner_restarts
        max_requests_in_flight_per_offline_eval_runner num_cpus_per_offline_eval_runner
        num_gpus_per_offline_eval_runner num_offline_eval_runners
        off_policy_estimation_methods offline_eval_batch_size_per_runner
        offline_eval_rl_module_inference_only offline_eval_runner_class
        offline_eval_runner_health_probe_timeout_s offline_eval_runner_restore_timeout_s
        offline_evaluation_interval offline_evaluation_timeout_s offline_evaluation_type
        offline_loss_for_module_fn ope_split_batch_by_episode
        restart_failed_offline_eval_runners
        validate_offline_eval_runners_after_construction
        """,
        "experimental": """
        _disable_action_flattening _disable_execution_plan_api
        _disable_initialize_loss_from_dummy_batch _disable_preprocessor_api
        _enable_new_api_stack _tf_policy_handles_more_than_one_loss
        _torch_grad_scaler_class _torch_lr_scheduler_classes _use_msgpack_checkpoints
        _validate_config
        """,
        "exploration": """
        exploration_config explore
        """,
        "fault_tolerance": """
        delay_between_env_runner_restarts_s delay_between_worker_restarts_s
        env_runner_health_probe_timeout_s env_runner_restore_timeout_s
        ignore_env_runner_failures ignore_worker_failures max_num_env_runner_restarts
        max_num_worker_restarts num_consecutive_env_runner_failures_tolerance
        num_consecutive_worker_failures_tolerance recreate_failed_env_runners
        recreate_failed_workers restart_failed_env_runners restart_failed_sub_environments
        worker_health_probe_timeout_s worker_restore_timeout_s
        """,
        "framework": """
        eager_max_retraces eager_tracing framework local_tf_session_args tf_session_args
        torch_compile_learner torch_compile_learner_dynamo_backend
        torch_compile_learner_dynamo_mode torch_compile_learner_what_to_compile
        torch_compile_worker torch_compile_worker_dynamo_backend
        torch_compile_worker_dynamo_mode torch_ddp_kwargs torch_skip_nan_gradients
        """,
        "get_learner_group_config": """
        module_spec
        """,
        "learners": """
        add_default_connectors_to_learner_pipeline custom_resources_per_learner
        learner_class learner_config_dict learner_connector local_gpu_idx
        max_requests_in_flight_per_aggregator_actor max_requests_in_flight_per_learner
        num_aggregator_actors_per_learner num_cpus_per_learner num_gpus_per_learner
        num_learners
        """,
        "multi_agent": """
        algorithm_config_overrides_per_module count_steps_by observation_fn policies
        policies_to_train policy_map_cache policy_map_capacity policy_mapping_fn
        policy_states_are_swappable replay_mode
        """,
        "offline_data": """
        actions_in_input_normalized dataset_num_iters_per_learner ignore_final_observation
        input_ input_compress_columns input_config input_evaluation input_filesystem
        input_filesystem_kwargs input_read_batch_size input_read_episodes
        input_read_method input_read_method_kwargs input_read_sample_batches
        input_read_schema iter_batches_kwargs map_batches_kwargs materialize_data
        materialize_mapped_data offline_data_class offline_sampling output
        output_compress_columns output_config output_filesystem output_filesystem_kwargs
        output_max_file_size output_max_rows_per_file output_write_episodes
        output_write_method output_write_method_kwargs output_write_remaining_data
        postprocess_inputs prelearner_buffer_class prelearner_buffer_kwargs
        prelearner_class prelearner_module_synch_period
        prelearner_use_recorded_module_states shuffle_buffer_size
        """,
        "python_environment": """
        extra_python_environs_for_driver extra_python_environs_for_worker
        """,
        "reporting": """
        custom_stats_cls_lookup keep_per_episode_custom_metrics log_gradients
        metrics_episode_collection_timeout_s metrics_num_episodes_for_smoothing
        min_sample_timesteps_per_iteration min_time_s_per_iteration
        min_train_timesteps_per_iteration
        """,
        "resources": """
        _fake_gpus custom_resources_for_main_process custom_resources_per_worker
        local_gpu_idx num_cpus_for_local_worker num_cpus_for_main_process
        num_cpus_per_learner_worker num_cpus_per_worker num_gpus
        num_gpus_per_learner_worker num_gpus_per_worker num_learner_workers
        placement_strategy
        """,
        "rl_module": """
        _enable_rl_module_api algorithm_config_overrides_per_module model_config
        model_config_dict rl_module_spec
        """,
        "rollouts": """
        batch_mode compress_observations create_env_on_local_worker enable_connectors
        enable_tf1_exec_eagerly env_runner_cls ignore_worker_failures
        num_consecutive_worker_failures_tolerance num_envs_per_worker num_rollout_workers
        observation_filter preprocessor_pref recreate_failed_workers
        remote_env_batch_wait_ms remote_worker_envs restart_failed_sub_environments
        rollout_fragment_length sample_async sample_collector sampler_perf_stats_ema_coef
        synchronize_filter update_worker_filter_stats use_worker_filter_stats
        validate_workers_after_construction worker_health_probe_timeout_s
        worker_restore_timeout_s
        """,
        "training": """
        _enable_learner_api add_default_connectors_to_learner_pipeline gamma grad_clip
        grad_clip_by learner_class learner_config_dict learner_connector lr
        max_requests_in_flight_per_aggregator_actor
        max_requests_in_flight_per_sampler_worker minibatch_size model
        num_aggregator_actors_per_learner num_epochs num_sgd_iter optimizer
        shuffle_batch_per_epoch train_batch_size train_batch_size_per_learner
        """,
    }.items()
}

# What an algorithm's own config adds to `training`.
TRAINING: dict[str, frozenset[str]] = {
    name: frozenset(settings.split())
    for name, settings in {
        "PPOConfig": """
        clip_param entropy_coeff entropy_coeff_schedule kl_coeff kl_target lambda_
        lr_schedule mini_batch_size_per_learner sgd_minibatch_size shuffle_sequences
        use_critic use_gae use_kl_loss vf_clip_param vf_loss_coeff vf_share_layers
        """,
        "DQNConfig": """
        adam_epsilon before_learn_on_batch burn_in_len
        categorical_distribution_temperature double_q dueling epsilon hiddens lr_schedule
        n_step noisy num_atoms num_steps_sampled_before_learning_starts
        replay_buffer_config sigma0 store_buffer_in_checkpoints target_network_update_freq
        tau td_error_loss_fn training_intensity v_max v_min
        """,
        "SACConfig": """
        _deterministic_loss _use_beta_distribution actor_lr alpha_lr clip_actions
        critic_lr initial_alpha n_step num_steps_sampled_before_learning_starts
        optimization_config policy_model_config q_model_config replay_buffer_config
        store_buffer_in_checkpoints target_entropy target_network_update_freq tau
        training_intensity twin_q
        """,
        "BCConfig": """
        bc_logstd_coeff beta burnin_len moving_average_sqd_adv_norm_start
        moving_average_sqd_adv_norm_update_rate vf_coeff
        """,
    }.items()
}
