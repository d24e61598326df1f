"""Read one model class: facts for people and the strategy, marks for the emitter.

read_model   understand a class as far as its own text and its bases tell
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import replace

from rlmigrate.migrate.distributions.chosen import naming_of
from rlmigrate.migrate.index.configured import preprocesses
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.asked import read_asked
from rlmigrate.migrate.understanding.asked_nets import read_asked_nets
from rlmigrate.migrate.understanding.attributes import check_nets, read_attributes
from rlmigrate.migrate.understanding.base_calls import relative_behind
from rlmigrate.migrate.understanding.columns import Views, read_views
from rlmigrate.migrate.understanding.configs import Configs
from rlmigrate.migrate.understanding.constants import constants_of
from rlmigrate.migrate.understanding.constructor import (
    Constructor,
    find_subnets,
    read_constructor,
)
from rlmigrate.migrate.understanding.definitions import definitions_of
from rlmigrate.migrate.understanding.facts import ModelFacts, Reading, Stash, Subnet
from rlmigrate.migrate.understanding.forward import Forward, read_forward
from rlmigrate.migrate.understanding.inherited import (
    base_embeds,
    base_sets,
    borrowed_forward,
    borrowed_mode,
    check_agreement,
    forward_name,
    kept_for_values,
    kept_in_family,
    read_borrowed,
)
from rlmigrate.migrate.understanding.kept import read_kept
from rlmigrate.migrate.understanding.keras import check_training, read_keras
from rlmigrate.migrate.understanding.keras_losses import keep_losses
from rlmigrate.migrate.understanding.keras_nets import read_nets_described
from rlmigrate.migrate.understanding.kin import Kin, Relative, is_abstract, read_kin, related
from rlmigrate.migrate.understanding.lasting import check_lasting
from rlmigrate.migrate.understanding.listed import Listed, find_listed, read_value_nets
from rlmigrate.migrate.understanding.losses import read_losses
from rlmigrate.migrate.understanding.net_base import (
    NET_BASE,
    finds_own_values,
    net_base,
    read_net_parts,
)
from rlmigrate.migrate.understanding.own_view import read_own_view
from rlmigrate.migrate.understanding.places import check_places
from rlmigrate.migrate.understanding.ported import read_port
from rlmigrate.migrate.understanding.recurrence import (
    is_recurrent,
    may_be_stateless,
    read_initial_states,
    read_recurrent,
    read_sequences,
)
from rlmigrate.migrate.understanding.renames import read_renames
from rlmigrate.migrate.understanding.role import (
    body_without_values,
    check_q,
    is_q_model,
    is_sac_model,
)
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.staying import read_staying
from rlmigrate.migrate.understanding.steps import ACROSS_STEPS
from rlmigrate.migrate.understanding.super_calls import calls_base, read_super_values
from rlmigrate.migrate.understanding.surroundings import read_surroundings
from rlmigrate.migrate.understanding.values import Values, read_values, read_values_alone
from rlmigrate.migrate.understanding.vocabulary import NET_KEYS
from rlmigrate.migrate.understanding.wrapped import with_wrappers

#: Marks of inputs that are copied, since the class changes them.
COPIES = frozenset({"obs_copy", "obs_copied", "inputs_copy", "states_copy"})


def read_model(index: RepoIndex, file: FileEntry, node: ast.ClassDef, *, qualified: str) -> Reading:
    """Understand the class at `node` of `file`, as far as its text and that of its kin tell.

    A recurrent class is read for named states first, and for a list of states where that fails.
    """
    kin = read_kin(index, file, node, qualified)
    first = _read(index, file, node, kin, listed=bool(kin))
    if not first.facts.problems or kin or "get_initial_state" not in kin.own.methods:
        return first
    second = _read(index, file, node, kin, listed=True)
    if not second.facts.problems or not first.facts.states:
        return second
    telling = tuple(p for p in first.facts.problems if p.text != ACROSS_STEPS)
    if not telling:
        return second
    return replace(first, facts=replace(first.facts, problems=telling))


def _read(
    index: RepoIndex, file: FileEntry, node: ast.ClassDef, kin: Kin, *, listed: bool
) -> Reading:
    qualified = kin.own.qualified
    raw = _is_raw(index, qualified)
    plain = raw is True or (not kin and index.has_plain_observations(qualified))
    framework = index.framework(qualified)
    sac = is_sac_model(index, qualified)
    q_model = sac or is_q_model(index, qualified)
    scope = Scope(
        body_without_values(node) if q_model else node,
        file,
        kin,
        framework=framework,
        q_model=q_model,
        sac=sac,
        raw=raw is True and not kin and framework != "tf",
        plain=plain and framework != "tf",
        constants=constants_of(index, file),
        definitions=definitions_of(index),
    )
    if framework == "tf":
        read_keras(scope, outside=index.outside)
    scope.net_base = net_base(scope) or ""
    nets = {name: net for name, (net, _) in find_subnets(scope).items()}
    if framework == "tf":
        read_nets_described(scope, nets)
    if scope.net_base:
        nets[NET_BASE] = scope.net_base
    views = read_views(scope)
    named = is_recurrent(scope) and not listed
    sequential = not named and _has_states(kin)
    aside: Listed = {} if kin or named or sequential else find_listed(scope)
    forward, states, lender = _read_forward(
        scope, kin, nets, views, named=named, sequential=sequential
    )
    if forward and aside:
        read_value_nets(scope, forward, nets, aside)
    mode = forward.observed.mode if forward and lender is None else borrowed_mode(kin)
    own_forward = None
    if forward and lender is None and calls_base(forward.node) and not scope.net_base:
        own_forward, mode = forward, _joint_mode(forward, borrowed_mode(kin))
        forward, lender = _under(scope, kin, own_forward)
    if q_model:
        values = Values(None)
    elif forward is None:
        values = read_values_alone(scope) if scope.net_base else Values(None)
    else:
        values = read_values(scope, forward, nets)
    if forward is not None and not (lender or own_forward or states or sequential):
        read_asked(scope, forward, values)
    if (states or sequential) and values.node is not None:
        for each in nodes_in(values.node):
            if isinstance(each, ast.Return) and each.value is not None:
                scope.mark("value_return", each)
    if sequential:
        read_initial_states(scope)
        same = any(m.kind == "return_sequences" and m.detail == "same" for m in scope.marks)
        if same and may_be_stateless(kin):
            scope.problem(scope.node, "returns no states where it may have some")
    alone = not (kin or states or sequential or lender)
    loss = read_losses(
        scope, forward if alone and not q_model else None, target=index.settings.target
    )
    if framework == "tf" and index.settings.target == "builtin":
        keep_losses(scope, forward if alone else None)
    configs = Configs(scope)
    if raw is None and mode not in {"keyed", "unread"}:
        scope.problem(node, "is configured with and without _disable_preprocessor_api")
    elif raw and mode in {"mixed", "flat"}:
        scope.problem(node, "is configured with _disable_preprocessor_api")
    read_own_view(scope)
    constructor = read_constructor(scope, configs, obs=mode)
    if scope.net_base:
        read_net_parts(scope, obs=mode)
        configs.default_keys.update(NET_KEYS[scope.net_base])
    if q_model:
        states_too = bool(states) or sequential
        check_q(scope, constructor.own, kin=bool(kin), states=states_too, views=bool(views.needed))
    read_renames(scope, index)
    reads_own_head = read_attributes(scope, configs, nets, obs=mode)
    if constructor.other_head is not None and reads_own_head:
        _check_head(scope, constructor.other_head)
    configs.check(p.name for p in constructor.own)
    stashes: tuple[Stash, ...] = ()
    sources: dict[str, str] = {}
    if not scope.net_base:
        read_super_values(scope)
    if own_forward is not None:
        own_forward.observed.finish()
        mode = own_forward.observed.mode
    if forward and lender is not None:
        stashes = read_borrowed(scope, index, forward, values, lender)
    elif forward:
        read_staying(scope, index, forward)
        shared = bool(kin) or sequential
        needed = kept_for_values(kin, forward.node.name, forward.stored) if shared else None
        stashes, sources = read_kept(
            scope, forward, values, needed=needed, reported=loss.stashes if loss else ()
        )
        read_asked_nets(scope, forward, sources, values.nets)
        forward.observed.finish()
    if kin and views.needed:
        scope.problem(node, "shares bases and asks for columns beside the observation")
    if kin:
        check_agreement(scope, index, kin)
    served = {"get_initial_state", "forward_rnn"} if states or sequential else set()
    layers = read_surroundings(
        scope,
        index,
        qualified,
        kept_in_family(kin) - scope.staying,
        served=served,
        recurrent=bool(served),
    )
    helpers: tuple[str, ...] = ()
    if framework == "tf" and index.settings.target == "ray":
        helpers = read_port(scope, index.source_of(file.path).tree)
    action_dist = naming_of(index, qualified)
    check_nets(scope, nets)
    if framework == "tf":
        check_training(scope)
    check_places(scope, index)
    check_lasting(scope, index)
    facts = ModelFacts(
        qualified=qualified,
        name=node.name,
        line=node.lineno,
        bases=tuple(file.imports.qualified(b) or dotted(b) or ast.unparse(b) for b in node.bases),
        parameters=tuple(constructor.own),
        custom_keys=tuple(sorted(configs.custom_keys | {p.name for p in constructor.own})),
        default_keys=tuple(sorted(configs.default_keys)),
        obs=mode,
        obs_keys=tuple(k for k in forward.observed.keys if k != "?") if forward else (),
        copies=any(mark.kind in COPIES for mark in scope.marks),
        stashes=stashes,
        subnets=_subnets(nets, forward, sources),
        layers=tuple(sorted(layers)),
        views=views.needed,
        unread=tuple(views.others),
        implied=views.implied,
        states=states,
        sequential=sequential,
        stateless_too=sequential and may_be_stateless(kin),
        staying=tuple(sorted(scope.staying)),
        empty_state=forward.empty_state if forward and lender is None else "",
        inherits=_inherits(scope, kin),
        base_sets=("action_dist_cls", "num_outputs") if q_model else base_sets(kin),
        q_model=q_model,
        sac=sac,
        ported=framework == "tf" and index.settings.target == "ray",
        helpers=helpers,
        base_embeds=base_embeds(kin),
        helps=forward_name((kin.own, *kin.bases)) == "forward",
        adds=own_forward is not None,
        kept_by=lender.qualified if lender else "",
        family=related(index, kin) if kin else (),
        head_size=_head(constructor, reads_own_head),
        discrete=not action_dist.name and _is_discrete(scope, constructor),
        action_dist=action_dist,
        value=_value(scope, kin) if values.node else "none",
        net_base=scope.net_base,
        net_values=not q_model and finds_own_values(scope, forward),
        loss=loss,
        extra_methods=tuple(
            m
            for m in scope.methods
            if m not in {"__init__", "forward", "forward_rnn", "value_function"}
        ),
        problems=tuple(sorted(scope.problems)),
    )
    if framework != "tf" or facts.ported:
        facts = with_wrappers(index, facts)
    methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
    return Reading(facts, node, tuple(scope.marks), methods)


def _is_raw(index: RepoIndex, qualified: str) -> bool | None:
    """Say whether configs switch the preprocessors off; None where only some do."""
    if all(file.preprocesses for file in index.files.values()):
        return False
    found = preprocesses(index, qualified)
    return None if found is None else not found


def _has_states(kin: Kin) -> bool:
    """Say whether the class, a base or an heir has states to begin with."""
    around = (kin.own, *kin.bases, *(heir for heir, _ in kin.heirs))
    return any("get_initial_state" in each.methods for each in around)


def _read_forward(
    scope: Scope,
    kin: Kin,
    nets: Mapping[str, str],
    views: Views,
    *,
    named: bool,
    sequential: bool,
) -> tuple[Forward | None, tuple[str, ...], Relative | None]:
    """Read the forward that the class defines, or find the one that it runs."""
    if named:
        forward, states = read_recurrent(scope)
        return forward, states, None
    name = forward_name((kin.own, *kin.bases))
    own = scope.methods.get(name)
    if own is not None and not is_abstract(own):
        if name == "forward_rnn":
            return read_sequences(scope), (), None
        return read_forward(scope, nets, views, sequential=sequential), (), None
    lent = borrowed_forward(scope, kin)
    if lent is None:
        if not scope.net_base and not scope.sac:
            scope.problem(scope.node, "has no forward of its own")
        return None, (), None
    return lent[0], (), lent[1]


def _inherits(scope: Scope, kin: Kin) -> tuple[str, ...]:
    return tuple(
        ast.unparse(base)
        for base in scope.node.bases
        if relative_behind(scope, base, kin.bases) is not None
    )


def _value(scope: Scope, kin: Kin) -> str:
    if scope.net_base:
        return "overridden"
    base = kin.base_owner("value_function")
    abstract = base is None or is_abstract(base.methods["value_function"])
    return "computed" if abstract else "overridden"


def _joint_mode(forward: Forward, base: str) -> str:
    """How a class reads observations whose forward adds to its base's."""
    own = forward.observed.mode
    return own if base in {own, "unread"} else base if own == "unread" else "split"


