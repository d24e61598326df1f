"""Whether a recurrent model may see how far its sequences are padded.

ACROSS_STEPS           why a class is given sequences as the old stack cut them
goes_step_by_step      say whether what a model computes at a step rests on earlier steps alone
read_states_in_place   mark states that forward changes where they are

The old stack padded to the longest sequence of a batch, the new one pads to max_seq_len. A model
that goes forward step by step computes the same on both; one that looks back from the end,
normalises over a batch, or counts steps does not.
"""

from __future__ import annotations

import ast

from rlmigrate.migrate.index.imports import dotted
from rlmigrate.migrate.tree import nodes_in
from rlmigrate.migrate.understanding.in_place import check_values, place_of_class
from rlmigrate.migrate.understanding.scope import Scope, self_attribute
from rlmigrate.migrate.understanding.sharing import Sharing

ACROSS_STEPS = "relates the steps of a sequence to each other"

#: Modules and functions that treat each row by itself, or go forward in time.
LAYERS = frozenset(
    {"Linear", "Identity", "Sequential", "ModuleList", "ModuleDict", "Parameter", "ParameterList"}
    | {"LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell", "LayerNorm", "Embedding"}
    | {"ReLU", "ReLU6", "ELU", "SELU", "CELU", "GELU", "SiLU", "Tanh", "Sigmoid", "LeakyReLU"}
    | {"Softplus", "Hardtanh", "Mish", "Softsign", "Hardswish", "Dropout"}
    | {"SlimFC", "AppendBiasLayer", "normc_initializer", "FullyConnectedNetwork"}
)
FUNCTIONS = frozenset(
    {name.lower() for name in LAYERS}
    | {"relu", "tanh", "sigmoid", "elu", "selu", "gelu", "silu", "leaky_relu", "softplus", "exp"}
    | {"log", "clamp", "abs", "sqrt", "square", "pow", "where", "minimum", "maximum", "float"}
    | {"long", "int", "bool", "to", "type", "cuda", "cpu", "detach", "clone", "contiguous", "size"}
    | {"squeeze", "unsqueeze", "reshape", "view", "zeros", "ones", "full", "zero_", "new", "tensor"}
    | {"new_zeros", "new_ones", "zeros_like", "ones_like", "dim", "item", "device", "as_tensor"}
    | {"xavier_uniform_", "xavier_normal_", "orthogonal_", "normal_", "uniform_", "constant_"}
    | {"zeros_", "ones_", "kaiming_uniform_", "kaiming_normal_", "fill_", "calculate_gain"}
    | {"parameters", "named_parameters", "train", "eval", "apply", "requires_grad_", "items"}
    | {"super", "__init__", "len", "get", "pop", "print", "isinstance", "range", "append", "format"}
    | {"prod", "product", "get_preprocessor_for_space", "type_as", "dict", "list", "tuple", "str"}
    | {"min", "max", "sum", "update", "copy", "deepcopy", "override", "enumerate", "zip"}
)
#: Calls that are given the number of steps as a shape, or to go through them one by one.
SHAPING = frozenset(
    {"reshape", "view", "expand", "zeros", "ones", "empty", "new_zeros", "new_ones", "new_empty"}
    | {"range", "repeat", "new", "print", "unflatten", "broadcast_to", "format", "len", "Size"}
)
#: Functions of Python and numpy that are per step only where no tensor is meant.
OF_NUMBERS = frozenset({"prod", "product", "min", "max", "sum"})


def goes_step_by_step(scope: Scope) -> bool:
    """Say whether every call of the class is known to leave the steps of a sequence apart."""
    own = set(scope.methods)
    held = {name for n in nodes_in(scope.node) if (name := self_attribute(n)) and _stored(n)}
    for node in nodes_in(scope.node):
        if isinstance(node, ast.Call) and not _is_apart(scope, node, own, held):
            return False
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            return False
    method = scope.methods["forward_rnn"]
    if any(_picks_steps(n) for n in nodes_in(method)):
        return False
    later = [m for name, m in scope.methods.items() if name != "__init__"]
    return not any(_counts_steps(scope, method) for method in later)


