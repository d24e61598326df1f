"""SampleBatch: columns of equal length, one row per time step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from numbers import Number
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import tree

from rlmigrate.legacy.batches.arrays import is_tf, is_torch, map_leaves, padded
from rlmigrate.legacy.batches.columns import DEFAULT_POLICY_ID
from rlmigrate.legacy.batches.slicing import Sliceable
from rlmigrate.legacy.types import TensorStruct

if TYPE_CHECKING:
    from rlmigrate.legacy.batches.multi_agent import MultiAgentBatch
    from rlmigrate.legacy.batches.view_requirement import ViewRequirement

_NO_DONES = (
    "a SampleBatch cannot be given a `dones` column; set `terminateds` and `truncateds`, "
    "`dones` then reads as the terminateds"
)


class SampleBatch(Sliceable):
    """A dict of columns that can be sliced, concatenated, padded and split by episode.

    >>> batch = SampleBatch(obs=[1, 2, 3], eps_id=[7, 7, 8])
    >>> [list(part["obs"]) for part in batch.split_by_episode()]
    [[1, 2], [3]]

    `seq_lens` marks sequences; rows then lie back to back, or `max_seq_len` apart if
    `zero_padded`. `accessed_keys` records which columns were read: policies prune by it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.DONES in kwargs:
            raise KeyError(_NO_DONES)
        self.time_major: bool | None = kwargs.pop("_time_major", None)
        self.max_seq_len: int | None = kwargs.pop("_max_seq_len", None)
        self.zero_padded: bool = kwargs.pop("_zero_padded", False)
        self.num_grad_updates: float | None = kwargs.pop("_num_grad_updates", None)
        training = kwargs.pop("_is_training", None)
        self.accessed_keys: set[str] = set()
        self.added_keys: set[str] = set()
        self.deleted_keys: set[str] = set()
        self.intercepted_values: dict[str, Any] = {}
        self.get_interceptor: Callable[[Any], Any] | None = None
        self._slice_seq_lens_in_B = False
        self._slice_map: list[tuple[int, int]] = []
        dict.__init__(self, *args, **kwargs)

        self._init_seq_lens()
        flag = dict.pop(self, "is_training", False)
        self._is_training: Any = flag if training is None else training
        for key, value in dict.items(self):
            if key != self.INFOS and isinstance(value, list | Number):
                dict.__setitem__(self, key, np.array(value))
        self.count = attempt_count_timesteps(self)

    def _init_seq_lens(self) -> None:
        seq_lens = dict.get(self, self.SEQ_LENS)
        if seq_lens is None or (isinstance(seq_lens, list) and not seq_lens):
            dict.pop(self, self.SEQ_LENS, None)
            return
        if isinstance(seq_lens, list):
            seq_lens = np.array(seq_lens, dtype=np.int32)
            dict.__setitem__(self, self.SEQ_LENS, seq_lens)
        if self.max_seq_len is None and not is_tf(seq_lens) and len(seq_lens) > 0:
            longest = seq_lens.max().item() if is_torch(seq_lens) else max(seq_lens)
            self.max_seq_len = longest

    # Pickle fills a dict before it restores the attributes that __setitem__ needs.
    def __reduce__(self) -> Any:
        return _rebuild, (type(self), dict(self), dict(self.__dict__))

    def __len__(self) -> int:
        return self.count

    def agent_steps(self) -> int:
        """Count the rows."""
        return self.count

    def env_steps(self) -> int:
        """Count the rows."""
        return self.count

    def get(self, key: str, default: Any = None) -> Any:
        """Give a column, or `default`."""
        try:
            return self[key]
        except KeyError:
            return default

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return self._slice_rows(key)
        if key == self.DONES:
            return self[self.TERMINATEDS]
        if key == "is_training":
            return self.is_training
        value = dict.__getitem__(self, key)
        self.accessed_keys.add(key)
        if self.get_interceptor is None:
            return value
        if key not in self.intercepted_values:
            self.intercepted_values[key] = self.get_interceptor(value)
        return self.intercepted_values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        if key == self.DONES:
            raise KeyError(_NO_DONES)
        if key == "is_training":
            self.set_training(value)
            return
        if key not in self:
            self.added_keys.add(key)
        dict.__setitem__(self, key, value)
        if key in self.intercepted_values:
            self.intercepted_values[key] = value

    def __delitem__(self, key: str) -> None:
        self.deleted_keys.add(key)
        self.intercepted_values.pop(key, None)
        dict.__delitem__(self, key)

    @property
    def is_training(self) -> Any:
        """Whether the batch is for a training step; a bool, or a tensor if intercepted."""
        if self.get_interceptor is None or not isinstance(self._is_training, bool):
            return self._is_training
        if "_is_training" not in self.intercepted_values:
            self.intercepted_values["_is_training"] = self.get_interceptor(self._is_training)
        return self.intercepted_values["_is_training"]

    def set_training(self, training: Any = True) -> None:
        """Set the flag that `is_training` reads."""
        self._is_training = training
        self.intercepted_values.pop("_is_training", None)

    def set_get_interceptor(self, fn: Callable[[Any], Any] | None) -> None:
        """Set what turns a column into what `batch[key]` gives, once per column."""
        if fn is not self.get_interceptor:
            self.intercepted_values = {}
        self.get_interceptor = fn

    def is_terminated_or_truncated(self) -> bool:
        """Tell whether the last row ends its episode."""
        truncated = self.TRUNCATEDS in self and self[self.TRUNCATEDS][-1]
        return bool(self[self.TERMINATEDS][-1] or truncated)

    def is_single_trajectory(self) -> bool:
        """Tell whether no row but the last ends an episode."""
        truncated = self.TRUNCATEDS in self and any(self[self.TRUNCATEDS][:-1])
        return not (any(self[self.TERMINATEDS][:-1]) or truncated)

    def concat(self, other: SampleBatch) -> SampleBatch:
        """Give a new batch of both batches' rows."""
        from rlmigrate.legacy.batches.concat import concat_samples

        both: list[Any] = [self, other]
        joined: Any = concat_samples(both)
        return joined  # type: ignore[no-any-return]

    def copy(self, shallow: bool = False) -> SampleBatch:
        """Copy the columns, or share their arrays if `shallow`.

        The copy keeps `is_training`, which RLlib's own loses, and records the columns that
        are read in the same `accessed_keys` set.
        """
        out = type(self).__new__(type(self))
        dict.update(out, self)
        if not shallow:
            for key, value in dict.items(self):
                dict.__setitem__(out, key, map_leaves(_copied, value))
        out.__dict__.update(self.__dict__)
        out.intercepted_values = {}
        out._slice_map = []
        out._slice_seq_lens_in_B = False
        return out

    def rows(self) -> Iterator[dict[str, Any]]:
        """Iterate over the rows; `seq_lens`, if there, reads 1."""
        columns = {key: value for key, value in dict.items(self) if key != self.SEQ_LENS}
        for i in range(self.count):
            row = {key: _row(value, i) for key, value in columns.items()}
            if self.SEQ_LENS in self:
                row[self.SEQ_LENS] = 1
            yield row

    def columns(self, keys: list[str]) -> list[Any]:
        """Give several columns."""
        return [self[key] for key in keys]

    def right_zero_pad(self, max_seq_len: int, exclude_states: bool = True) -> SampleBatch:
        """Pad every sequence in place with zeros to `max_seq_len` steps.

        >>> SampleBatch(a=[1, 2, 3], seq_lens=[1, 2]).right_zero_pad(3)["a"]
        array([1, 0, 0, 2, 3, 0])
        """
        seq_lens = self.get(self.SEQ_LENS)
        if seq_lens is None:
            raise ValueError(f"{self} has no `seq_lens` column, so there is nothing to pad")
        for key, value in list(dict.items(self)):
            if key == self.SEQ_LENS or (exclude_states and key.startswith("state_in_")):
                continue
            if key == self.INFOS and isinstance(value, list):
                column = np.empty(len(value), dtype=object)
                column[:] = value
                value = column
            self[key] = map_leaves(lambda v: padded(v, seq_lens, max_seq_len), value)
        self.zero_padded = True
        self.max_seq_len = max_seq_len
        return self

    zero_pad = right_zero_pad  # its name in Ray 1.x

    @staticmethod
    def concat_samples(samples: list[Any]) -> Any:
        """Join batches; see `concat_samples` of this package."""
        from rlmigrate.legacy.batches.concat import concat_samples

        return concat_samples(samples)

    def compress(self, bulk: bool = False, columns: Any = ("obs", "new_obs")) -> None:
        """Leave the columns as they are: RLlib packs them with lz4, where that is installed."""

    def decompress_if_needed(self, columns: Any = ("obs", "new_obs")) -> SampleBatch:
        """Give the batch: nothing is packed."""
        return self

    def to_device(self, device: Any, framework: str = "torch", **kwargs: Any) -> SampleBatch:
        """Turn all columns in place into torch tensors on `device`."""
        from rlmigrate.legacy.utils.torch_utils import convert_to_torch_tensor

        if framework != "torch":
            raise NotImplementedError(f"to_device: framework is {framework!r}, expected 'torch'")
        for key, value in list(dict.items(self)):
            self[key] = convert_to_torch_tensor(value, device, **kwargs)
        return self

    def size_bytes(self) -> int:
        """Sum up the sizes of all columns in bytes."""
        leaves = tree.flatten(dict(self))
        return sum(v.nbytes if isinstance(v, np.ndarray) else sys.getsizeof(v) for v in leaves)

    def as_multi_agent(self, module_id: str | None = None) -> MultiAgentBatch:
        """Wrap as the batch of one policy, the default policy if no name is given."""
        from rlmigrate.legacy.batches.multi_agent import MultiAgentBatch

        batches: Any = {module_id or DEFAULT_POLICY_ID: self}
        return MultiAgentBatch(batches, self.count)

    def get_single_step_input_dict(
        self, view_requirements: Mapping[str, ViewRequirement], index: str | int = "last"
    ) -> SampleBatch:
        """Make the one-row batch by which a model is asked at one step of this trajectory.

        index: a step, or "last" for the step that would follow: its observation is `new_obs`.
        """
        from rlmigrate.legacy.batches.single_step import single_step_input_dict

        return cast(Any, single_step_input_dict)(self, view_requirements, index)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        keys = list(self.keys())
        if self.SEQ_LENS not in self:
            return f"SampleBatch({self.count}: {keys})"
        keys.remove(self.SEQ_LENS)
        return f"SampleBatch({self.count} (seqs={len(dict.__getitem__(self, 'seq_lens'))}): {keys})"


