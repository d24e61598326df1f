"""A Learner and a connector with the code that a policy learned by.

Skeleton       the text of the new classes, the imports they need, and what is left to settle
write_learner  write them
write_lent     write the connector of a function that policies of other files use
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from rlmigrate.migrate.edits import Imports
from rlmigrate.migrate.emit.names import Names
from rlmigrate.migrate.engine.todo import render
from rlmigrate.migrate.index.entries import FileEntry
from rlmigrate.migrate.learners.bases import (
    ADVANTAGES,
    COEFFICIENTS,
    COLUMNS,
    COMMON,
    LAYERS,
    LEARNERS,
    MANY_OPTIMIZERS,
    OF_PPO,
    OTHER_LOSSES,
    OTHER_SAMPLES,
    PLAIN,
)
from rlmigrate.migrate.learners.connectors import (
    last_statement,
    only_advantages,
    write_connector,
)
from rlmigrate.migrate.learners.elsewhere import Lent, bring, connector_name
from rlmigrate.migrate.learners.loss_words import OF_ADVANTAGES, LossWords
from rlmigrate.migrate.learners.other_words import OptimizerWords
from rlmigrate.migrate.learners.policies import LearningPolicy
from rlmigrate.migrate.learners.rewards import reward_connector
from rlmigrate.migrate.learners.samples import Samples, adds_advantages
from rlmigrate.migrate.learners.stats import PPO_STATS, read_stats
from rlmigrate.migrate.learners.unused import without_unused
from rlmigrate.migrate.learners.words import (
    CODE,
    LearnerWords,
    Place,
    Surroundings,
    whole_method,
)
from rlmigrate.migrate.policies.rewriting import KeyRead
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import nodes_in

BODY = "        "


@dataclass(frozen=True)
class Skeleton:
    """What stands in the place of a policy or beside it; `names` are the new classes.

    `joined` are connectors that the Learner puts in place. `problems` keep it from being the same
    for certain; marks in the text are among them.
    """

    text: str
    imports: Imports
    names: tuple[str, ...]
    asked: tuple[str, ...]
    layers: frozenset[str]
    problems: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()


def write_learner(
    source: SourceFile,
    file: FileEntry,
    names: Names,
    policy: LearningPolicy,
    *,
    of_modules: frozenset[str],
) -> Skeleton:
    """Write the Learner of a policy, and a connector where it changed its samples."""
    around = _surroundings(source, file, names, policy, of_modules)
    problems = list(policy.problems)
    if policy.like:
        problems.append(f"its Learner is built on that of {policy.like}, which it did not build on")
    if Place.LOSS not in policy.hooks and policy.base not in {*LEARNERS, *LAYERS}:
        problems.append("neither it nor its base has a loss")
    connectors = _connectors(around, policy, problems)
    methods = []
    for place in (Place.LOSS, Place.OPTIMIZER):
        function = policy.hooks.get(place)
        if function is not None:
            layers = set(names.layers)
            there = around
            if home := policy.homes.get(function):
                there = replace(around, source=home[0], file=home[1])
            if place is Place.LOSS:
                method = _loss(there, policy, function, problems)
            else:
                method = _optimizer(there, policy, function, problems)
            whole = whole_method(method, function)
            if whole != method:
                names.layers &= layers  # what was asked for stands nowhere
            methods.append(without_unused(whole, function))
            if home:
                problems += bring(methods[-1], names, (source, file), home)
    methods += [whole_method(_helper(around, helper), helper) for helper in policy.helpers]
    blocks, made = list(connectors.values()), list(connectors)
    if methods or policy.elsewhere or around.joined:
        made.insert(0, f"{policy.name}Learner")
        blocks.append(_learner(around, policy, methods))
    text = "\n\n".join(blocks)
    if f"TODO(rlmigrate {CODE})" in text:
        problems.append("marks stand in it")
    return Skeleton(
        text,
        Imports(frozenset(names.wanted)),
        tuple(made),
        tuple(sorted(around.asked)),
        frozenset(names.layers),
        tuple(problems),
        tuple(around.joined),
    )


def _connectors(
    around: Surroundings, policy: LearningPolicy, problems: list[str]
) -> dict[str, str]:
    """The connector of a policy's own function, and the names of those that its Learner takes."""
    written = {}
    function = policy.hooks.get(Place.EPISODES)
    if function is not None and not only_advantages(around.file, function, policy.base):
        name = f"{policy.name}Connector"
        final = adds_advantages(around.file, last_statement(function), policy.base)
        text = reward_connector(around, policy.name, function, last=final)
        if text is None:
            text, samples = write_connector(around, policy.name, function, base=policy.base)
            _join(around, name, samples)
            problems += _elsewhere(policy, function)
            if samples.problem:
                problems.append(f"{function.name}() {samples.problem}")
        written[name] = text
    for source, file, function in policy.lent:
        if only_advantages(file, function, policy.base):
            continue
        name = connector_name(function)
        there = replace(around, source=source, file=file, names=replace(around.names))
        text, samples = write_connector(there, name, function, base=policy.base)
        _join(around, around.names.want(file.module, f"{name}Connector"), samples)
        around.asked |= there.asked
        problems += _elsewhere(policy, function)
        if samples.problem:
            problems.append(f"{function.name}() {samples.problem}")
        elif f"TODO(rlmigrate {CODE})" in text:
            problems.append(f"marks stand in {name}Connector")
    return written


