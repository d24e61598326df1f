"""Policies made by builder functions must be moved by hand, argument by argument."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.policies.hooks import BUILDER
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule

BUILDERS = frozenset({"build_policy_class", "build_torch_policy", "build_tf_policy"})


def check(context: FileContext) -> Iterable[Finding]:
    """Yield each call of a policy builder of RLlib, and each `with_updates` of a policy."""
    file = context.index.files.get(context.source.path)
    if file is None:
        return
    made: set[str] = set()
    for call in sorted(context.source.nodes(ast.Call), key=lambda node: node.lineno):
        target = file.imports.qualified(call.func) or ""
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        builds = target.startswith("ray.rllib.") and target.rpartition(".")[2] in BUILDERS
        updates = (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == "with_updates"
            and owner is not None
            and (
                (isinstance(owner, ast.Name) and owner.id in made)
                or _is_ray_policy(file.imports.qualified(owner))
            )
        )
        if not builds and not updates:
            continue
        name = _argument(call, "name") or "the policy"
        made |= _assigned_to(context, call)
        places = [
            f"{keyword.arg} goes into {BUILDER[keyword.arg]}"
            for keyword in call.keywords
            if keyword.arg is not None and keyword.arg in BUILDER
        ]
        what = "; ".join(places) or "its functions go into an RLModule and a Learner"
        yield Finding(
            Item(
                path=str(context.source.path),
                line=call.lineno,
                name=name,
                kind=Kind.POLICY,
                outcome=Outcome.MANUAL,
                code=RULE.code,
                message=f"{name} is made by a policy builder; {what}; see {RULE.link}",
            )
        )


def _is_ray_policy(target: str | None) -> bool:
    return bool(target) and str(target).startswith("ray.rllib.") and str(target).endswith("Policy")


def _argument(call: ast.Call, name: str) -> str | None:
    for keyword in call.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


def _assigned_to(context: FileContext, call: ast.Call) -> set[str]:
    return {
        target.id
        for statement in context.source.nodes(ast.Assign)
        if statement.value is call
        for target in statement.targets
        if isinstance(target, ast.Name)
    }


_CALL = 'MyPolicy = build_policy_class(name="MyPolicy", framework="torch", loss_fn=my_loss)\n'
_LINK = "https://docs.ray.io/en/latest/rllib/new-api-stack-migration-guide.html"

RULE = Rule(
    code="RLM203",
    name="policy-builder",
    kind=Kind.POLICY,
    summary="Say where each function given to a policy builder goes.",
    explanation=(
        "build_policy_class, build_torch_policy, build_tf_policy and with_updates made policies "
        "of functions. The new stack has no Policy: functions that choose actions belong into an "
        "RLModule, those that learn into a Learner, those that change samples into connectors."
    ),
    check=check,
    words=(b"build_policy_class", b"build_torch_policy", b"build_tf_policy", b"with_updates"),
    since="2.40",
    link=_LINK,
    unchanged=(
        Case(
            "a builder of one's own",
            "from mine import build_policy_class  # not of rllib\n\n" + _CALL,
        ),
        Case(
            "with_updates of something else",
            "import rllib_like\n\nthing = rllib_like.make().with_updates(name='x')\n",
        ),
    ),
    cases=(
        Case(
            "build_policy_class",
            "from ray.rllib.policy.policy_template import build_policy_class\n\n" + _CALL,
            "from ray.rllib.policy.policy_template import build_policy_class\n\n"
            "# TODO(rlmigrate RLM203): MyPolicy is made by a policy builder; loss_fn goes into\n"
            "#     compute_loss_for_module() of a Learner subclass; see\n"
            f"#     {_LINK}\n" + _CALL,
        ),
    ),
)
