"""Weights are taken from the Learner, and given to it and all env runners at once."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.reading.algorithms import algorithm_like
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.reading.things import Thing
from rlmigrate.migrate.reading.weights import weights_edits
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import member_item

CODE = "RLM503"
#: What a file holds that reads weights which an old network may have written.
FILES = (b"pickle", b"np.load", b"torch.load", b"joblib", b"h5py")
AS_THEY_WERE = {
    "get_weights": "still returns weights by id, by the names of the new module's parameters",
    "restore": "still restores a checkpoint, of the new stack: rlmigrate convert brings old ones "
    "over",
    "from_checkpoint": "still loads a checkpoint, of the new stack: rlmigrate convert brings old "
    "ones over",
}

NAMES = frozenset({"get_weights", "set_weights", "load_state_dict", "restore", "from_checkpoint"})


def check(context: FileContext) -> Iterable[Finding]:
    """Find the calls on objects that are RLlib's."""
    nodes = nodes_of(context)
    for node in nodes.attributes(*NAMES):
        if not isinstance(nodes.parents.get(node), ast.Call):
            continue
        place = node.value if node.attr == "load_state_dict" else node
        edits = weights_edits(context, place) if isinstance(place, ast.Attribute) else ()
        if edits:
            read = node.attr != "get_weights" and any(w in context.source.raw for w in FILES)
            text = f"{node.attr}() is now " + (
                "get_weights() of the algorithm: the Learner's"
                if node.attr == "get_weights"
                else "set_state() of the algorithm: the Learner and all env runners get them"
            )
            if read:
                text = (
                    "weights go in by algo.set_state({'learner_group': {'learner': {'rl_module': "
                    "{policy_id: weights}}}}), by the names of the new module's parameters: "
                    "unknown names are passed over, so convert what an old network wrote to a file"
                )
                yield Finding(_item(context, node, Outcome.MANUAL, text))
            else:
                new = "get_weights" if node.attr == "get_weights" else "set_state"
                yield Finding(_item(context, node, Outcome.NATIVE, text, new), edits)
        elif node.attr in AS_THEY_WERE and _on_algorithm(context, node):
            text = f"{node.attr}() {AS_THEY_WERE[node.attr]}"
            yield Finding(_item(context, node, Outcome.UNCHANGED, text))


def _on_algorithm(context: FileContext, node: ast.Attribute) -> bool:
    if node.attr == "from_checkpoint":
        call = nodes_of(context).parents[node]
        assert isinstance(call, ast.Call)
        return algorithm_like(context, call) is Thing.ALGORITHM
    return algorithm_like(context, node.value) is Thing.ALGORITHM


def _item(
    context: FileContext,
    node: ast.Attribute,
    outcome: Outcome,
    message: str,
    new_name: str | None = None,
) -> Item:
    return member_item(
        context,
        node,
        code=CODE,
        outcome=outcome,
        message=message,
        new_name=new_name,
    )


RULE = Rule(
    code=CODE,
    name="weights",
    kind=Kind.CALL,
    summary="Weights are taken from the Learner, and given to it and all env runners at once.",
    explanation="""
On the old stack the local worker's policy both acted and learned. On the new one the Learner's
module learns and copies of it act, most of them without a critic: weights taken from such a copy
are not all, and weights given to it are lost with the next update. `Algorithm.set_weights()` itself
raises with single-agent env runners in all releases up to 2.60, so that `set_state()` is written.
""",
    check=check,
    since="2.40",
    link="https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html",
    words=NAMES,
    unchanged=(
        Case(
            "weights_of_another_object",
            """
import ray.rllib
from keras import Model

model = Model()
model.set_weights(model.get_weights())
model.restore("here")
""",
        ),
        Case(
            "algorithm_as_it_was",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
algo.restore("here")
print(algo.get_weights(["default_policy"]))
""",
        ),
    ),
    cases=(
        Case(
            "from_one_policy_to_another",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
main = algo.get_policy("main")
algo.get_policy(policy_id="old").set_weights(main.get_weights())
algo.set_weights({"old": algo.get_weights()["main"]})
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
main = algo.get_module("main")
algo.set_state(
    {"learner_group": {"learner": {"rl_module": {"old": algo.get_weights()["main"]}}}}
)
algo.set_state(
    {"learner_group": {"learner": {"rl_module": {"old": algo.get_weights()["main"]}}}}
)
""",
        ),
        Case(
            "weights_from_a_file",
            """
import pickle

from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
with open("weights.pkl", "rb") as file:
    algo.set_weights(pickle.load(file))
""",
            """
import pickle

from ray.rllib.algorithms.ppo import PPOConfig

algo = PPOConfig().build_algo()
with open("weights.pkl", "rb") as file:
    # TODO(rlmigrate RLM503): weights go in by algo.set_state({'learner_group': {'learner':
    #     {'rl_module': {policy_id: weights}}}}), by the names of the new module's parameters:
    #     unknown names are passed over, so convert what an old network wrote to a file
    algo.set_weights(pickle.load(file))
""",
        ),
    ),
)
