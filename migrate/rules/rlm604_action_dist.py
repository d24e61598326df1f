"""Return the inputs of the action distribution, not the distribution."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rlmigrate.migrate.edits import Edit, Imports
from rlmigrate.migrate.findings import Item, Kind, Outcome
from rlmigrate.migrate.index import ImportTable
from rlmigrate.migrate.rules.base import Case, FileContext, Finding, Rule
from rlmigrate.migrate.rules.era_names import (
    RELEASE_NOTES,
    classes,
    imports_of,
    item,
    methods,
    module_kind,
)
from rlmigrate.migrate.rules.rlm606_specs_methods import METHODS
from rlmigrate.migrate.source import Span
from rlmigrate.migrate.tree import nodes_in

CODE = "RLM604"
KEY = "action_dist"
INPUTS = "Columns.ACTION_DIST_INPUTS"
COLUMNS = ("ray.rllib.core.columns", "Columns")

#: Distributions that an RLModule takes by itself, by the action space.
DEFAULTS = ("TorchCategorical", "TorchDiagGaussian")


@dataclass(frozen=True)
class Inputs:
    """The text that computes a distribution's inputs, and the class it is not to lose."""

    text: str
    cls: str | None = None


def check(context: FileContext) -> Iterable[Finding]:
    """Find `action_dist` in what the methods of RLModules return."""
    for node in classes(context.source):
        if module_kind(context, node) is None:
            continue
        for method in methods(node).values():
            for key, value in _entries(method) if method.name not in METHODS else ():
                yield _entry(context, node, method, key, value)


