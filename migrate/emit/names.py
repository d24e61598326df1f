"""Names that the new text uses, and the imports that bring them.

Names   the local name of everything that a rewritten class of one file needs
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rlmigrate.eras import current_name

CORE: Mapping[str, Mapping[str, str]] = {
    "ray": {
        "Columns": "ray.rllib.core.columns",
        "RLModule": "ray.rllib.core.rl_module",
        "TorchRLModule": "ray.rllib.core.rl_module.torch",
        "ValueFunctionAPI": "ray.rllib.core.rl_module.apis",
    },
    "builtin": {
        "Columns": "rlmigrate.new_stack",
        "RLModule": "rlmigrate.new_stack",
        "TorchRLModule": "rlmigrate.new_stack",
        "ValueFunctionAPI": "rlmigrate.new_stack",
    },
}

#: Where torch distributions of the new stack live; older releases of Ray have them elsewhere.
DISTRIBUTIONS: Mapping[str, str] = {
    "ray": "ray.rllib.core.distribution.torch.torch_distribution",
    "builtin": "rlmigrate.new_stack.distributions",
}


#: The new stack for TensorFlow, and the helpers that are other functions there.
TF_STACK = "rlmigrate.new_stack.tf"
TF_LAYERS: Mapping[str, str] = {
    name: f"Tf{name}" if name[0].isupper() else f"tf_{name}"
    for name in (
        *("FullyConnectedModule", "FullyConnectedNetwork", "QModule", "VisionModule"),
        *("VisionNetwork", "add_time_dimension", "cut_padding"),
        *(
            "flat_sequences",
            "flatten",
            "flatten_rows",
            "fold_time",
            "get_activation_fn",
            "name_states",
            "normc_initializer",
            "one_hot",
            "preprocess",
            "state_out",
        ),
        *("unfold_outputs", "unfold_values"),
    )
}
#: What helpers of RLlib for TensorFlow are called in torch, where a plain name is not free.
TORCH_FORMS: Mapping[str, str] = {"one_hot": "one_hot_of"}


@dataclass
class Names:
    """Imports wanted so far.

    `taken` are names that the file binds otherwise; `layer_names` are local names of RLlib's
    layers whose import moves to the layers file, as they are written.
    """

    target: str
    layers_module: str
    framework: str | None = "torch"
    taken: frozenset[str] = frozenset()
    layer_names: Mapping[str, str] = field(default_factory=dict)
    ray_version: str | None = None
    wanted: set[tuple[str, str]] = field(default_factory=set)
    layers: set[str] = field(default_factory=set)

    def want(self, module: str, name: str) -> str:
        """Ask for an import and return the local name."""
        self.wanted.add((module, name))
        return name

    def core(self, name: str) -> str:
        """A name of the new stack."""
        if self.framework == "tf" and name == "TorchRLModule":
            return self.want(TF_STACK, "TfRLModule")
        return self.want(CORE[self.target][name], name)

    def distribution(self, name: str) -> str:
        """A distribution of the new stack, under another name where the file has the old one."""
        home = DISTRIBUTIONS[self.target]
        if self.ray_version is not None and self.target == "ray":
            found = current_name(f"{home}.{name}", ray_version=self.ray_version)
            home = found.rpartition(".")[0] if found else home
        if name in self.taken:
            self.wanted.add((home, f"{name} as New{name}"))
            return f"New{name}"
        return self.want(home, name)

    def layer(self, name: str, *, local: str | None = None) -> str:
        """A layer or helper of the layers file, under the name that the file has for it."""
        if self.framework == "tf":
            if name == "action_distribution":
                return self.want(TF_STACK, "dist_cls_for")
            name = TF_LAYERS.get(name, name)
        else:
            name = TORCH_FORMS.get(name, name)
        self.layers.add(name)
        used = local or name
        if local is None and name in self.taken:
            used = f"plain_{name}" if name[0].islower() else f"Plain{name}"
        self.wanted.add((self.layers_module, name if used == name else f"{name} as {used}"))
        return used