def _under(scope: Scope, kin: Kin, forward: Forward) -> tuple[Forward | None, Relative | None]:
    """The base's forward under one that adds to it, whose keepsakes values find."""
    if forward.given:
        scope.problem(forward.node, "calls a net of RLlib beside its base's forward")
    if forward.stored:
        scope.problem(forward.node, "keeps something beside its base's forward")
    if _has_states(kin):
        scope.problem(forward.node, "calls its base's forward with states")
    lent = borrowed_forward(scope, kin)
    return lent if lent is not None else (forward, None)


def _check_head(scope: Scope, call: ast.Call) -> None:
    """self.num_outputs is what the base was given, unless the class sets it at once."""
    init = scope.methods["__init__"]
    sets = any(
        self_attribute(n) == "num_outputs" and isinstance(getattr(n, "ctx", None), ast.Store)
        for n in nodes_in(init)
    )
    if not sets:
        scope.problem(call, "gives its base another num_outputs than it was given")


def _subnets(
    nets: Mapping[str, str], forward: Forward | None, sources: Mapping[str, str]
) -> tuple[Subnet, ...]:
    return tuple(
        Subnet(
            attribute,
            net,
            given=ast.unparse(forward.given[attribute])
            if forward and attribute in forward.given
            else None,
            local=sources.get(attribute),
        )
        for attribute, net in nets.items()
    )


def _head(constructor: Constructor, reads_own_head: bool) -> str | None:
    if reads_own_head:
        return "attribute"
    return "local" if constructor.reads_head else None


def _is_discrete(scope: Scope, constructor: Constructor) -> bool:
    """Say whether the class counts its actions, as only a Discrete space allows."""
    names = {n for n, role in constructor.roles.items() if role == "action_space"}
    return any(
        isinstance(n, ast.Attribute)
        and n.attr == "n"
        and (self_attribute(n.value) == "action_space" or dotted(n.value) in names)
        for n in nodes_in(scope.node)
    )
