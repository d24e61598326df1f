"""What to write for a name that Ray no longer has, by what kind of thing it was.

advice   one sentence for a dotted name
"""

from __future__ import annotations

import re

from rlmigrate import eras
from rlmigrate.eras.surface import exists
from rlmigrate.migrate.configs.lost_algorithms import MODULES, nearest

_LEARNER = "the algorithm's TorchLearner"

#: Patterns of dotted names, tried in order; the first that fits speaks.
ADVICE = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (
            r"(Trainer|build_trainer|with_common_config|trainer_template(\.\w+)?|with_base_config"
            r"|MAX_WORKER_FAILURE_RETRIES)$",
            "trainers are Algorithms now: derive from the algorithm's class "
            "(ray.rllib.algorithms.ppo.PPO, ...) and override training_step()",
        ),
        (r"(DEFAULT|COMMON)_CONFIG$", "write the algorithm's config, as PPOConfig()"),
        (
            r"(validate_config|warn_about_bad_reward_scales|setup_config)$",
            "override validate() in a class derived from the algorithm's config",
        ),
        (
            r"\.(update_kl|UpdateKL)$",
            "PPOTorchLearner updates its KL coefficient itself: training(kl_coeff=, kl_target=)",
        ),
        (
            r"(^ray\.rllib\.execution\.|execution_plan$|\.(choose_policy(_optimizer)?"
            r"|get_policy_class|make_\w+|defer_make_workers|OverrideDefaultResourceRequest)$)",
            "execution plans are gone: override Algorithm.training_step(), which samples with "
            "self.env_runner_group and learns with self.learner_group",
        ),
        (
            r"\.\w*(LearningRateSchedule|EntropyCoeffSchedule)$",
            "lr and entropy_coeff of training() take a schedule: [[step, value], ...]",
        ),
        (
            r"\.\w*(KLCoeffMixin|ValueNetworkMixin|TargetNetworkMixin|ComputeTDErrorMixin"
            r"|CentralizedValueMixin|ExplorationStateMixin|setup_mixins|setup_early_mixins"
            r"|setup_late_mixins|after_init|before_loss_init)$",
            f"{_LEARNER} and the RLModule (ValueFunctionAPI, TargetNetworkAPI) hold this now",
        ),
        (
            r"\.(postprocess_\w+|post_process_\w+|add_advantages|compute_advantages)$",
            "learner connectors do this: GeneralAdvantageEstimation of ray.rllib.connectors."
            "learner, or one of your own",
        ),
        (
            r"\.\w*(_loss|Loss|loss_fn|compute_q_values|_unroll_mac|_mac)$",
            f"the loss is compute_loss_for_module() of {_LEARNER}",
        ),
        (
            r"\.\w*(_stats|fetches|stats_fn)$",
            f"log with self.metrics.log_value() in {_LEARNER}; values and logits are in what "
            "forward_train() returns",
        ),
        (r"\.(clip_gradients|apply_grad\w*)$", "set training(grad_clip=, grad_clip_by=)"),
        (
            r"\.choose_optimizer$",
            f"override configure_optimizers_for_module() in {_LEARNER}",
        ),
        (
            r"\.build_\w*(policy|policy_class|model\w*)$",
            "write an RLModule for the network and a TorchLearner for the loss",
        ),
        (
            r"\.agents\.\w+(\.\w+)?\.\w*Policy$|\.\w+_policy(\.\w*Policy)?$|\.\w*(TF|Torch)Policy$",
            "policies are gone: an RLModule has the network, a TorchLearner the loss; in "
            "multi_agent(policies=) only the names of the modules are left",
        ),
        (
            r"(MultiAgent)?Episode(V2)?$",
            "episodes are SingleAgentEpisode and MultiAgentEpisode of ray.rllib.env."
            "single_agent_episode and ray.rllib.env.multi_agent_episode, with other members",
        ),
        (r"\.MultiCallbacks$", "give config.callbacks() a list of callbacks classes"),
        (
            r"^ray\.(air\.callbacks|tune\.integration)\.(\w+)",
            "loggers for Weights & Biases, MLflow and Comet are in ray.air.integrations; give "
            "one to RunConfig(callbacks=[...])",
        ),
        (
            r"^ray\.tune\.logger\.",
            "loggers are callbacks now: RunConfig(callbacks=[TBXLoggerCallback(), ...]) of "
            "ray.tune.logger; JSON, CSV and TensorBoard files are written without any",
        ),
        (
            r"^ray\.tune\.result\.DEFAULT_RESULTS_DIR$",
            "results go to ~/ray_results, or where RunConfig(storage_path=) says",
        ),
        (
            r"^ray\.rllib\.(rollout|evaluate|train|scripts)(\.|$)",
            "RLlib's command line is gone: train with Tuner(...).fit(); to roll out, load "
            "RLModule.from_checkpoint() and step the environment",
        ),
        (
            r"^ray\.tune\.(config_parser|tune\._make_scheduler|trainable\.cli)",
            "Tune's command line is gone: parse with argparse, and take the scheduler from "
            "ray.tune.schedulers",
        ),
        (r"^ray\.tune\.suggest", "search algorithms are in ray.tune.search"),
        (
            r"^ray\.rllib\.env\.(policy_server_input|policy_client)",
            "external environments talk to ray.rllib.env.external.rllib_gateway now",
        ),
        (
            r"^ray\.rllib\.evaluation\.(sampler|rollout_worker|worker_set|collectors)",
            "SingleAgentEnvRunner and MultiAgentEnvRunner (ray.rllib.env) sample episodes now",
        ),
        (
            r"^ray\.rllib\.agents(\.registry)?$",
            "trainers are Algorithms now, in ray.rllib.algorithms",
        ),
        (
            r"^ray\.rllib\.contrib(\.|$)",
            "RLlib keeps no contributed algorithms any more; keep what you need in your own code",
        ),
        (
            r"^ray\.rllib\.utils\.pre_checks\.",
            "environments of one agent are checked by check_env of gymnasium.utils.env_checker, "
            "those of several by check_multiagent_environments of ray.rllib.utils.pre_checks.env",
        ),
        (
            r"\.utils\.tf_|\.tf(\.|$)|_tf_|\.tf_|TF[A-Z]|TfRL",
            "write it for torch; the new stack has no TF",
        ),
    )
)


