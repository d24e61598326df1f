"""Run one party in this process, on orders that come line by line.

Started by `client`. Orders are JSON on standard input, answers JSON on the descriptor that
standard output had; what user code prints goes to standard error. Arrays travel as .npz files.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from rlmigrate.compat.parity.processes import wire
from rlmigrate.compat.parity.processes.wire import Arrays
from rlmigrate.errors import UsageError


class Worker:
    """Keeps the sides of this process and carries out orders on them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sides: dict[int, Any] = {}
        self._sessions: dict[int, AbstractContextManager[None]] = {}
        self._count = 0

    def answer(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one order; an exception becomes an answer too."""
        sent = Arrays.load(Path(order["arrays"])) if order.get("arrays") else Arrays()
        back = Arrays()
        try:
            method: Callable[..., Any] = getattr(self, f"do_{order['do']}")
            value = method(dict(order.get("with") or {}), sent, back)
        except Exception as error:  # user code may raise anything
            return {
                "ok": False,
                "kind": type(error).__name__,
                "error": str(error),
                "traceback": traceback.format_exc(),
            }
        path = None
        if back.values:
            self._count += 1
            path = self._folder / f"answer{self._count % 4}.npz"
            back.save(path)
        return {"ok": True, "value": value, "arrays": str(path) if path else None}

    def do_spaces(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Give an environment's spaces as expressions."""
        from rlmigrate.compat.parity.processes.environments import make_env
        from rlmigrate.compat.parity.space_text import write_space

        env = make_env(args["env"], args.get("env_config") or {})
        try:
            return {
                "observation_space": write_space(env.observation_space),
                "action_space": write_space(env.action_space),
            }
        finally:
            if hasattr(env, "close"):
                env.close()

    def do_build(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Build one party from its class, `module:Class`."""
        import torch

        from rlmigrate.compat.parity.sides import building
        from rlmigrate.compat.parity.space_text import read_space

        torch.set_num_threads(1)
        cls = find_class(args["target"])
        common: dict[str, Any] = {
            "observation_space": read_space(args["observation_space"]),
            "action_space": read_space(args["action_space"]),
            "model_config": args.get("model_config") or {},
        }
        if args["role"] == "old":
            told = {"seed": args.get("seed", 0), "role": args.get("protocol") or "policy"}
            side: Any = building.legacy_side(cls, **common, **told)
        else:
            side = building.module_side(cls, **common)
        number = len(self._sides)
        self._sides[number] = side
        return {
            "side": number,
            "label": side.label,
            "state_sizes": side.state_sizes,
            "columns": [asdict(column) for column in getattr(side, "columns", ())],
            "prefix": getattr(side, "prefix", ""),
            "protocol": side.role.name,
            "settings": _sendable(side.role.settings()) if args["role"] == "new" else {},
        }

    def do_facts(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Give the facts of the preflight."""
        return dict(self._sides[args["side"]].facts())

    def do_open(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Begin a session."""
        session = self._sides[args["side"]].session()
        session.__enter__()
        self._sessions[args["side"]] = session

    def do_close(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """End a session."""
        self._sessions.pop(args["side"]).__exit__(None, None, None)

    def do_forget(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Drop a party."""
        self._sides.pop(args["side"], None)

    def do_parameters(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Copy the parameters."""
        side = self._sides[args["side"]]
        return {
            "values": wire.pack_named(side.parameters(), back),
            "trainable": sorted(side.trainable()),
        }

    def do_load(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Overwrite parameters."""
        values = wire.present(wire.unpack_named(args["values"], sent))
        self._sides[args["side"]].load(values)

    def do_adopt(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Take over the old side's weights."""
        values = wire.present(wire.unpack_named(args["values"], sent))
        return self._sides[args["side"]].adopt(values, args.get("mapping"))

    def do_run(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Compute a case."""
        run = self._sides[args["side"]].run(
            wire.unpack_case(args["case"], sent),
            precision=args["precision"],
            layers=args["layers"],
        )
        return wire.pack_run(run, back)

    def do_run_many(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Compute cases; what one of them raises stands in its place."""
        found = self._sides[args["side"]].run_many(
            [wire.unpack_case(case, sent) for case in args["cases"]], precision=args["precision"]
        )
        return [
            {"kind": type(item).__name__, "error": str(item)}
            if isinstance(item, Exception)
            else wire.pack_run(item, back)
            for item in found
        ]

    def do_run_layer(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Compute one layer alone."""
        result = self._sides[args["side"]].run_layer(
            args["layer"],
            tuple(sent.values[key] for key in args["inputs"]),
            precision=args["precision"],
        )
        return None if result is None else back.put(result)

    def do_gradients(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Compute vector-Jacobian products."""
        found = self._sides[args["side"]].gradients(
            wire.unpack_case(args["case"], sent), precision=args["precision"], seed=args["seed"]
        )
        return wire.pack_named(found.values, back)

    def do_divergence(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Compute the KL divergence."""
        old, new = (sent.values[key] for key in args["inputs"])
        found = self._sides[args["side"]].divergence(old, new)
        return None if found is None else back.put(found)

    def do_segments(self, args: dict[str, Any], sent: Arrays, back: Arrays) -> Any:
        """Find the categorical parts of the logits."""
        return self._sides[args["side"]].segments(args["width"])


def _sendable(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what JSON can carry; a model given as a class stays behind."""

    def plain(value: Any) -> bool:
        try:
            json.dumps(value)
        except TypeError:
            return False
        return True

    return {key: value for key, value in settings.items() if plain(value)}


def find_class(target: str) -> type:
    """Import `module:Class`.

    Raises:
        UsageError: the module has no such class.
    """
    module_name, _, name = target.partition(":")
    found: Any = importlib.import_module(module_name)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise UsageError(f"{module_name} has no class {name}; found {found!r}")
    return found


def resolving_names(ray: str) -> AbstractContextManager[None]:
    """Make old `ray.rllib` names importable: what Ray lacks, or all of it with `ray="no"`."""
    from rlmigrate.compat.names import ray_names

    return ray_names(ray=False) if ray == "no" else ray_names()


def serve(orders: TextIO, answers: TextIO, folder: Path) -> None:
    """Answer orders until there are no more."""
    worker = Worker(folder)
    for line in orders:
        answers.write(json.dumps(worker.answer(json.loads(line))) + "\n")
        answers.flush()


def main() -> None:
    """Take `FOLDER RAY PATH...`, and serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal interrupts both; the client ends us
    folder, ray, *paths = sys.argv[1:]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if importlib.util.find_spec("tf_keras"):  # RLlib's TF models are of that Keras
        os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    wanted = ray != "no" and "RLLIB_TEST_NO_TF_IMPORT" not in os.environ
    if wanted and importlib.util.find_spec("tensorflow"):
        importlib.import_module("tensorflow")  # RLlib, if it is first, switches eager mode off
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # The user's own folders come before the one this file was started from.
    sys.path[:0] = paths
    with resolving_names(ray):
        serve(sys.stdin, answers, Path(folder))


if __name__ == "__main__":
    main()
