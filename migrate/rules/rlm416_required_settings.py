"""Configs get the settings without which Ray refuses them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from rlmigrate.migrate.configs.required import REQUIRED, misfit, missing
from rlmigrate.migrate.configs.special import constant
from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.reading.builders import Chain, builders_of, config_class
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import imports_of, item
from rlmigrate.migrate.source import Span

CODE = "RLM416"


def check(context: FileContext) -> Iterable[Finding]:
    """Find configs that Ray would refuse for what they do not say, or for their batch."""
    if context.settings.ray_version != "2.60":
        return  # the releases before ask for other settings
    yield from _offline(context)
    for chain in builders_of(context).chains:
        if chain.config.algorithm == "PPO" and not isinstance(chain.root, ast.Name):
            yield from _batch(context, chain)


def _offline(context: FileContext) -> Iterator[Finding]:
    given: dict[str, set[str]] = {}
    for chain in builders_of(context).chains:
        names = {keyword.arg for call in chain.calls for keyword in call.keywords if keyword.arg}
        given.setdefault(chain.config.algorithm, set()).update(names)
    for call, qualified in nodes_of(context).ray_calls(imports_of(context)):
        algorithm = config_class(qualified) or ""
        own = algorithm in REQUIRED and not call.args
        wanted = missing(algorithm, given.get(algorithm, ())) if own else []
        if not wanted:
            continue
        methods: dict[str, list[str]] = {}
        for method, name, value in wanted:
            text = repr(value).replace("'", '"')
            methods.setdefault(method, []).append(f"{name}={text}")
        end = context.source.span(call).end
        broken = re.match(r"\s*\n\s*(?=\.)", context.source.text[end:])
        lead = broken.group() if broken else ""  # a call a line, where the others stand so
        text = "".join(f"{lead}.{method}({', '.join(said)})" for method, said in methods.items())
        found = item(
            context,
            call,
            code=CODE,
            name=f"{algorithm}Config",
            kind=Kind.CONFIG,
            outcome=Outcome.NATIVE,
            message=f"Ray refuses the config without {', '.join(name for _, name, _ in wanted)}; "
            "one update an iteration, as before",
        )
        yield Finding(found, (Edit(Span(end, end), text, CODE),))


def _batch(context: FileContext, chain: Chain) -> Iterator[Finding]:
    keywords = {k.arg: k for call in chain.calls for k in call.keywords if k.arg}
    values = {name: constant(keyword.value) for name, keyword in keywords.items()}
    at = keywords.get("rollout_fragment_length")
    text = misfit(values) if at is not None else None
    if text is None or at is None:
        return
    found = item(
        context,
        at,
        code=CODE,
        name="rollout_fragment_length",
        kind=Kind.CONFIG,
        outcome=Outcome.MANUAL,
        message=text,
    )
    yield Finding(found)


RULE = Rule(
    code=CODE,
    name="required-settings",
    kind=Kind.CONFIG,
    summary="Configs get the settings without which Ray refuses them.",
    explanation="""
Ray 2.60 refuses BC, MARWIL and CQL without `dataset_num_iters_per_learner` where they learn in the
driver's process (an old iteration was one update, so it is 1), and CQL with the `lr` and the buffer
of its own defaults. PPO's train batch must be made of whole fragments, within a tenth: where the
numbers are in sight and do not fit, the item says which length does.
""",
    check=check,
    since="2.60",
    link="https://docs.ray.io/en/latest/rllib/rllib-offline.html",
    unchanged=(
        Case(
            "learners_of_their_own",
            """
from ray.rllib.algorithms.bc import BCConfig

config = BCConfig().learners(num_learners=2)
""",
        ),
        Case(
            "a_batch_that_fits",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().env_runners(rollout_fragment_length=200).training(train_batch_size=4000)
""",
        ),
    ),
    cases=(
        Case(
            "offline",
            """
from ray.rllib.algorithms.bc import BCConfig

cloned = BCConfig().training(lr=0.1)
""",
            """
from ray.rllib.algorithms.bc import BCConfig

cloned = BCConfig().offline_data(dataset_num_iters_per_learner=1).training(lr=0.1)
""",
        ),
        Case(
            "offline_a_call_a_line",
            """
from ray.rllib.algorithms.cql import CQLConfig

config = (
    CQLConfig()
    .training(gamma=0.9)
)
""",
            """
from ray.rllib.algorithms.cql import CQLConfig

config = (
    CQLConfig()
    .offline_data(dataset_num_iters_per_learner=1)
    .training(lr=None, replay_buffer_config={"type": "EpisodeReplayBuffer"})
    .training(gamma=0.9)
)
""",
        ),
        Case(
            "a_batch_of_broken_fragments",
            """
from ray.rllib.algorithms.ppo import PPOConfig

config = PPOConfig().env_runners(rollout_fragment_length=3000)
""",
            """
from ray.rllib.algorithms.ppo import PPOConfig

# TODO(rlmigrate RLM416): Ray refuses a train_batch_size of 4000 from fragments of 3000 steps;
#     set rollout_fragment_length to "auto" or 4000
config = PPOConfig().env_runners(rollout_fragment_length=3000)
""",
        ),
    ),
)
