"""Import, build and compare one TF class; run by model_outcomes.py in a process of its own.

python benchmarks/tf_model_probe.py OLD_ROOT NEW_ROOT MODULE CLASS FACTS

FACTS are what model_spaces.toml says of the class, as JSON.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import sys
import types
from pathlib import Path
from typing import Any, NoReturn

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import model_cases
import numpy as np
import tensorflow as tf
import tree
from model_cases import evaluated, said, spaces_of

from rlmigrate import ray_names
from rlmigrate.new_stack import RLModuleSpec

ROWS, STEPS = 2, 3
RESULT: dict[str, object] = {}


def report(**more: object) -> NoReturn:
    """Print what was found, and end."""
    print("RESULT" + json.dumps({**RESULT, **more}))
    sys.exit(0)


def load(root: str, module: str, name: str) -> Any:
    """Import a class from one of the two trees."""
    folder = Path(root, *module.split(".")[:-1])  # of scripts that import what lies beside
    above = [each for each in Path(root).parents if {"before", "builtin"} & set(each.parts)]
    places = [root, str(folder), *map(str, above)]
    sys.path[:0] = places
    top = module.split(".")[0]
    for key, known in list(sys.modules.items()):
        near = str(getattr(known, "__file__", None) or "").startswith((old_tree(root), root))
        if key.split(".")[0] in {top, "rlmigrate_layers"} or near:
            del sys.modules[key]
    found = getattr(importlib.import_module(module), name)
    sys.path[:] = [p for p in sys.path if p not in places]
    return found


def batches(space: Any) -> tuple[list[Any], Any]:
    """ROWS * STEPS observations, one by one and stacked."""
    space.seed(0)
    raw = [space.sample() for _ in range(ROWS * STEPS)]
    return raw, tree.map_structure(lambda *each: np.stack(each), *raw)


def old_tree(root: str) -> str:
    """The folder of the original that belongs to a rewritten one."""
    return re.split(r"/(?:before|builtin)(?=/|$)", root)[0] + "/before"


class StandIn(types.ModuleType):
    """A package that is not there and that the class itself does not need."""

    __path__: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def loaded(root: str, module: str, name: str) -> Any:
    """Import a class; packages that are not there are stood in for."""
    while True:
        try:
            return load(root, module, name)
        except ModuleNotFoundError as error:
            missing = error.name or ""
            own = missing.startswith(("ray", "rlmigrate")) or missing.endswith("rlmigrate_layers")
            if not missing or missing in sys.modules or own:
                raise
            sys.modules[missing] = StandIn(missing)
            tree = re.split(r"(?<=/before)/|(?<=/builtin)/", root)[0]
            sys.path[:] = [p for p in sys.path if not p.startswith(tree)]


def old_weights(model: Any) -> list[Any]:
    """The weights of the Keras parts that an old model holds, in the order of its attributes."""
    found: list[Any] = []
    for part in vars(model).values():
        parts = part if isinstance(part, list | tuple) else [part]
        for each in parts:
            if isinstance(each, tf.keras.layers.Layer):
                found += each.weights
            elif isinstance(each, tf.Variable):
                found.append(each)
            elif hasattr(each, "register_variables"):
                found += old_weights(each)
    kept: dict[int, Any] = {}
    for weight in found:
        kept.setdefault(id(weight), weight)
    return list(kept.values())


def answer(old: Any, obs: Any, act: Any, given: dict[str, Any]) -> tuple[Any, ...]:
    """Build the original, with DQN's heads where it has them, and ask it once."""
    from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog

    tf.keras.backend.clear_session()
    settings = {**MODEL_DEFAULTS, **given}
    custom = settings.get("custom_model_config") or {}
    _, size = ModelCatalog.get_action_dist(act, settings, framework="tf2")
    prep = ModelCatalog.get_preprocessor_for_space(obs)
    taken = inspect.signature(old).parameters
    keywords = {key: value for key, value in custom.items() if key in taken}
    if heads(old):
        size = 256 if given.get("hiddens", [256]) else act.n
        settings["no_final_linear"] = bool(given.get("hiddens", [256]))
        keywords |= {"q_hiddens": given.get("hiddens", [256])}
    model = old(prep.observation_space, act, int(size), settings, "default_model", **keywords)
    raw, batch = batches(obs)
    flat = tf.constant(np.stack([prep.transform(r) for r in raw]).astype(np.float32))
    initial = list(model.get_initial_state())
    state = [tf.constant(np.full((ROWS, *np.shape(s)), 0.3, np.float32)) for s in initial]
    seq_lens = tf.fill([ROWS], STEPS) if state else tf.ones([ROWS * STEPS], tf.int32)

    def ask() -> Any:
        out, after = model({"obs": flat, "is_training": False}, list(state), seq_lens)
        if heads(old):
            return model.get_q_value_distributions(out)[0], after, None
        try:
            return out, after, model.value_function()
        except Exception:
            return out, after, None

    ask()
    return model, batch, state, ask


