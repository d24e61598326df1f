"""What is believed of a model class.

Problem      something that the native form cannot say
Parameter    a constructor parameter of the class's own
Stash        an attribute that forward sets for a later call
Subnet       a network of RLlib that the class holds
View         a column that a connector must supply
OwnLoss      the methods that move into a Learner
ModelFacts   all of it
Mark         a place in the source, and what stands there
Reading      facts and marks
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from rlmigrate.migrate.distributions.naming import NO_NAME, Naming
from rlmigrate.migrate.understanding.vocabulary import MODEL_DEFAULTS


@dataclass(frozen=True, order=True)
class Problem:
    """Why a class cannot become native; `text` completes "bridged because it ..."."""

    line: int
    text: str


@dataclass(frozen=True)
class Parameter:
    """A constructor parameter beside RLlib's five; `default` is source text, None if required."""

    name: str
    default: str | None


@dataclass(frozen=True)
class Stash:
    """An attribute that forward sets; `source` is its text where only the batch is needed."""

    attribute: str
    local: str
    for_value: bool
    source: str | None = None


@dataclass(frozen=True)
class Subnet:
    """A network of RLlib under an attribute, and what forward gives it."""

    attribute: str
    net: str
    given: str | None = None
    local: str | None = None


@dataclass(frozen=True)
class View:
    """A column beside the observation: `source` at the steps that `shift` says, as source text."""

    column: str
    source: str
    shift: str


@dataclass(frozen=True)
class OwnLoss:
    """Methods that move into a Learner.

    `keeps` are attributes that nothing else uses, which move along; `stashes` those that forward
    sets. `listed` says whether custom_loss returns a list.
    """

    methods: tuple[str, ...]
    keeps: tuple[str, ...] = ()
    stashes: tuple[str, ...] = ()
    reads_batch: bool = False
    listed: bool = True


@dataclass(frozen=True)
class ModelFacts:
    """One class; every field is plain data, so that it can be printed and compared."""

    qualified: str
    name: str
    line: int
    bases: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    custom_keys: tuple[str, ...] = ()
    default_keys: tuple[str, ...] = ()
    obs: str = "unread"  # "unread", "whole", "raw", "preprocessed", "flat", "keyed" or "mixed"
    obs_keys: tuple[str, ...] = ()
    copies: bool = False  # forward changes its observation in place, which it reads as a copy
    stashes: tuple[Stash, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    layers: tuple[str, ...] = ()
    views: tuple[View, ...] = ()
    unread: tuple[str, ...] = ()  # columns that it declares for a loss and does not read
    implied: tuple[View, ...] = ()  # those of them that the class reads without declaring them
    states: tuple[str, ...] = ()
    q_model: bool = False  # becomes DQN's or SAC's module
    sac: bool = False  # becomes SAC's
    ported: bool = False  # leaves TensorFlow for torch
    helpers: tuple[str, ...] = ()  # functions of its file that are ported with it
    sequential: bool = False  # states stay a list, and time is folded into rows
    stateless_too: bool = False  # the list of states may be empty
    empty_state: str = ""  # what forward calls the list of states, where it reads it in vain
    staying: tuple[str, ...] = ()  # attributes that forward goes on setting
    inherits: tuple[str, ...] = ()  # bases that are models of the repository, as written
    base_sets: tuple[str, ...] = ()  # "action_dist_cls", "num_outputs": what a base sets up
    base_embeds: bool = False  # a base's forward has a training form
    adds: bool = False  # its forward adds to its base's
    helps: bool = False  # a forward calls forward_rnn by itself, not RLlib's
    kept_by: str = ""  # the class whose forward the values follow, where it is another
    family: tuple[tuple[str, str], ...] = ()  # models tied to it: how, and which
    net_base: str = ""  # the net of RLlib that it inherits from
    net_values: bool = False  # its values are those of that net, for what forward gave it
    head_size: str | None = None  # where num_outputs is read: None | "local" | "attribute"
    discrete: bool = False
    action_dist: Naming = NO_NAME  # its own
    value: str = "none"  # "none" | "computed" | "overridden" where a base computes them too
    loss: OwnLoss | None = None
    wrappers: tuple[str, ...] = ()  # settings that put it into RLlib's LSTM or attention net
    in_doubt: bool = False  # configs that name no model set one of them
    looks_back: bool = False  # such a net may see earlier actions or rewards
    extra_methods: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def apart(self) -> bool:
        """Whether its own keys must stay in custom_model_config: RLlib's config has one of them."""
        return not MODEL_DEFAULTS.keys().isdisjoint(self.custom_keys)


@dataclass(frozen=True)
class Mark:
    """A node whose text must change, by what it is; `detail` depends on the kind."""

    kind: str
    node: ast.AST
    detail: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What the emitter needs of one class."""

    facts: ModelFacts
    node: ast.ClassDef
    marks: tuple[Mark, ...] = ()
    methods: Mapping[str, ast.FunctionDef] = field(default_factory=dict)
