"""What a legacy model and a TfRLModule do alike when they are a side."""

from __future__ import annotations

import platform
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from rlmigrate.compat.parity.arrays import Array, Nested, checksum, flatten, map_leaves
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.sides.alike import MASKED_FROM, OfNet, cotangent, said
from rlmigrate.compat.parity.sides.base import Gradients, Precision, Run, Tap
from rlmigrate.compat.parity.sides.tf.naming import Parts, parts_of
from rlmigrate.compat.parity.sides.tf.tapping import recorded
from rlmigrate.compat.parity.sides.tf.widening import in_float64
from rlmigrate.errors import UsageError

_LAYER = "layer "


class TfSide(OfNet):
    """A side around one TF model; what it computes for a case is its subclass's to say."""

    def __init__(self, net: Any) -> None:
        if not tf.executing_eagerly():
            raise UsageError(
                "TensorFlow is in graph mode, which RLlib switches on when it is imported first; "
                "import tensorflow before ray.rllib"
            )
        super().__init__(net)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Do nothing: Keras layers evaluate unless they are told to train."""
        yield

    @cached_property
    def _parts(self) -> Parts:
        return parts_of(self._net)

    def parameters(self) -> dict[str, Array]:
        """Copy the variables to numpy by name."""
        return {name: np.array(value) for name, value in self._parts.variables.items()}

    def trainable(self) -> frozenset[str]:
        """Name the learned variables."""
        return frozenset(n for n, value in self._parts.variables.items() if value.trainable)

    def load(self, values: Mapping[str, Array]) -> None:
        """Overwrite variables by name."""
        for name, value in values.items():
            self._parts.variables[name].assign(value)

    def facts(self) -> Mapping[str, str]:
        """Give versions, dtypes and a checksum of the weights."""
        values = self.parameters().values()
        ray = sys.modules.get("ray")
        return {
            "python": platform.python_version(),
            **({"ray": str(getattr(ray, "__version__", ""))} if ray else {}),
            "numpy": np.__version__,
            "tensorflow": tf.__version__,
            "keras": str(tf.keras.Model.__module__.partition(".")[0]),
            "dtypes": ", ".join(sorted({str(value.dtype) for value in values})),
            "weights": checksum(values),
        }

    def run(self, case: Case, *, precision: Precision = "float32", layers: bool = False) -> Run:
        """Compute a case."""
        tf.random.set_seed(seed_of(case))
        inputs = self._inputs(case)
        errors: dict[str, str] = {}

        def whole(tensors: dict[str, Any]) -> dict[str, Any]:
            return self._outputs(case, tensors, errors, layers=layers)

        if precision == "float64":
            found = in_float64(whole, inputs)
        else:
            made = whole({name: tensor(value) for name, value in inputs.items()})
            found = {name: np.array(value) for name, value in made.items()}
        outputs = {name: v for name, v in found.items() if not name.startswith(_LAYER)}
        return Run(outputs, errors, self._taps(found) if layers else {})

    def run_many(
        self, cases: Sequence[Case], *, precision: Precision = "float32"
    ) -> list[Run | Exception]:
        """Compute cases one by one; an exception stands where a case raised one."""
        made: list[Run | Exception] = []
        for case in cases:
            try:
                made.append(self.run(case, precision=precision))
            except Exception as error:  # the user's own code may raise anything
                made.append(error)
        return made

    def run_layer(
        self, layer: str, inputs: tuple[Array, ...], *, precision: Precision = "float32"
    ) -> Array | None:
        """Compute one layer alone; None if it refuses the inputs."""
        part = self._parts.layers.get(layer)
        if part is None:
            return None

        def alone(tensors: dict[str, Any]) -> dict[str, Any]:
            first, *states = tensors.values()
            result = part(first, initial_state=states) if states else part(first)
            return {"out": result[0] if isinstance(result, list | tuple) else result}

        named = {str(i): value for i, value in enumerate(inputs)}
        try:
            if precision == "float64":
                return in_float64(alone, named)["out"]
            return np.array(alone({name: tensor(value) for name, value in named.items()})["out"])
        except Exception:  # layers take what they take
            return None

    def gradients(
        self, case: Case, *, precision: Precision = "float32", seed: int = 0
    ) -> Gradients:
        """Pull seeded cotangents of all outputs back to variables and float observations."""
        tf.random.set_seed(seed_of(case))
        inputs = self._inputs(case)
        learned = {name: self._parts.variables[name] for name in sorted(self.trainable())}
        without: list[str] = []

        def whole(tensors: dict[str, Any]) -> dict[str, Any]:
            seen = {
                name: value
                for name, value in tensors.items()
                if name.partition(".")[0] == "obs" and value.dtype.is_floating
            }
            with tf.GradientTape() as tape:
                tape.watch(list(seen.values()))
                total = _contracted(self._pulled(case, tensors), seed)
            named = {f"parameters.{name}": variable for name, variable in learned.items()}
            named |= {f"inputs{name.removeprefix('obs')}": value for name, value in seen.items()}
            pulled = tape.gradient(total, list(named.values()))
            found = dict(zip(named, pulled, strict=True))
            without[:] = [name for name, value in found.items() if value is None]
            return {n: tf.convert_to_tensor(v) for n, v in found.items() if v is not None}

        if precision == "float64":
            values = in_float64(whole, inputs)
        else:
            made = whole({name: tensor(value) for name, value in inputs.items()})
            values = {name: np.array(value) for name, value in made.items()}
        lacking = [n for n in without if self._takes_gradients or not n.startswith("inputs")]
        return Gradients({**values, **dict.fromkeys(lacking)})

    def divergence(self, old: Array, new: Array) -> Array | None:
        """Give nothing: the new side's class is asked."""
        return None

    def _taps(self, found: Mapping[str, Array]) -> dict[str, Tap]:
        """Sort recorded calls, entered as `layer NAME|CALL|in.I` and `layer NAME|CALL|out`."""
        calls: dict[str, dict[int, dict[str, Array]]] = {}
        for key, value in found.items():
            if key.startswith(_LAYER):
                name, number, what = key.removeprefix(_LAYER).split("|")
                calls.setdefault(name, {}).setdefault(int(number), {})[what] = value
        taps = {}
        for name, by_number in calls.items():
            taken = tuple(
                tuple(call[f"in.{i}"] for i in range(len(call) - 1)) for call in by_number.values()
            )
            given = tuple(call["out"] for call in by_number.values())
            owned = tuple(self._old_name(each) for each in self._parts.owned[name])
            taps[name] = Tap(type(self._parts.layers[name]).__name__, owned, taken, given)
        return taps

    def _outputs(
        self, case: Case, tensors: dict[str, Any], errors: dict[str, str], *, layers: bool
    ) -> dict[str, Any]:
        """Give everything that is compared, and with `layers` what layers took and gave."""
        if layers:
            with recorded(self._parts) as calls:
                found = self._network(case, tensors)
            for name, known in calls.items():
                for number, (taken, given) in enumerate(
                    zip(known.inputs, known.outputs, strict=True)
                ):
                    key = f"{_LAYER}{name}|{number}|"
                    found |= {f"{key}in.{i}": value for i, value in enumerate(taken)}
                    found[f"{key}out"] = given
        else:
            found = self._network(case, tensors)
        logits = found.get("dist_inputs")
        if logits is None:
            return found
        actions = rebuilt(case.actions, "actions", tensors)
        for name, compute in self._distribution(logits, actions):
            if name in found:
                continue
            try:
                result = compute()
            except Exception as error:  # a user's distribution may raise anything
                errors[name] = said(error)
                continue
            if result is not None:
                found |= dict(tensor_paths(result, name))
        return found

    # ---- what differs

    #: Whether gradients reach the observations that the side is given.
    _takes_gradients = True

    def _old_name(self, name: str) -> str:
        return name

    def _inputs(self, case: Case) -> dict[str, Array]:
        """Give all that a pass takes, by path: `obs...`, `actions...`, `extra...`, `state.0`."""
        raise NotImplementedError

    def _network(self, case: Case, tensors: dict[str, Any]) -> dict[str, Any]:
        """Run the network; give tensors by path."""
        raise NotImplementedError

    def _pulled(self, case: Case, tensors: dict[str, Any]) -> dict[str, Any]:
        """Give the outputs whose gradients are compared."""
        raise NotImplementedError

    def _distribution(
        self, logits: Any, actions: Nested
    ) -> Iterable[tuple[str, Callable[[], Any]]]:
        """Name what the distribution of some inputs can be asked."""
        raise NotImplementedError