def heads(old: type) -> bool:
    """Say whether a class carries the heads of DQN."""
    return hasattr(old, "get_q_value_distributions")


def main() -> None:
    """Report imports, building and the greatest difference."""
    old_root, new_root, module, name = sys.argv[1:5]
    facts = json.loads(sys.argv[5])
    with ray_names():
        for old in Path(old_root).rglob("*.py"):  # RLlib's first form of it returned one module
            text = old.read_text(errors="surrogateescape")
            if "\ntf = try_import_tf()" in text:
                new = text.replace("\ntf = try_import_tf()", "\n_, tf, _ = try_import_tf()")
                old.write_text(new, errors="surrogateescape")
        probe(old_root, new_root, module, name, facts)


def probe(old_root: str, new_root: str, module: str, name: str, facts: dict[str, Any]) -> None:
    """Load both classes, give them the same weights, and compare."""
    try:
        old = loaded(old_root, module, name)
    except BaseException as error:
        report(original=said(error))
    try:
        new = loaded(new_root, module, name)
    except BaseException as error:
        report(imports=said(error))
    RESULT["imports"] = "yes"
    found, failed = None, []
    settings = evaluated(facts.get("model_config", {}), vars(model_cases))
    if heads(old):
        settings.setdefault("dueling", False)
    for obs, act in spaces_of(facts, vars(model_cases)):
        try:
            found = answer(old, obs, act, settings)
            break
        except BaseException as error:
            failed.append(said(error))
    if found is None:
        report(original=f"no guessed space fits ({'; '.join(dict.fromkeys(failed))[:300]})")
    model, batch, state, ask = found
    RESULT["spaces"] = f"{obs} -> {act}"[:60]
    try:
        tf.keras.backend.clear_session()
        built = RLModuleSpec(
            module_class=new, observation_space=obs, action_space=act, model_config=settings
        ).build()
        given = batch
        if state:
            given = tree.map_structure(lambda a: a.reshape(ROWS, STEPS, *a.shape[1:]), batch)
        full: dict[str, Any] = {"obs": given}
        if state:
            full["state_in"] = dict(zip(built.get_initial_state(), state, strict=True))
        run = [built.compute_q_values] if heads(old) else forwards(built)
        run[-1](full)
        RESULT["builds"] = "yes"
    except BaseException as error:
        report(builds=said(error))
    theirs, mine = old_weights(model), list(built.weights)
    if [w.shape for w in theirs] != [w.shape for w in mine]:
        report(parity=f"other weights: {len(theirs)} and {len(mine)}")
    rng = np.random.default_rng(0)
    for to, other in zip(mine, theirs, strict=True):
        drawn = np.abs(0.3 * rng.normal(size=to.shape)).astype(np.float32)
        to.assign(drawn)
        other.assign(drawn)
    RESULT["parameters"] = f"{len(mine)}/{len(theirs)}"
    out, after, values = ask()
    try:
        worst = 0.0
        for forward in run:
            got = forward(full)
            worst = max(worst, gap(got["qf_preds" if heads(old) else "action_dist_inputs"], out))
        if state:
            pairs = zip(got["state_out"].values(), after, strict=True)
            worst = max([worst, *(gap(a, b) for a, b in pairs)])
        if values is not None and hasattr(built, "compute_values"):
            worst = max(worst, gap(built.compute_values(full), values))
            kept = got.get("embeddings")
            worst = max(worst, gap(built.compute_values(full, kept), values))
    except BaseException as error:
        report(parity=said(error))
    report(parity=worst)


def forwards(built: Any) -> list[Any]:
    """The three forward passes."""
    return [built.forward_inference, built.forward_exploration, built.forward_train]


def gap(mine: Any, theirs: Any) -> float:
    """The greatest difference of two arrays of as many numbers."""
    a, b = np.asarray(mine, np.float64).ravel(), np.asarray(theirs, np.float64).ravel()
    return float(np.max(np.abs(a - b), initial=0.0)) if a.shape == b.shape else float("nan")


if __name__ == "__main__":
    importlib.invalidate_caches()
    main()
