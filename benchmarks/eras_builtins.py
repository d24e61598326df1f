"""Fill the `builtin` column of the table of eras: which of our definitions bears an old name.

    python benchmarks/eras_builtins.py

A row gets the definition of the same class, function or constant name in the part of rlmigrate
that answers for the row's module; ALIASES names those that are called otherwise with us.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from eras_from_wheels import TABLE, bound, dump

ROOT = Path(__file__).parent.parent
FOLDERS = ("legacy", "new_stack", "compat/names")

#: Old prefix, and the parts of rlmigrate that may answer for it; the first that fits decides.
AREAS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ray.rllib.models.torch.torch_distributions", ("new_stack.distributions",)),
    ("ray.rllib.models.tf.tf_distributions", ("new_stack.tf", "new_stack.distributions.tf")),
    ("ray.rllib.models.distributions", ("new_stack.distributions",)),
    ("ray.rllib.models.specs", ("new_stack.checking",)),
    (
        "ray.rllib.models.tf",
        ("legacy.models.tf", "legacy.distributions.tf", "legacy.tf", "legacy.policies"),
    ),
    (
        "ray.rllib.models",
        (
            "legacy.models",
            "legacy.catalog",
            "legacy.preprocessors",
            "legacy.distributions",
            "legacy.spaces",
        ),
    ),
    (
        "ray.rllib.policy",
        ("legacy.policies", "legacy.batches", "legacy.postprocessing", "legacy.utils", "legacy"),
    ),
    ("ray.rllib.evaluation.postprocessing", ("legacy.postprocessing",)),
    ("ray.rllib.evaluation", ("legacy", "compat.names")),
    ("ray.rllib.core.distribution.tf", ("new_stack.tf",)),
    ("ray.rllib.core.models.specs", ("new_stack.checking",)),
    ("ray.rllib.core.models.tf", ("new_stack.tf",)),
    ("ray.rllib.core", ("new_stack", "legacy.config", "compat.names")),
    ("ray.rllib.connectors", ("legacy.connectors",)),
    ("ray.rllib.utils.nested_dict", ("new_stack",)),
    ("ray.rllib.utils.typing", ("legacy", "compat.names")),
    # One name means another function in each of these.
    ("ray.rllib.utils.torch_utils", ("legacy.utils.torch_utils",)),
    ("ray.rllib.utils.torch_ops", ("legacy.utils.torch_utils", "legacy.utils.numpy")),
    ("ray.rllib.utils.tf_utils", ("legacy.models.tf.structs", "legacy.policies.tf.losses")),
    ("ray.rllib.utils.tf_ops", ("legacy.models.tf.structs", "legacy.policies.tf.losses")),
    ("ray.rllib.utils.numpy", ("legacy.utils.numpy",)),
    (
        "ray.rllib.utils",
        (
            "legacy.utils",
            "legacy.exploration",
            "legacy.filters",
            "legacy.spaces",
            "legacy.schedules",
            "legacy",
            "compat.names",
        ),
    ),
    (
        "ray.rllib.agents",
        (
            "legacy.policies",
            "legacy.models",
            "legacy.config",
            "legacy.postprocessing",
            "compat.names",
            "legacy",
        ),
    ),
    (
        "ray.rllib.algorithms",
        ("legacy.config", "legacy.policies", "legacy.models", "new_stack", "compat.names"),
    ),
    ("ray.rllib.examples.rl_modules", ("compat.names.examples", "new_stack")),
    ("ray.rllib.examples", ("compat.names",)),
    ("ray.rllib.env.single_agent_episode", ("legacy.connectors", "new_stack", "compat.names")),
    ("ray.rllib.env", ("compat.names", "legacy.connectors")),
    ("ray.rllib", ("legacy.policies", "legacy.batches", "compat.names")),
    ("ray", ("compat.names",)),
)

#: Old names whose implementation bears another name here.
ALIASES: dict[str, str] = {
    "SingleAgentRLModuleSpec": "RLModuleSpec",
    "MultiAgentRLModule": "MultiRLModule",
    "MultiAgentRLModuleSpec": "MultiRLModuleSpec",
    "MultiAgentRLModuleConfig": "MultiRLModuleConfig",
    "PPOTorchRLModule": "DefaultPPOTorchRLModule",
    "BCTorchRLModule": "DefaultBCTorchRLModule",
    "SACTorchRLModule": "DefaultSACTorchRLModule",
    "DQNRainbowTorchRLModule": "DefaultDQNTorchRLModule",
    "PPORLModule": "DefaultPPORLModule",
    "TorchTensorSpec": "TensorSpec",
    "RecurrentTFModelV2": "RecurrentNetwork",
}

#: Modules whose lower-case helpers only share a name with ours.
HELPERS = re.compile(
    r"ray\.rllib\.(agents|algorithms)\.[a-z0-9_]+\.utils|ray\.rllib\.models\.model$"
)

#: Mixins that torch policies have under the same names, and where those of TF lived.
TF_MIXINS = {
    *("EntropyCoeffSchedule", "GradStatsMixin", "KLCoeffMixin", "LearningRateSchedule"),
    *("TargetNetworkMixin", "ValueNetworkMixin"),
}
TF_POLICIES = re.compile(r"_tf_policy$|\.tf_(policy|mixins)$|\.(ppo|simple_q)_policy$")

#: Policies' modules, whose helpers mean another thing in each.
OF_A_POLICY = re.compile(r"ray\.rllib\.(agents|algorithms)\.\w+\.(\w+_(?:torch|tf)_policy)$")

#: Names whose implementation no search by name would find.
EXPLICIT: dict[str, str] = {
    "ray.tune.registry._global_registry": "rlmigrate.compat.names.tune.global_registry",
    "ray.rllib.utils.typing.Dict": "typing.Dict",
    "ray.rllib.utils.typing.List": "typing.List",
    "ray.rllib.execution.replay_buffer.DEPRECATED_VALUE": (
        "rlmigrate.compat.names.deprecation.DEPRECATED_VALUE"
    ),
    # Names that `import *` of this module used to bring along.
    "ray.rllib.execution.replay_buffer.override": ("rlmigrate.legacy.utils.annotations.override"),
    "ray.rllib.execution.replay_buffer.SampleBatchType": (
        "rlmigrate.legacy.rllib_typing.SampleBatchType"
    ),
    "ray.rllib.execution.replay_buffer.SampleBatch": (
        "rlmigrate.legacy.batches.sample_batch.SampleBatch"
    ),
    "ray.rllib.execution.replay_buffer.MultiAgentBatch": (
        "rlmigrate.legacy.batches.multi_agent.MultiAgentBatch"
    ),
    "ray.rllib.execution.replay_buffer.DEFAULT_POLICY_ID": (
        "rlmigrate.legacy.batches.columns.DEFAULT_POLICY_ID"
    ),
    "ray.rllib.agents.dqn.dqn_tf_policy.PRIO_WEIGHTS": (
        "rlmigrate.legacy.policies.dqn_torch_policy.PRIO_WEIGHTS"
    ),
    "ray.rllib.algorithms.dqn.dqn_tf_policy.PRIO_WEIGHTS": (
        "rlmigrate.legacy.policies.dqn_torch_policy.PRIO_WEIGHTS"
    ),
    **{
        f"ray.rllib.{home}.dqn.dqn_tf_policy.postprocess_nstep_and_prio": (
            "rlmigrate.legacy.policies.dqn_torch_policy.postprocess_nstep_and_prio"
        )
        for home in ("agents", "algorithms")
    },
    # Without static graphs: the same hooks, run eagerly.
    "ray.rllib.policy.dynamic_tf_policy_v2.DynamicTFPolicyV2": (
        "rlmigrate.legacy.policies.tf.eager_tf_policy_v2.EagerTFPolicyV2"
    ),
    **{
        f"ray.rllib.{home}": f"rlmigrate.legacy.policies.tf.static_graph.{home.rpartition('.')[2]}"
        for home in (
            "TFPolicy",
            "policy.TFPolicy",
            "policy.tf_policy.TFPolicy",
            "policy.dynamic_tf_policy.DynamicTFPolicy",
        )
    },
    "ray.rllib.policy.tf_mixins.compute_gradients": (
        "rlmigrate.legacy.policies.tf.mixins.compute_gradients"
    ),
    "ray.rllib.agents.dqn.distributional_q_model.DistributionalQModel": (
        "rlmigrate.legacy.models.tf.dqn_model.DistributionalQTFModel"
    ),
    "ray.rllib.agents.dqn.distributional_q_tf_model.DistributionalQTFModel": (
        "rlmigrate.legacy.models.tf.dqn_model.DistributionalQTFModel"
    ),
    "ray.rllib.algorithms.dqn.distributional_q_tf_model.DistributionalQTFModel": (
        "rlmigrate.legacy.models.tf.dqn_model.DistributionalQTFModel"
    ),
    **{
        f"ray.rllib.{home}.sac.sac_tf_model.SACTFModel": (
            "rlmigrate.legacy.models.tf.sac_model.SACTFModel"
        )
        for home in ("agents", "algorithms")
    },
    **{
        f"ray.cloudpickle.{name}": f"cloudpickle.{name}"
        for name in ("dump", "dumps", "load", "loads")
    },
    **{
        f"ray.util.annotations.{name}": f"rlmigrate.legacy.utils.annotations.{name}"
        for name in ("DeveloperAPI", "PublicAPI")
    },
    "ray.rllib.agents.marwil.marwil_tf_policy.postprocess_advantages": (
        "rlmigrate.legacy.policies.returns.marwil_advantages"
    ),
    "ray.rllib.algorithms.pg.utils.post_process_advantages": (
        "rlmigrate.legacy.policies.returns.post_process_advantages"
    ),
    "ray.rllib.agents.pg.utils.post_process_advantages": (
        "rlmigrate.legacy.policies.returns.post_process_advantages"
    ),
    "ray.rllib.utils.merge_dicts": "rlmigrate.compat.names.tune.merge_dicts",
    "ray.rllib.models.tf.tf_action_dist.ActionDistribution": (
        "rlmigrate.legacy.distributions.base.ActionDistribution"
    ),
}

#: Names that look like ours and are another thing.
NOT_OURS = {
    "ray.rllib.algorithms.impala.impala_tf_policy.VTraceOptimizer",
    "ray.rllib.algorithms.impala.torch.vtrace_torch_v2.make_time_major",
    "ray.rllib.models.FullyConnectedNetwork",
    "ray.rllib.models.VisionNetwork",
    "ray.rllib.train.run",
}


def definitions() -> dict[str, list[str]]:
    """Where each public name is defined: `{"TorchModelV2": ["legacy.models.torch_modelv2"]}`."""
    found: dict[str, list[str]] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.parse(path.read_bytes()).body:
                if isinstance(node, ast.ClassDef | ast.FunctionDef):
                    found.setdefault(node.name, []).append(module.removesuffix(".__init__"))
                elif isinstance(node, ast.Assign | ast.AnnAssign):
                    for name in bound([node]):
                        found.setdefault(name, []).append(module.removesuffix(".__init__"))
    return found


def is_tf(module: str) -> bool:
    return any(part == "tf" or part.startswith(("tf_", "eager_tf")) for part in module.split("."))


def home(row: str, kind: str, found: dict[str, list[str]]) -> str | None:
    """Our dotted name for a row, or None."""
    module, _, name = row.rpartition(".")
    if row in EXPLICIT:
        return EXPLICIT[row]
    if kind in ("module", "method", "argument") or name.startswith("_") or len(name) == 1:
        return None
    if ".jax" in module or module.endswith("_v1"):
        return None
    if name in TF_MIXINS and TF_POLICIES.search(module):
        return f"rlmigrate.legacy.policies.tf.mixins.{name}"
    if row in NOT_OURS or (HELPERS.match(module) and not name[0].isupper()):
        return None
    areas = next(areas for prefix, areas in AREAS if (row + ".").startswith(prefix + "."))
    wanted = [name, ALIASES.get(name, "")]
    tf = is_tf(module) or name.startswith(("TF", "Tf", "EagerTF")) or ".tf." in row
    tf = tf or name.endswith("TFPolicy")
    for ours in wanted:
        places = found.get(ours, [])
        for area in areas:
            inside = [p for p in places if p == area or p.startswith(area + ".")]
            if match := OF_A_POLICY.match(module):
                if same := [p for p in inside if p.endswith(f".{match[2]}")]:
                    return f"rlmigrate.{same[0]}.{ours}"
                helper = not name[0].isupper()
                inside = [p for p in inside if not (helper and p.endswith("_policy"))]
            inside = [p for p in inside if is_tf(p) == tf] or ([] if tf else inside)
            inside = [p for p in inside if tf or not is_tf(p)]
            if inside:
                return f"rlmigrate.{min(inside, key=len)}.{ours}"
    return None


def main() -> int:
    rows: dict[str, dict[str, str]] = json.loads(TABLE.read_text())
    found = definitions()
    for name, row in rows.items():
        ours = home(name, row["kind"], found) if name.startswith("ray") else None
        row.pop("builtin", None)
        if ours:
            row["builtin"] = ours
    TABLE.write_text(dump(rows))
    print(
        f"{sum('builtin' in r for r in rows.values())} of {len(rows)} rows have an implementation"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