def _elsewhere(policy: LearningPolicy, function: ast.FunctionDef) -> list[str]:
    """Why a Learner does not see the samples that a function saw."""
    found = OTHER_SAMPLES.get(policy.base) or OTHER_SAMPLES.get(policy.like)
    return [f"{function.name}() {found}"] if found else []


def _join(around: Surroundings, name: str, samples: Samples) -> None:
    around.joined.append(name)
    added = OF_ADVANTAGES if samples.advantages else frozenset()
    around.columns |= samples.written | added


def write_lent(
    source: SourceFile,
    file: FileEntry,
    names: Names,
    policy: LearningPolicy,
    lent: Lent,
    *,
    of_modules: frozenset[str],
) -> Skeleton | None:
    """Write the connector of a function that other files' policies use; `policy` is the first.

    None where the Learner's own connectors do what the function does.
    """
    if only_advantages(file, lent.function, policy.base):
        return None
    alone = replace(policy, hooks={Place.EPISODES: lent.function}, helpers=(), problems=[])
    around = _surroundings(source, file, names, alone, of_modules)
    name = connector_name(lent.function)
    what = f"{lent.function.name}() did"
    text, samples = write_connector(around, name, lent.function, base=policy.base, what=what)
    problems = [f"{lent.function.name}() {samples.problem}"] if samples.problem else []
    if f"TODO(rlmigrate {CODE})" in text:
        problems.append("marks stand in it")
    users = ", ".join(user for user, _, _ in lent.policies)
    return Skeleton(
        text,
        Imports(frozenset(names.wanted)),
        (f"{name}Connector",),
        tuple(sorted(around.asked)),
        frozenset(names.layers),
        (*problems, f"it changes the samples of {users}") if problems else (),
    )


def _surroundings(
    source: SourceFile,
    file: FileEntry,
    names: Names,
    policy: LearningPolicy,
    of_modules: frozenset[str],
) -> Surroundings:
    learns_as_ppo = policy.base in COEFFICIENTS
    functions = [*policy.hooks.values(), *policy.helpers]
    stored = {
        node.attr
        for function in functions
        for node in nodes_in(function)
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
    }
    states = {
        name
        for name, value in policy.kept.values.items()
        if name in stored or not (isinstance(value, ast.Constant) or KeyRead.of(value))
    }
    around = Surroundings(
        source,
        file,
        names,
        ppo=learns_as_ppo,
        methods=frozenset(helper.name for helper in policy.helpers),
        of_modules=of_modules,
        states=frozenset(states),
        given={name: value for name, value in policy.kept.values.items() if name not in states},
        aliases=policy.aliases,
        mixins=frozenset(policy.mixins),
        columns=ADVANTAGES.get(policy.base) or COLUMNS.get(policy.like, frozenset()),
    )
    if (policy.base not in LEARNERS and policy.like not in LEARNERS) or learns_as_ppo:
        around.settings = OF_PPO if learns_as_ppo else COMMON
    if policy.stats is None:
        around.stats = PPO_STATS if policy.base == "PPOTorchPolicy" else {}
        return around
    found = read_stats(policy.stats, LearnerWords(around, policy.stats, {}).key)
    if found is None:
        policy.problems.append(f"{policy.stats.name}() reports more than the loss kept")
    around.stats = found or {}
    return around


def _learner(around: Surroundings, policy: LearningPolicy, methods: list[str]) -> str:
    names = around.names
    if policy.base in LAYERS:
        base = names.layer(LAYERS[policy.base])
    else:
        base = names.want(*LEARNERS.get(policy.base, LEARNERS.get(policy.like, PLAIN)))
    lines = [f'    """What {policy.name} learned by, for config.learners(learner_class=...)."""\n']
    lines += ["\n" + render(CODE, text, "    ") for text in policy.elsewhere]
    lines += _constants(around, "".join(methods))
    built = _build(around, policy, "".join(methods))
    methods = [built, *methods] if built else methods
    body = "".join(lines) + "".join(f"\n{method}" for method in methods)
    return f"class {policy.name}Learner({base}):\n{body}"