def advice(name: str, release: str) -> str:
    """Say what to write instead of a name that `release` lacks."""
    said = _said(name)
    today = eras.current_name(name, ray_version=release)
    if today and today != name and exists(today, release) and not today.endswith("Config"):
        kept = f"Ray {release} keeps it for the old stack as {today}"
        row = eras.resolve(today)
        if row is None or row.stack is not eras.Stack.OLD:
            return f"it is {today} now"
        return f"{said}; {kept}" if said else kept
    ours = eras.builtin(name)
    if ours is not None:
        return f"{said}; or keep the old one from {ours}" if said else f"{ours} may take its place"
    return said or _unknown(name)


def _said(name: str) -> str | None:
    parts = name.split(".")
    homes = ("agents", "algorithms", "contrib")
    lost = MODULES.get(parts[3]) if len(parts) > 3 and parts[2] in homes else None
    if lost == "A3C" and len(parts) > 4 and "a2c" in parts[4].lower():
        lost = "A2C"
    own = re.fullmatch(r"(\w+)(Trainer|Config)", parts[-1])
    if own is not None and nearest(own[1]):
        lost = own[1]
    if lost is not None:
        return nearest(lost)
    for pattern, text in ADVICE:
        if pattern.search(name):
            return text
    return None


def _unknown(name: str) -> str:
    home = name.rpartition(".")[0]
    known = any(other == name or other.startswith(f"{home}.") for other in eras.names())
    if known or not name.startswith("ray.rllib."):
        return "it has no successor; keep what you need of it in your own code"
    return "no release is known that has it; if it is your own patch of RLlib, import it from there"
