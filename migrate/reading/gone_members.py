"""Members of algorithms, policies and workers that the new stack lacks, with what to do.

GONE        thing and member to the advice
OF_MODELS   members of a policy's model that an RLModule lacks, with the advice
"""

from __future__ import annotations

from collections.abc import Mapping

from rlmigrate.migrate.reading.things import Thing

_SAVE = (
    "{it}.save_to_path(folder) writes what RLModule.from_checkpoint(folder) loads to act; "
    "algo.save_to_path(folder) writes everything, and the whole module is in its "
    "learner_group/learner/rl_module folder"
)
_LOOP = (
    "env_runner_group.foreach_env_runner(func) hands func the env runner: its module is "
    "env_runner.module, and of several agents, for module_id, module in "
    "env_runner.module.items(); what such a module is set to acts there and does not train"
)
_FIRST = "env_runner.env is vectorized: the environments are env_runner.env.unwrapped.envs"

GONE: Mapping[tuple[Thing, str], str] = {
    (Thing.ALGORITHM, "export_policy_model"): _SAVE.format(it="algo.get_module(policy_id)"),
    (Thing.ALGORITHM, "export_policy_checkpoint"): _SAVE.format(it="algo.get_module(policy_id)"),
    (Thing.ALGORITHM, "export_model"): _SAVE.format(it="algo.get_module()"),
    (Thing.ALGORITHM, "import_policy_model_from_h5"): "load the weights into the module by hand",
    (Thing.ALGORITHM, "add_policy"): "use algo.add_module(module_id=, module_spec=)",
    (Thing.ALGORITHM, "remove_policy"): "use algo.remove_module(module_id=)",
    (Thing.WORKERS, "foreach_policy"): _LOOP,
    (Thing.WORKERS, "foreach_policy_to_train"): "use algo.learner_group.foreach_learner()",
    (Thing.WORKERS, "foreach_worker_with_id"): "foreach_env_runner() hands over the env runner, "
    "which knows its worker_index",
    (Thing.WORKERS, "remote_workers"): "there are no actor handles to loop over: "
    "foreach_env_runner(func, local_env_runner=False) calls func on every remote env runner",
    (Thing.WORKER, "foreach_policy"): "loop over env_runner.module",
    (Thing.WORKER, "policy_map"): "env_runner.module is the module, or holds all by their ids",
    (Thing.WORKER, "async_env"): _FIRST,
    (Thing.WORKER, "multiagent"): "ask algo.config.is_multi_agent",
    (Thing.WORKER, "policies_to_train"): "ask algo.config.policies_to_train",
    (Thing.WORKER, "policy_mapping_fn"): "it is algo.config.policy_mapping_fn",
    (Thing.WORKER, "filters"): "filters are connectors: see env_runner.get_state()",
    (Thing.WORKER, "set_global_vars"): "env runners count their steps themselves",
    (Thing.WORKER, "learn_on_batch"): "Learners update modules: algo.learner_group.update()",
    (Thing.WORKER, "compute_gradients"): "Learners compute gradients: override "
    "compute_gradients() in a Learner",
    (Thing.WORKER, "apply_gradients"): "Learners apply gradients: override apply_gradients() in "
    "a Learner",
    (Thing.WORKER, "get_weights"): "use algo.get_weights(), which are the Learner's",
    (Thing.WORKER, "set_weights"): 'use algo.set_state({"learner_group": {"learner": '
    '{"rl_module": weights}}}), which reaches all env runners',
    (Thing.WORKER, "env"): f"it was one environment; {_FIRST}",
    (Thing.POLICY, "get_weights"): "use algo.get_weights()[policy_id]",
    (Thing.POLICY, "set_weights"): 'use algo.set_state({"learner_group": {"learner": '
    '{"rl_module": {policy_id: weights}}}})',
    (Thing.POLICY, "export_model"): _SAVE.format(it="module"),
    (Thing.POLICY, "export_checkpoint"): _SAVE.format(it="module"),
    (Thing.POLICY, "get_session"): "the new stack runs torch only",
    (Thing.POLICY, "learn_on_batch"): "the Learner updates modules: algo.learner_group.update()",
    (Thing.POLICY, "postprocess_trajectory"): "write a learner connector",
}

OF_MODELS: Mapping[str, str] = {
    "base_model": "the new stack runs torch only: print(algo.get_module()) shows the layers",
    "value_function": "algo.get_module().compute_values(batch) returns the values",
    "forward": "algo.get_module().forward_inference({Columns.OBS: obs}) returns a dict of outputs",
    "last_output": "the outputs are in what forward_inference() returns",
    "variables": "take list(algo.get_module().parameters())",
    "trainable_variables": "take list(algo.get_module().parameters())",
    "import_from_h5": "load the weights into the module by hand",
    "action_model": "SAC's module has pi_encoder and pi",
    "get_policy_output": "algo.get_module().forward_inference({Columns.OBS: obs})",
    "get_q_values": "DQN's and SAC's modules compute them in compute_q_values(batch)",
}