def _constants(around: Surroundings, body: str) -> list[str]:
    """Attributes that the constructor set to a constant, as those of the class."""
    found = [
        f"    {name} = {ast.unparse(value)}\n"
        for name, value in around.given.items()
        if isinstance(value, ast.Constant) and f"self.{name}" in body
    ]
    return ["\n", *found] if found else []


def _build(around: Surroundings, policy: LearningPolicy, body: str) -> str:
    """Set up what the policy kept, for each module, and columns that no connector adds."""
    lines = []
    if around.joined:
        lines.append("if self._learner_connector is not None:")
        lines += [
            f"    {name}(config=self.config).join(self._learner_connector)"
            for name in around.joined
        ]
    for name in sorted(around.states):
        if f"self.{name}[module_id]" not in body:
            continue
        text = f"module_id: {_initial(around, policy, policy.kept.values[name])}"
        each = "for module_id in self.module.keys()"
        one = f"self.{name} = {{{text} {each}}}"
        many = [f"self.{name} = {{", f"    {text}", f"    {each}", "}"]
        lines += [one] if len(one) <= 80 else many
    if "vf_preds" in around.wanted:
        old = around.names.layer("OldValues")
        lines += [
            "if self._learner_connector is not None:",
            f"    self._learner_connector.append({old}())",
        ]
    if not lines:
        return ""
    text = "".join(f"{BODY}{line}\n" for line in lines)
    return f"    def build(self):\n{BODY}super().build()\n{text}"


class _InitialWords(LearnerWords):
    """What an attribute begins with."""

    @property
    def config(self) -> str:
        return "self.config.get_config_for_module(module_id)"


def _initial(around: Surroundings, policy: LearningPolicy, value: ast.expr) -> str:
    function = ast.parse("def initial(): pass").body[0]
    assert isinstance(function, ast.FunctionDef)
    words = _InitialWords(around, function, {"self": "policy", "policy": "policy"})
    words.roles["config"] = "config"
    text = " ".join(line.strip() for line in words.text(value).splitlines())
    if words.notes:
        policy.problems.append(f"keeps what is not understood (line {value.lineno})")
    return text


def _helper(around: Surroundings, helper: ast.FunctionDef) -> str:
    words = LearnerWords(around, helper, {"self": "policy"})
    plain = [ast.unparse(d) for d in helper.decorator_list]
    mark = "".join(f"    @{d}\n" for d in plain if d in {"staticmethod", "property"})
    return f"{mark}    def {helper.name}({ast.unparse(helper.args)}):\n{words.written(BODY)}"


def _optimizer(
    around: Surroundings,
    policy: LearningPolicy,
    function: ast.FunctionDef,
    problems: list[str],
) -> str:
    if MANY_OPTIMIZERS & {policy.base, policy.like}:
        problems.append("its Learner has several optimizers, each under a name")
    body = OptimizerWords(around, function).written(BODY)
    head = "    def configure_optimizers_for_module(self, module_id, config):\n"
    asked = f"{BODY}module = self._module[module_id]\n" if "module." in body else ""
    return f"{head}{asked}{body}"


def _loss(
    around: Surroundings,
    policy: LearningPolicy,
    function: ast.FunctionDef,
    problems: list[str],
) -> str:
    words = LossWords(around, function)
    body = words.written(BODY)
    opening = words.opening(body)
    unread = {n.attr for n in nodes_in(function) if isinstance(n, ast.Attribute)}
    if "super()" in body:
        problems += [OTHER_LOSSES[policy.base]] if policy.base in OTHER_LOSSES else []
        if policy.base not in {*LEARNERS, *LAYERS}:
            problems.append("asks for the loss of a base that has none")
    if policy.base == "PPOTorchPolicy" and "kl_coeff" in unread and not words.logs_kl:
        problems.append("its KL coefficient has no mean_kl_loss to follow")
    if policy.base in LEARNERS and policy.base not in COEFFICIENTS and "fwd_out[" in body:
        problems.append(f"modules of {policy.base}'s algorithm have other outputs")
    opening = "".join(f"{BODY}{line}\n" for line in opening.splitlines())
    head = "    def compute_loss_for_module(self, *, module_id, config, batch, fwd_out):\n"
    return f"{head}{opening}{body}"
