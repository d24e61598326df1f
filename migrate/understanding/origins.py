"""Where objects come from: torch, Python, the repository, or a library that nobody knows here.

Origin      a place where an object may come from, and what to call it
Origins     ask it of expressions in a class
globals_named   what stands under a name at the top of a file
is_plain    whether the objects of a library are known to keep nothing
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.index.repo import RepoIndex
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.hooks import lays_aside
from rlmigrate.migrate.understanding.memory import MUTATORS
from rlmigrate.migrate.understanding.scope import self_attribute
from rlmigrate.migrate.understanding.sharing import Place, defined, place_of

#: Libraries whose objects hold data, or are torch modules that keep nothing between calls.
PLAIN = frozenset(
    {"torch", "numpy", "math", "cmath", "ray", "rllib", "gym", "gymnasium", "tree", "tensorflow"}
    | {"abc", "ast", "collections", "contextlib", "copy", "dataclasses", "datetime", "enum"}
    | {"fractions", "functools", "importlib", "inspect", "json", "logging", "numbers", "operator"}
    | {"os", "pathlib", "platform", "re", "string", "sys", "textwrap", "time", "traceback"}
    | {"types", "typing", "typing_extensions", "warnings", "scipy", "pandas", "networkx", "yaml"}
    | {"einops", "opt_einsum", "torchvision", "torchaudio", "torch_geometric", "torch_scatter"}
    | {"torch_sparse", "torch_cluster", "dgl", "kornia", "timm", "e3nn", "escnn", "e2cnn", "kan"}
    | {"x_transformers", "performer_pytorch", "linear_attention_transformer", "ncps", "fvcore"}
    | {"axial_attention", "rotary_embedding_torch", "perceiver_pytorch", "vit_pytorch", "hydra"}
    | {"omegaconf", "matplotlib", "wandb", "tensorboardX", "loguru", "tqdm", "rich", "PIL", "cv2"}
)
#: What keeps something from call to call all the same.
MOVING = frozenset(
    {"numpy.random.default_rng", "numpy.random.Generator", "numpy.random.RandomState"}
    | {"torch.Generator", "torch.utils.data.DataLoader", "gym.make", "gymnasium.make"}
    | {"gym.vector.make", "gymnasium.make_vec", "torch_geometric.nn.TGNMemory"}
)
#: Parameters of a model that RLlib fills with what it knows, and functions that hand objects on.
SPACES = frozenset(
    {"self", "obs_space", "observation_space", "action_space", "num_outputs", "name"}
)
HANDING = frozenset(
    {"list", "tuple", "dict", "set", "iter", "zip", "enumerate", "getattr", "reversed"}
)

#: Classes and functions of torch and Python around the objects that they are given.
HOLDING = frozenset(
    {"Sequential", "ModuleList", "ModuleDict", "OrderedDict", "partial", "deepcopy", "deque"}
    | {"DataParallel", "compile"}
)
ADDING = frozenset({"append", "extend", "insert", "add_module", "register_module", "update"})


@dataclass(frozen=True, order=True)
class Origin:
    """A dotted name, or that of a parameter; `how` is "made", "imported" or "given" by a user."""

    name: str
    how: str

    def __str__(self) -> str:
        """What to call it in a reason.

        >>> str(Origin("stable_baselines3.common.running_mean_std.RunningMeanStd", "made"))
        'RunningMeanStd of stable_baselines3'
        """
        owner, _, last = self.name.rpartition(".")
        return f"{last} of {owner.partition('.')[0]}" if owner else last

    @property
    def kind(self) -> str:
        """The same as a phrase of its own."""
        own = self.name.startswith(("the ", "a "))
        return str(self) if own else f"an object of {self}"


Found = frozenset[Origin]
NOWHERE: Found = frozenset()


@dataclass
class Origins:
    """Ask where the objects come from that expressions of a class name.

    What is made in a `running` function lasts no longer than
    its call. `asked` stops names that go round in a circle.
    """

    place: Place
    index: RepoIndex
    running: Collection[ast.FunctionDef] = ()
    asked: set[object] = field(default_factory=set)

    def of(self, node: ast.expr | None, function: ast.FunctionDef | None) -> Found:
        """Origins that an expression of a function may have; none where it is plain data."""
        attribute = self_attribute(node) if node is not None else None
        if attribute is not None:
            return self.of_attribute(attribute)
        if isinstance(node, ast.Call):
            return self._of_call(node, function)
        if isinstance(node, ast.Name):
            return self._of_name(node.id, function)
        if isinstance(node, ast.Lambda):
            return frozenset({Origin("a lambda", "made")}) if lays_aside(node) else NOWHERE
        if isinstance(node, ast.Attribute) and node.attr in MUTATORS | {"__next__", "send"}:
            return frozenset({Origin(ast.unparse(node), "made")})  # laid aside, to be called
        if isinstance(node, ast.Attribute):
            named = self.place.file.imports.qualified(node)
            return _foreign(named, "imported") if named else self.of(node.value, function)
        if isinstance(node, ast.Subscript | ast.Starred | ast.NamedExpr | ast.DictComp):
            return self.of(node.value, function)
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return self._any(node.elts, function)
        if isinstance(node, ast.Dict | ast.BoolOp):
            return self._any(node.values, function)
        if isinstance(node, ast.IfExp):
            return self._any([node.body, node.orelse], function)
        if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp):
            return self.of(node.elt, function)
        return NOWHERE

    def of_attribute(self, attribute: str) -> Found:
        """Origins of all that the class lays under `self.attribute`."""
        if attribute == "model_config":
            return frozenset({Origin(attribute, "given")})
        if attribute in self.place.methods or not self._enter(attribute):
            return NOWHERE
        values = [
            (value, function)
            for function in self.place.builders
            for value in _bindings(function).get(f"self.{attribute}", ())
        ]
        found = NOWHERE.union(*(self.of(value, function) for value, function in values))
        self.asked.discard(attribute)
        return found

    def _any(self, nodes: Iterable[ast.expr | None], function: ast.FunctionDef | None) -> Found:
        return NOWHERE.union(*(self.of(each, function) for each in nodes))

    def _enter(self, what: object) -> bool:
        if what in self.asked:
            return False
        self.asked.add(what)
        return True

    def _of_call(self, node: ast.Call, function: ast.FunctionDef | None) -> Found:
        written = dotted(node.func) or ""
        nested = _nested(function, written)
        if nested is not None:
            return self._of_results(nested)
        made = defined(self.place, written) if written else None
        method = self.place.methods.get(self_attribute(node.func) or "")
        if made is not None and isinstance(made.node, ast.FunctionDef):
            inner = Origins(place_of(self.place, made), self.index, self.running, self.asked)
            return inner._of_results(made.node)
        if made is not None:
            return NOWHERE  # a class of the repository, which is read for itself
        if method is not None:
            return self._of_results(method)
        named = self.place.file.imports.qualified(node.func)
        if named is not None:
            if function is not None and function in self.running:
                return NOWHERE
            told = {k.arg: ast.unparse(k.value) for k in node.keywords}
            if told.get("cached", "False") != "False":  # a layer that remembers its graph
                return frozenset({Origin(named, "made")})
            held = node.args if named.rpartition(".")[2] in HOLDING else []
            return _foreign(named, "made") | self._any(held, function)
        if isinstance(node.func, ast.Attribute):
            return self.of(node.func.value, function)
        if isinstance(node.func, ast.Name) and hasattr(builtins, node.func.id):
            return self._any(node.args, function) if node.func.id in HANDING else NOWHERE
        return self.of(node.func, function)

    def _of_results(self, function: ast.FunctionDef) -> Found:
        if any(isinstance(n, ast.Yield | ast.YieldFrom) for n in nodes_in(function)):
            return frozenset({Origin(f"the generator {function.name}", "made")})
        if not self._enter(function):
            return NOWHERE
        returns = [n for n in nodes_in(function) if isinstance(n, ast.Return)]
        found = self._any((each.value for each in returns), function)
        self.asked.discard(function)
        return found

    def _of_name(self, name: str, function: ast.FunctionDef | None) -> Found:
        here = (function, name)
        if not self._enter(here):
            return NOWHERE
        nested = _nested(function, name)
        values = _bindings(function).get(name, ()) if function is not None else ()
        if values:
            found = self._any(values, function)
        elif nested is not None:
            made = lays_aside(nested)
            found = frozenset({Origin(f"the function {name}", "made")}) if made else NOWHERE
        elif function is not None and name in {a.arg for a in _parameters(function)}:
            told = function.name == "__init__" and name not in SPACES
            found = frozenset({Origin(name, "given")}) if told else NOWHERE
        else:
            named = self.place.file.imports.resolve(name)
            found = _foreign(named, "imported") if named else NOWHERE
            for value, place in globals_named(self.index, self.place, name):
                found = Origins(place, self.index, self.running, self.asked).of(value, None)
        self.asked.discard(here)
        return found


def globals_named(index: RepoIndex, place: Place, name: str) -> list[tuple[ast.expr, Place]]:
    """What a name of a file is bound to at its top, or at that of a file it is imported from."""
    owner, _, last = (place.file.imports.resolve(name) or "").rpartition(".")
    home = index.module_named(owner) if owner else place.file
    if home is None:
        return []
    values = _bindings(index.source_of(home.path).tree).get(last if owner else name, ())
    return [(value, Place(home, place.definitions)) for value in values]


def _nested(function: ast.FunctionDef | None, name: str) -> ast.FunctionDef | None:
    """The function of that name inside another."""
    inside = nodes_in(function) if function is not None else ()
    found = (n for n in inside if isinstance(n, ast.FunctionDef) and n.name == name)
    return next((each for each in found if each is not function), None)


def _foreign(name: str, how: str) -> Found:
    return NOWHERE if is_plain(name) else frozenset({Origin(name, how)})


def is_plain(name: str) -> bool:
    """Say whether what a library makes is data, or a torch module without memory.

    >>> [is_plain(n) for n in ("torch.nn.Linear", "torch.Generator", "stats.MeanStd")]
    [True, False, False]
    """
    return name.partition(".")[0] in PLAIN and name not in MOVING


@lru_cache(maxsize=512)
def _bindings(part: ast.AST) -> Mapping[str, list[ast.expr]]:
    """Names and `self.x` that a part of a tree binds, each with all that it is bound to."""
    found: dict[str, list[ast.expr]] = {}
    parts: Iterable[ast.AST] = [part]
    if isinstance(part, ast.Module):  # names of its functions are their own
        parts = [s for s in part.body if not isinstance(s, ast.FunctionDef | ast.ClassDef)]
    for node in (each for one in parts for each in nodes_in(one)):
        pairs: list[tuple[ast.expr, ast.expr]] = []
        if isinstance(node, ast.Assign):
            pairs = [pair for target in node.targets for pair in _paired(target, node.value)]
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.For | ast.comprehension):
            pairs = list(_paired(node.target, node.iter))
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            pairs = [(node.optional_vars, node.context_expr)]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Attribute):
            adds = node.func.attr in ADDING
            pairs = [(node.func.value, node.args[-1])] if adds else []
        for target, value in pairs:
            while isinstance(target, ast.Subscript):
                target = target.value
            attribute = self_attribute(target)
            name = f"self.{attribute}" if attribute else dotted(target)
            found.setdefault(name or "", []).append(value)
    return found


def _paired(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """The parts of `a, b = x, y`, each with its own; all with the whole where it has no parts."""
    if not isinstance(target, ast.Tuple | ast.List):
        yield target, value
        return
    parts = value.elts if isinstance(value, ast.Tuple | ast.List) else []
    paired = len(parts) == len(target.elts)
    for i, each in enumerate(target.elts):
        yield from _paired(each, parts[i] if paired else value)


def _parameters(function: ast.FunctionDef) -> list[ast.arg]:
    told = function.args
    rest = [each for each in (told.vararg, told.kwarg) if each is not None]
    return [*told.posonlyargs, *told.args, *told.kwonlyargs, *rest]