def attempt_count_timesteps(columns: Mapping[str, TensorStruct]) -> int:
    """Count the rows: the sum of `seq_lens`, or the length of the first column that has one."""
    seq_lens: Any = next((value for key, value in columns.items() if key == "seq_lens"), None)
    # A symbolic TF tensor cannot be counted.
    if seq_lens is not None and (hasattr(seq_lens, "numpy") or not is_tf(seq_lens)):
        steps = seq_lens.sum().item() if is_torch(seq_lens) else sum(seq_lens)
        if len(seq_lens) > 0:
            return int(steps)
    for key, value in columns.items():
        if key in ("seq_lens", "infos") or key.startswith(("state_in_", "state_out_")):
            continue
        leaf: Any = value
        if isinstance(value, dict | tuple):
            leaf = next(iter(tree.flatten(value)), None)
        try:
            if len(leaf):
                return len(leaf)
        except TypeError:
            continue
    return 0


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _row(value: Any, i: int) -> Any:
    # Infos are a list of dicts: a column of items, not a structure of columns.
    return value[i] if isinstance(value, list) else map_leaves(lambda v: v[i], value)


def _rebuild(cls: type[SampleBatch], columns: dict[str, Any], state: dict[str, Any]) -> SampleBatch:
    batch = cls.__new__(cls)
    dict.update(batch, columns)
    batch.__dict__.update(state)
    return batch
