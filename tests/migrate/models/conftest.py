"""Rewrite a model, build old and new on real stacks, and compare what they compute."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from rlmigrate.migrate.engine.rounds import Outcome, rewrite
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.registry import all_rules
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile

COUNT = itertools.count()


def run_rules(root: Path, settings: Settings | None = None) -> list[Outcome]:
    """Rewrite every file under `root` by the rules for models, in place."""
    settings = settings or Settings()
    paths = sorted(root.rglob("*.py"))
    index = RepoIndex.build(paths, settings)
    rules = [rule for code, rule in all_rules().items() if code.startswith("RLM1")]
    outcomes = [rewrite(SourceFile.read(path), index, settings, rules) for path in paths]
    for outcome in outcomes:
        if outcome.after is not None:
            outcome.path.write_bytes(outcome.after)
        for name, text in outcome.new_files.items():
            Path(name).write_text(text)
    return outcomes


def load(path: Path) -> ModuleType:
    """Import a file under a name of its own, with its folder importable."""
    name = f"loaded_{next(COUNT)}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    beside = ["rlmigrate_layers", *(each.stem for each in path.parent.glob("*.py"))]
    sys.path.insert(0, str(path.parent))
    _forget(beside)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
        _forget(beside)
    return module


def _forget(names: Iterable[str]) -> None:
    """Let both sides of a migration have modules of the same names."""
    for name in names:
        sys.modules.pop(name, None)


class Migration:
    """A file before and after; `old` and `new` are its modules."""

    def __init__(self, folder: Path, files: Mapping[str, str], settings: Settings) -> None:
        self.before = folder / "before"
        self.after = folder / "after"
        for root in (self.before, self.after):
            for name, text in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self.outcomes = run_rules(self.after, settings)
        self.settings = settings

    @property
    def items(self):
        return {i.name: i for outcome in self.outcomes for i in outcome.items}

    def text(self, name: str) -> str:
        return (self.after / name).read_text()

    def old(self, name: str) -> ModuleType:
        return load(self.before / name)

    def new(self, name: str) -> ModuleType:
        return load(self.after / name)


@pytest.fixture
def migrate(tmp_path):
    """Write files, rewrite a copy, and hand back both sides."""

    def run(files: Mapping[str, str] | str, **settings: object) -> Migration:
        named = {"model.py": files} if isinstance(files, str) else files
        folder = tmp_path / str(next(COUNT))
        return Migration(folder, named, Settings(**settings))  # type: ignore[arg-type]

    return run


def batch_of(space, count: int = 5, *, seed: int = 0):
    """Raw samples of a space, stacked as the connectors of the new stack stack them."""
    import numpy as np
    import torch
    import tree

    space.seed(seed)
    samples = [space.sample() for _ in range(count)]
    return samples, tree.map_structure(
        lambda *each: torch.from_numpy(np.stack([np.asarray(e) for e in each])), *samples
    )


def as_in(flat, batch, prep, offset: int = 0):
    """Lay the parts of a batch out as the old stack does, as slices of its flat observations.

    A matrix product may take another kernel, and round otherwise, for rows that stand apart in
    memory; on the same layout both sides must agree to the last bit.
    """
    if hasattr(prep, "preprocessors"):
        keys = list(prep._obs_space.spaces) if isinstance(batch, dict) else range(len(batch))
        parts = {}
        for key, inner in zip(keys, prep.preprocessors, strict=True):
            parts[key] = as_in(flat, batch[key], inner, offset)
            offset += inner.size
        return parts if isinstance(batch, dict) else tuple(parts.values())
    if type(prep).__name__ != "NoPreprocessor":
        return batch
    return flat[:, offset : offset + prep.size].reshape(batch.shape)


def columns(model, prep, action_space, count: int):
    """Values for the columns that a model reads beside its observation."""
    import numpy as np
    import torch

    from rlmigrate.compat.parity.cases import Case
    from rlmigrate.compat.parity.cases.columns import with_columns
    from rlmigrate.compat.parity.sides.columns import columns_of

    case = Case(f"batch {count}", np.zeros((count, 1)), np.zeros(count))
    case = with_columns(case, columns_of(model, prep.shape), action_space, seed=0)
    return {name: torch.as_tensor(values) for name, values in case.extra}


def old_model(model_class, obs_space, action_space, custom=None, **config):
    """Build a model as Ray's old catalog does."""
    from ray.rllib.models.catalog import MODEL_DEFAULTS, ModelCatalog

    settings = {**MODEL_DEFAULTS, **config, "custom_model_config": custom or {}}
    _, size = ModelCatalog.get_action_dist(action_space, settings, framework="torch")
    prep = ModelCatalog.get_preprocessor_for_space(obs_space)
    settings["custom_model"] = model_class
    model = ModelCatalog.get_model_v2(
        prep.observation_space, action_space, size, settings, framework="torch", name="m"
    )
    return model, prep