def seed_of(case: Case) -> int:
    """Give the seed of a case: the same on both sides, another for each case."""
    return zlib.crc32(case.name.encode())


def tensor(value: Array) -> Any:
    """Make a tensor as old policies did: float64 arrays become float32."""
    array = np.asarray(value)
    return tf.constant(array.astype(np.float32) if array.dtype == np.float64 else array)


def paths(structure: Nested, prefix: str) -> dict[str, Array]:
    """Flatten a structure of arrays under a prefix; no structure at all gives nothing."""
    return {} if structure is None else flatten(map_leaves(np.asarray, structure), prefix)


def rebuilt(like: Nested, prefix: str, tensors: Mapping[str, Any]) -> Nested:
    """Put tensors by path back into the structure that `paths` took apart."""
    if isinstance(like, Mapping):
        return {key: rebuilt(value, f"{prefix}.{key}", tensors) for key, value in like.items()}
    if isinstance(like, tuple | list):
        made = [rebuilt(value, f"{prefix}.{i}", tensors) for i, value in enumerate(like)]
        return tuple(made) if isinstance(like, tuple) else made
    return tensors[prefix]


def tensor_paths(structure: Nested, prefix: str) -> Iterator[tuple[str, Any]]:
    """Give the leaves of a structure of tensors by path."""
    if isinstance(structure, Mapping):
        for key, value in structure.items():
            yield from tensor_paths(value, f"{prefix}.{key}")
    elif isinstance(structure, tuple | list):
        for index, value in enumerate(structure):
            yield from tensor_paths(value, f"{prefix}.{index}")
    else:
        yield prefix, tf.convert_to_tensor(structure)


def _contracted(outputs: Mapping[str, Any], seed: int) -> Any:
    """Sum outputs times their cotangents; masked logits get none, as on the torch sides."""
    total = 0.0
    for name, value in outputs.items():
        if not value.dtype.is_floating:
            continue
        flat = tf.reshape(value, [-1]) if name == "value" else value
        drawn = tf.constant(cotangent(name, np.shape(flat), seed), flat.dtype)
        seen = tf.math.is_finite(flat) & (tf.abs(flat) < MASKED_FROM)
        total += tf.reduce_sum(tf.where(seen, flat * drawn, tf.zeros_like(flat)))
    return total