def _entries(method: ast.FunctionDef) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield key and value of dict entries and of assignments to `out["action_dist"]`."""
    for node in nodes_in(method):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if key is not None and _is_key(key):
                    yield key, value
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Subscript) and _is_key(target.slice):
                yield target.slice, node.value


def _is_key(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return node.value == KEY
    return isinstance(node, ast.Attribute) and node.attr == "ACTION_DIST"


def _entry(
    context: FileContext,
    node: ast.ClassDef,
    method: ast.FunctionDef,
    key: ast.expr,
    value: ast.expr,
) -> Finding:
    found = _inputs(context, value)
    name = f"{node.name}.{method.name}"
    if found is None:
        message = (
            f"return the distribution's inputs under {INPUTS}, and name its class in setup(): "
            "self.action_dist_cls"
        )
        return Finding(_item(context, key, name, Outcome.MANUAL, message))
    source = context.source
    edits = [
        Edit(source.span(key), INPUTS, CODE),
        Edit(source.span(value), found.text, CODE),
    ]
    if found.cls is not None:
        setup = methods(node).get("setup")
        if setup is None:
            message = (
                f"name the distribution's class in setup(): self.action_dist_cls = {found.cls}"
            )
            return Finding(_item(context, key, name, Outcome.MANUAL, message))
        edits += _named_in(context, setup, found.cls)
    message = f"{name} returns the inputs of its distribution"
    done = _item(context, key, name, Outcome.NATIVE, message)
    return Finding(done, tuple(edits), Imports(wanted=frozenset({COLUMNS})))


def _named_in(context: FileContext, setup: ast.FunctionDef, cls: str) -> list[Edit]:
    """Set `self.action_dist_cls` at the end of setup, once."""
    if any(isinstance(n, ast.Attribute) and n.attr == "action_dist_cls" for n in nodes_in(setup)):
        return []
    last = setup.body[-1]
    end = context.source.span(last).end
    indent = " " * last.col_offset
    return [Edit(Span(end, end), f"\n{indent}self.action_dist_cls = {cls}", CODE)]


def _inputs(context: FileContext, value: ast.expr) -> Inputs | None:
    """Read the inputs out of the call that makes a distribution; None where they do not show."""
    if not isinstance(value, ast.Call):
        return None
    source, table = context.source, imports_of(context)
    name = table.qualified(value.func) or ""
    keywords = {keyword.arg: keyword.value for keyword in value.keywords}
    last = name.rpartition(".")[2]
    if name.startswith("torch.distributions.") and last == "Categorical":
        if list(keywords) == ["logits"] and not value.args:
            return Inputs(source.segment(keywords["logits"]))
        return None
    if not name.startswith("ray.rllib."):
        return None
    if last == "from_logits":
        given = [*value.args, *value.keywords]
        if len(given) != 1 or (value.keywords and "logits" not in keywords):
            return None
        logits = value.args[0] if value.args else keywords["logits"]
        owner = value.func.value if isinstance(value.func, ast.Attribute) else value.func
        cls = name.split(".")[-2]
        return Inputs(source.segment(logits), None if cls in DEFAULTS else source.segment(owner))
    if last == "TorchCategorical" and list(keywords) == ["logits"] and not value.args:
        return Inputs(source.segment(keywords["logits"]))
    if last == "TorchDiagGaussian" and set(keywords) == {"loc", "scale"} and not value.args:
        log_std = _under_exp(table, keywords["scale"])
        if log_std is not None and table.resolve("torch") == "torch":
            loc = source.segment(keywords["loc"])
            return Inputs(f"torch.cat([{loc}, {source.segment(log_std)}], dim=-1)")
    return None


def _under_exp(table: ImportTable, node: ast.expr) -> ast.expr | None:
    """Return x of `torch.exp(x)` or `x.exp()`, whose logarithm is then exact."""
    if not isinstance(node, ast.Call) or node.keywords:
        return None
    if table.qualified(node.func) == "torch.exp" and len(node.args) == 1:
        return node.args[0]
    if isinstance(node.func, ast.Attribute) and node.func.attr == "exp" and not node.args:
        return node.func.value
    return None


def _item(context: FileContext, node: ast.expr, name: str, outcome: Outcome, message: str) -> Item:
    return item(
        context,
        node,
        code=CODE,
        name=name,
        kind=Kind.MODULE,
        outcome=outcome,
        message=message,
    )


TORCH = "import torch\n"
HEAD = "from ray.rllib.core.rl_module.torch.torch_rl_module import TorchRLModule\n"
OLD = "from ray.rllib.models.torch.torch_distributions import "
METHOD = "class A(TorchRLModule):\n    def _forward_train(self, batch):\n"

RULE = Rule(
    code=CODE,
    name="action-dist-outputs",
    kind=Kind.MODULE,
    summary="Return the inputs of the action distribution, not the distribution.",
    explanation=(
        'Up to Ray 2.5 the forward methods returned a distribution under "action_dist"; since '
        "then RLlib builds it from Columns.ACTION_DIST_INPUTS. Logits that show in the code are "
        "returned as they are. The class needs naming (self.action_dist_cls in setup) where it "
        "is not the one that RLModule takes for the action space by itself. A categorical from "
        "probabilities, a scale that is not an exponential and a distribution made elsewhere "
        "are left to you: other inputs would not give the same numbers to the last bit."
    ),
    check=check,
    words=frozenset({KEY, "ACTION_DIST"}),
    since="2.6",
    link=RELEASE_NOTES,
    unchanged=(
        Case(
            "the inputs already",
            HEAD + METHOD + '        return {"action_dist_inputs": self.pi(batch["obs"])}\n',
        ),
        Case(
            "a class that is no RLModule",
            TORCH + "# rllib\nclass A:\n    def f(self, x):\n"
            '        return {"action_dist": torch.distributions.Categorical(logits=x)}\n',
        ),
        Case(
            "a declaration of specs",
            HEAD + "class A(TorchRLModule):\n    def output_specs_train(self):\n"
            '        return {"action_dist": object}\n',
        ),
        Case(
            "a key outside a class",
            HEAD + TORCH + '{"action_dist": torch.distributions.Categorical(logits=0)}\n',
        ),
    ),
    cases=(
        Case(
            "torch's categorical from logits",
            TORCH
            + "\n"
            + HEAD
            + "\n"
            + METHOD
            + '        return {"action_dist": torch.distributions.Categorical(logits=pi(batch))}'
            "\n\n    def g(self):\n        return torch.zeros(1)\n",
            TORCH
            + "\nfrom ray.rllib.core.columns import Columns\n"
            + HEAD
            + "\n"
            + METHOD
            + "        return {Columns.ACTION_DIST_INPUTS: pi(batch)}"
            "\n\n    def g(self):\n        return torch.zeros(1)\n",
        ),
        Case(
            "RLlib's class from logits",
            HEAD
            + OLD
            + "TorchCategorical\n\n"
            + METHOD
            + '        out = {}\n        out["action_dist"] = TorchCategorical.from_logits(batch)\n'
            "        return out\n",
            "from ray.rllib.core.columns import Columns\n"
            + HEAD
            + "\n"
            + METHOD
            + "        out = {}\n        out[Columns.ACTION_DIST_INPUTS] = batch\n"
            "        return out\n",
        ),
        Case(
            "a class that is not the default",
            HEAD + OLD + "TorchSquashedGaussian\n\n"
            "class A(TorchRLModule):\n    def setup(self):\n        self.pi = 1\n\n"
            "    def _forward(self, batch):\n"
            '        return {"action_dist": TorchSquashedGaussian.from_logits(batch)}\n',
            "from ray.rllib.core.columns import Columns\n"
            + HEAD
            + OLD
            + "TorchSquashedGaussian\n\n"
            "class A(TorchRLModule):\n    def setup(self):\n        self.pi = 1\n"
            "        self.action_dist_cls = TorchSquashedGaussian\n\n"
            "    def _forward(self, batch):\n"
            "        return {Columns.ACTION_DIST_INPUTS: batch}\n",
        ),
        Case(
            "a gaussian whose scale is an exponential",
            TORCH
            + HEAD
            + OLD
            + "TorchDiagGaussian\n\n"
            + METHOD
            + '        return {"action_dist": TorchDiagGaussian(loc=m, scale=torch.exp(s))}\n',
            TORCH
            + "from ray.rllib.core.columns import Columns\n"
            + HEAD
            + "\n"
            + METHOD
            + "        return {Columns.ACTION_DIST_INPUTS: torch.cat([m, s], dim=-1)}\n",
        ),
        Case(
            "a distribution made elsewhere",
            HEAD + METHOD + '        return {"action_dist": self.dist(batch)}\n',
            HEAD
            + METHOD
            + "        # TODO(rlmigrate RLM604): return the distribution's inputs under\n"
            "        #     Columns.ACTION_DIST_INPUTS, and name its class in setup(): "
            "self.action_dist_cls\n"
            '        return {"action_dist": self.dist(batch)}\n',
        ),
    ),
)