def _counts_steps(scope: Scope, method: ast.FunctionDef) -> bool:
    """Say whether the number of steps goes into a sum, a product or a condition.

    The padding counts there; the shape of something new has it rightly.
    """
    sizes = {name for node in nodes_in(method) for name in _sizes_named(node)}
    for node in nodes_in(method):
        named = isinstance(node, ast.Name) and node.id in sizes and not _stored(node)
        if not (named or _is_size(node)):
            continue
        outer = scope.parent(node)
        counted = isinstance(outer, ast.AugAssign)
        while isinstance(outer, ast.BinOp | ast.UnaryOp | ast.Tuple | ast.Starred | ast.keyword):
            counted = counted or isinstance(outer, ast.BinOp)
            outer = scope.parent(outer)
        shapes = isinstance(outer, ast.Call) and (dotted(outer.func) or _member(outer.func))
        if shapes and str(shapes).rpartition(".")[2] in SHAPING:
            continue
        if counted or isinstance(outer, ast.Compare | ast.If | ast.IfExp | ast.While):
            return True
        if isinstance(outer, ast.Call):
            return True
    return False


def _member(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def _is_size(node: ast.AST) -> bool:
    """`x.shape[1]` or `x.size(1)`; the rows of a batch and the width of a layer do not matter."""
    index: ast.expr | None = None
    if isinstance(node, ast.Subscript) and _member(node.value) == "shape":
        index = node.slice
    elif isinstance(node, ast.Call) and _member(node.func) == "size" and node.args:
        index = node.args[0]
    return index is not None and ast.unparse(index) not in {"0", "-1", "2", "-3"}


def _sizes_named(node: ast.AST) -> list[str]:
    """Names that stand for the number of steps: `T = x.shape[1]` and `B, T, F = x.shape`."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return []
    target = node.targets[0]
    if isinstance(target, ast.Name):
        parts = list(nodes_in(node.value))
        calls = [each for each in parts if isinstance(each, ast.Call) and not _is_size(each)]
        number = all(dotted(each.func) in {"int", "float", "max", "min"} for each in calls)
        return [target.id] if number and any(_is_size(part) for part in parts) else []
    shape = isinstance(node.value, ast.Attribute | ast.Call | ast.Subscript)
    if not isinstance(target, ast.Tuple) or not shape:
        return []
    if not any(_member(part) in {"shape", "size"} for part in nodes_in(node.value)):  # type: ignore[arg-type]
        return []
    return [each.id for each in target.elts[1:2] if isinstance(each, ast.Name)]


def _stored(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Store)


def _is_apart(scope: Scope, call: ast.Call, own: set[str], held: set[str]) -> bool:
    name = dotted(call.func)
    last = call.func.attr if isinstance(call.func, ast.Attribute) else name or ""
    if any(k.arg == "bidirectional" and not _is_false(k.value) for k in call.keywords):
        return False
    if any(k.arg is None for k in call.keywords) and last != "__init__":
        return False
    attribute = self_attribute(call.func)
    if attribute is not None:
        return attribute in own or attribute in held
    if last in OF_NUMBERS:
        owner = (name or "").rpartition(".")[0]
        return owner in {"np", "numpy"} or (not owner and not _in_forward(scope, call))
    return last in LAYERS or last in FUNCTIONS or _is_measured(scope, call)


def _is_measured(scope: Scope, call: ast.Call) -> bool:
    """Say whether only the size of what a call returns is asked for."""
    outer = scope.parent(call)
    while isinstance(outer, ast.Call) and outer.func is call:
        call, outer = outer, scope.parent(outer)
    return isinstance(outer, ast.Attribute) and outer.attr in {"size", "shape"}


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _in_forward(scope: Scope, node: ast.AST) -> bool:
    above = scope.ancestors(node)
    return any(isinstance(a, ast.FunctionDef) and a.name != "__init__" for a in above)


def _picks_steps(node: ast.AST) -> bool:
    """Say whether a subscript picks along several dimensions, or a range of rows."""
    if not isinstance(node, ast.Subscript):
        return False
    return isinstance(node.slice, ast.Tuple | ast.Slice)


def read_states_in_place(scope: Scope, function: ast.FunctionDef, state: str) -> None:
    """Mark a forward that writes into its states, which the batch holds for later calls."""
    if scope.framework == "tf":  # whose tensors nobody can change
        return
    given = {state: frozenset({(0, 1)})}  # a list, of which forward has one of its own
    found = Sharing(place_of_class(scope), {}, env=dict(given))
    found.run(function)
    check_values(scope, found, "its state")
    if found.writes:
        scope.mark("states_copy", function)


__all__ = ["ACROSS_STEPS", "goes_step_by_step", "read_states_in_place"]