def new_config(custom, config):
    """The model config that the rewritten configs give: own keys on top, if none is RLlib's too."""
    from ray.rllib.models.catalog import MODEL_DEFAULTS

    apart = not MODEL_DEFAULTS.keys().isdisjoint(custom)
    return {**config, "custom_model_config": custom} if apart else {**config, **custom}


def compare(model_class, module_class, obs_space, action_space, custom=None, **config) -> None:
    """Exact equality of distribution inputs and values, on Ray's classes, on equal weights."""
    import numpy as np
    import torch
    import tree
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec

    torch.set_num_threads(1)
    model, prep = old_model(model_class, obs_space, action_space, custom, **config)
    spec = RLModuleSpec(
        module_class=module_class,
        observation_space=obs_space,
        action_space=action_space,
        model_config=new_config(custom or {}, config),
    )
    module = spec.build()
    module.load_state_dict(model.state_dict())
    assert set(module.state_dict()) == set(model.state_dict())
    model.eval()
    if model.get_initial_state():
        compare_recurrent(model, module, prep, obs_space)
        return
    for count in (1, 5):
        samples, batch = batch_of(obs_space, count)
        flat = torch.from_numpy(np.stack([prep.transform(s) for s in samples]))
        seen = columns(model, prep, action_space, count)
        batch = {"obs": as_in(flat.clone(), batch, prep), **seen}  # old models may change theirs
        given = tree.map_structure(torch.clone, batch)
        with torch.no_grad():
            theirs = tree.map_structure(torch.clone, seen)
            out, _ = model({"obs": flat, "is_training": False, **theirs})
            inference = module.forward_inference(batch)
            exploration = module.forward_exploration(batch)
            assert set(inference) == {"action_dist_inputs"}
            assert torch.equal(inference["action_dist_inputs"], out)
            assert torch.equal(exploration["action_dist_inputs"], out)
            module.eval()
            trained = module._forward_train(batch)
            assert torch.equal(trained["action_dist_inputs"], out)
            if hasattr(module, "compute_values"):
                values = model.value_function()
                assert torch.equal(module.compute_values(batch), values)
                again = module.compute_values(batch, trained.get("embeddings"))
                assert torch.equal(again, values)
        tree.map_structure(torch.testing.assert_close, batch, given)  # nobody changed the batch
    dist = module.get_inference_action_dist_cls().from_logits(out)
    assert dist.to_deterministic().sample() is not None


def compare_recurrent(model, module, prep, obs_space) -> None:
    """The same over sequences: old ones flat with seq_lens, new ones [B, T, ...], some padded."""
    for lengths, steps in (([1], 1), ([4, 4, 4], 4), ([2, 4, 1], 4), ([2, 1], 3)):
        compare_sequences(model, module, prep, obs_space, lengths, steps)
    assert module.is_stateful()


