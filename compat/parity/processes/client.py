"""A process of its own as the home of sides."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from rlmigrate.compat.parity.arrays import Array
from rlmigrate.compat.parity.cases.case import Case
from rlmigrate.compat.parity.cases.columns import Column
from rlmigrate.compat.parity.processes import wire
from rlmigrate.compat.parity.processes.wire import Arrays
from rlmigrate.compat.parity.sides.base import Gradients, Precision, Run
from rlmigrate.errors import RlmigrateError


class RemoteError(RlmigrateError):
    """Code in the other process raised; `.traceback` has its traceback."""

    def __init__(self, kind: str, text: str, traceback: str) -> None:
        super().__init__(f"{kind}: {text}" if text else kind)
        self.kind = kind
        self.text = text
        self.traceback = traceback


class SideProcess:
    """One Python process; a context manager that ends it."""

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        ray: str = "auto",
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rlmigrate-parity-")
        self._log = (Path(self._folder.name) / "stderr.txt").open("w+", encoding="utf-8")
        self._count = 0
        self._process = subprocess.Popen(
            [
                python,
                "-W",
                "ignore",
                "-m",
                "rlmigrate.compat.parity.processes.worker",
                self._folder.name,
                ray,
                *(str(path.resolve()) for path in paths),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **(environment or {})},
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is not None and not issubclass(kind, Exception):  # the user does not want to wait
            self._process.kill()
        if self._process.stdin:
            with suppress(BrokenPipeError):  # it may be dead already
                self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._log.close()
        self._folder.cleanup()

    def ask(self, do: str, arrays: Arrays | None = None, **arguments: object) -> tuple[Any, Arrays]:
        """Send one order and wait for its answer.

        Raises:
            RemoteError: the order failed there, or the process died.
        """
        path = None
        if arrays is not None and arrays.values:
            self._count += 1
            path = Path(self._folder.name) / f"order{self._count % 4}.npz"
            arrays.save(path)
        order = {"do": do, "with": arguments, "arrays": str(path) if path else None}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(order) + "\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._process.wait()
            raise RemoteError("ProcessDied", self._last_words(), "")
        answer = json.loads(line)
        if not answer["ok"]:
            raise RemoteError(answer["kind"], answer["error"], answer["traceback"])
        back = Arrays.load(Path(answer["arrays"])) if answer["arrays"] else Arrays()
        return answer["value"], back

    def _last_words(self) -> str:
        self._log.flush()
        self._log.seek(0)
        lines = [line for line in self._log.read().splitlines() if line.strip()]
        return lines[-1] if lines else f"exit status {self._process.returncode}"


class RemoteSide:
    """A side that lives in a SideProcess."""

    def __init__(
        self,
        process: SideProcess,
        *,
        role: str,
        target: str,
        observation_space: str,
        action_space: str,
        model_config: Mapping[str, Any],
        seed: int = 0,
        protocol: str = "policy",
    ) -> None:
        self._process = process
        value, _ = process.ask(
            "build",
            role=role,
            target=target,
            observation_space=observation_space,
            action_space=action_space,
            model_config=dict(model_config),
            seed=seed,
            protocol=protocol,
        )
        #: As what the class is asked (policy, dqn, sac), and with which settings of DQN or SAC.
        self.protocol: str = value["protocol"]
        self.settings: dict[str, Any] = value["settings"]
        self._number: int = value["side"]
        self._label: str = value["label"]
        self._state_sizes = tuple(tuple(shape) for shape in value["state_sizes"])
        self.columns = tuple(
            Column(c["name"], tuple(c["shape"]), c["actions"]) for c in value["columns"]
        )
        self.prefix: str = value["prefix"]
        self._trainable: frozenset[str] = frozenset()
        self._segments: dict[int, tuple[tuple[int, int], ...]] = {}

    @property
    def label(self) -> str:
        """Qualified name of the class."""
        return self._label

    @property
    def state_sizes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the initial state."""
        return self._state_sizes

    def facts(self) -> Mapping[str, str]:
        """Give what the preflight prints."""
        value, _ = self._process.ask("facts", side=self._number)
        return dict(value)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Hold the party ready."""
        self._process.ask("open", side=self._number)
        try:
            yield
        finally:
            self._process.ask("close", side=self._number)

    def parameters(self) -> dict[str, Array]:
        """Copy the parameters."""
        value, arrays = self._process.ask("parameters", side=self._number)
        self._trainable = frozenset(value["trainable"])
        return wire.present(wire.unpack_named(value["values"], arrays))

    def trainable(self) -> frozenset[str]:
        """Name the learned parameters."""
        if not self._trainable:
            self.parameters()
        return self._trainable

    def load(self, values: Mapping[str, Array]) -> None:
        """Overwrite parameters."""
        arrays = Arrays()
        packed = wire.pack_named(values, arrays)
        self._process.ask("load", arrays, side=self._number, values=packed)

    def adopt(
        self, values: Mapping[str, Array], mapping: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Take over the old side's weights."""
        arrays = Arrays()
        packed = wire.pack_named(values, arrays)
        given = dict(mapping) if mapping else None
        value, _ = self._process.ask(
            "adopt", arrays, side=self._number, values=packed, mapping=given
        )
        return dict(value)

    def run(self, case: Case, *, precision: Precision = "float32", layers: bool = False) -> Run:
        """Compute a case."""
        arrays = Arrays()
        value, back = self._process.ask(
            "run",
            arrays,
            case=wire.pack_case(case, arrays),
            side=self._number,
            precision=precision,
            layers=layers,
        )
        return wire.unpack_run(value, back)

    def run_many(
        self, cases: Sequence[Case], *, precision: Precision = "float32"
    ) -> list[Run | Exception]:
        """Compute cases in one order."""
        arrays = Arrays()
        value, back = self._process.ask(
            "run_many",
            arrays,
            cases=[wire.pack_case(case, arrays) for case in cases],
            side=self._number,
            precision=precision,
        )
        return [
            RemoteError(item["kind"], item["error"], "")
            if "kind" in item
            else wire.unpack_run(item, back)
            for item in value
        ]

    def run_layer(
        self, layer: str, inputs: tuple[Array, ...], *, precision: Precision = "float32"
    ) -> Array | None:
        """Compute one layer alone."""
        arrays = Arrays()
        keys = [arrays.put(value) for value in inputs]
        value, back = self._process.ask(
            "run_layer", arrays, side=self._number, layer=layer, inputs=keys, precision=precision
        )
        return None if value is None else back.values[value]

    def gradients(
        self, case: Case, *, precision: Precision = "float32", seed: int = 0
    ) -> Gradients:
        """Compute vector-Jacobian products."""
        arrays = Arrays()
        value, back = self._process.ask(
            "gradients",
            arrays,
            case=wire.pack_case(case, arrays),
            side=self._number,
            precision=precision,
            seed=seed,
        )
        return Gradients(wire.unpack_named(value, back))

    def divergence(self, old: Array, new: Array) -> Array | None:
        """Compute the KL divergence."""
        arrays = Arrays()
        keys = [arrays.put(old), arrays.put(new)]
        value, back = self._process.ask("divergence", arrays, side=self._number, inputs=keys)
        return None if value is None else back.values[value]

    def segments(self, width: int) -> tuple[tuple[int, int], ...]:
        """Find the categorical parts of the logits."""
        if width not in self._segments:
            value, _ = self._process.ask("segments", side=self._number, width=width)
            self._segments[width] = tuple((a, b) for a, b in value)
        return self._segments[width]

    def forget(self) -> None:
        """Drop the party in its process."""
        self._process.ask("forget", side=self._number)