def compare_sequences(model, module, prep, obs_space, lengths, steps, *, seed=0) -> None:
    """Compare on sequences of `lengths`, which the new stack pads to `steps`.

    The old stack pads to the longest of them. A module that treats padding as steps is also
    compared with what the old model makes of that much padding, where bits must be equal.
    """
    import torch
    import tree

    size, longest = len(lengths), max(*lengths, 1)
    _, batch = batch_of(obs_space, size * steps, seed=seed)
    batch = tree.map_structure(lambda t: t.reshape(size, steps, *t.shape[1:]), batch)
    initial = [torch.as_tensor(s).float() for s in model.get_initial_state()]
    new_initial = module.get_initial_state()
    for old_state, new_state in zip(initial, new_initial.values(), strict=True):
        assert torch.equal(old_state, torch.as_tensor(new_state).float())
    generator = torch.Generator().manual_seed(seed)
    states = [torch.randn(size, *s.shape, generator=generator) for s in initial]
    lens = torch.tensor(lengths, dtype=torch.int32)
    seq = {} if set(lengths) == {steps} else {"seq_lens": lens}
    cut = _old_answer(model, prep, batch, states, lens, longest)
    given = {
        "obs": _rows(prep, batch, steps)[1],
        "state_in": dict(zip(new_initial, states, strict=True)),
        **seq,
    }
    got = module.forward_inference(given)
    module.eval()
    with torch.no_grad():
        assert set(got) == {"action_dist_inputs", "state_out"}
        trained = module._forward_train(given)
        values = [module.compute_values(given, e) for e in (None, trained.get("embeddings"))]
    outputs = (got["action_dist_inputs"], *values)
    assert all(output.shape[:2] == (size, steps) for output in outputs)
    real = torch.arange(longest) < lens.unsqueeze(1)
    for mine, theirs in zip(outputs, (cut[0], cut[1], cut[1]), strict=True):
        torch.testing.assert_close(mine[:, :longest][real], theirs[real], atol=1e-6, rtol=1e-5)
    padding = _sees_padding(module)
    same = _old_answer(model, prep, batch, states, lens, steps) if padding else cut
    steps = same[0].shape[1]
    for mine, theirs in zip(outputs, (same[0], same[1], same[1]), strict=True):
        assert torch.equal(mine[:, :steps], theirs)
    for old_state, new_state in zip(same[2], got["state_out"].values(), strict=True):
        assert torch.equal(old_state, new_state)


def _sees_padding(module) -> bool:
    """Say whether the module as written runs over padding like over steps."""
    layers = Path(sys.modules[type(module).__module__].__file__).with_name("rlmigrate_layers.py")
    return "def cut_padding" not in layers.read_text()


def _rows(prep, batch, steps):
    """The first `steps` as flat rows, and as observations that share their memory."""
    import numpy as np
    import torch
    import tree

    rows = tree.map_structure(lambda t: t[:, :steps].reshape(-1, *t.shape[2:]), batch)
    count = len(tree.flatten(rows)[0])
    leaves = [tree.map_structure(lambda t, i=i: t[i].numpy(), rows) for i in range(count)]
    flat = torch.from_numpy(np.stack([prep.transform(leaf) for leaf in leaves]))
    shape = (count // steps, steps)
    laid = as_in(flat, rows, prep)
    return flat, tree.map_structure(lambda t: t.reshape(*shape, *t.shape[1:]), laid)


def _old_answer(model, prep, batch, states, lens, steps):
    """Outputs, values and states of the old model on the first `steps`."""
    import torch

    size = len(lens)
    flat, _ = _rows(prep, batch, steps)
    with torch.no_grad():
        out, after = model({"obs": flat}, [s.clone() for s in states], lens)
        values = model.value_function()
    return out.reshape(size, steps, -1), values.reshape(size, -1), after


@pytest.fixture
def equal():
    """The comparison, for tests."""
    return compare


@pytest.fixture
def build_old():
    """The old catalog, for tests."""
    return old_model


@pytest.fixture
def equal_on():
    """The comparison on given lengths of sequences, for tests."""
    return compare_sequences


@pytest.fixture(scope="session")
def beside():
    """Import a module of this folder, which is no package."""
    return lambda name: load(Path(__file__).with_name(f"{name}.py"))
