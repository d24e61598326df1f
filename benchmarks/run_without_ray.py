"""Count the old model classes of a package that run without Ray, unmodified.

    python benchmarks/run_without_ray.py FOLDER... [--oracle] [--json FILE]

A FOLDER is copied to a scratch folder, and each file of it that defines a model is imported, in
another process, inside `rlmigrate.ray_names(ray=False)`. Each torch model class of it is built for
a few spaces and called; it runs if it returns outputs of the right shape for any of them. What does
not run is listed with the reason. With --oracle those that run are also built on the installed Ray,
with the same weights, and their outputs must be equal to the last bit.
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

MODEL_BASES = ("Model", "ModelV2", "Network", "RecurrentNetwork", "Net", "LSTM", "GRU", "RNN")

CHILD = r"""
import contextlib, importlib, importlib.util, json, os, sys, warnings
from pathlib import Path

warnings.filterwarnings("ignore")
mode, root, kept = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
# What a package's own training code would put into custom_model_config.
MARL = {"num_agents": 2, "global_state_flag": False, "mask_flag": False, "opp_action_in_cc": False,
        "algorithm": "mappo"}
CONFIGS = [{}]
if "marllib" in str(root):
    CONFIGS = []
    for core in ("mlp", "gru"):
        arch = {"core_arch": core, "fc_layer": 1, "out_dim_fc_0": 8, "encode_layer": "8",
                "hidden_state_size": 8}
        CONFIGS.append({**MARL, "model_arch_args": arch})
        # Models of a joint Q function: a state for every agent, so that one agent fits a batch.
        from gymnasium.spaces import Box, Dict
        CONFIGS.append({**MARL, "num_agents": 1, "model_arch_args": arch,
                        "space_obs": Dict({"obs": Box(-1, 1, (4,))})})
MODEL = {}  # settings of the model besides
if "minihack" in str(root):  # as its config.yaml has them, but smaller
    from omegaconf import OmegaConf
    MODEL = {"use_lstm": True, "lstm_cell_size": 8}
    CONFIGS = [{"flags": OmegaConf.create({
        "embedding_dim": 4, "hidden_dim": 8, "crop_model": "cnn", "crop_dim": 9, "layers": 2,
        "glyph_type": "all_cat", "use_index_select": True, "equalize_input_dim": False,
        "equalize_factor": 2, "msg": {"model": "lt_cnn", "hidden_dim": 8, "embedding_dim": 4}})}]
tasks = json.loads((kept / "tasks.json").read_text())
out = {}


def why(error):
    return f"{type(error).__name__}: {str(error)[:160]}"


if mode == "ours":
    from rlmigrate import ray_names
    context = ray_names(ray=False)
else:
    context = contextlib.nullcontext()


def load(path):
    sys.path[:0] = [str(root.parent), str(root), str(path.parent)]
    dotted = ".".join(path.relative_to(root.parent).with_suffix("").parts)
    if (path.parent / "__init__.py").exists():
        try:
            return importlib.import_module(dotted)
        except ModuleNotFoundError:
            pass
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def spaces():
    from gymnasium.spaces import Box, Dict, Discrete, Tuple
    from ray.rllib.utils.spaces.repeated import Repeated
    flat, unit = Box(-1, 1, (4,)), lambda *shape: Box(0, 1, shape)
    player = Dict({"location": Box(-100, 100, (2,)), "status": Box(-1, 1, (10,)),
                   "items": Repeated(Box(-5, 5, (5,)), max_len=7)})
    for obs in (
        flat, Box(0, 255, (84, 84, 3), "uint8"), Box(0, 255, (64, 64, 3), "uint8"), Discrete(5),
        Dict({"action_mask": unit(3), "observations": flat}),
        Dict({"action_mask": unit(3), "avail_actions": Box(-1, 1, (3, 2)), "cart": flat}),
        Dict({"valid_avail_actions_mask": unit(3), "cart": flat}),
        Dict({"own_obs": Discrete(6), "opponent_obs": Discrete(6), "opponent_action": Discrete(2)}),
        Dict({"obs": flat, "action_mask": unit(3)}), Dict({"obs": flat, "state": flat}),
        Dict({"obs": flat}), unit(8, 8, 4),
        Dict({"glyphs": Box(0, 5975, (21, 79), "int16"), "blstats": Box(-99, 99, (27,), "int64"),
              "message": Box(0, 127, (256,), "uint8"), "chars": Box(0, 127, (21, 79), "uint8"),
              "colors": Box(0, 15, (21, 79), "uint8"), "specials": Box(0, 255, (21, 79), "uint8")}),
        Repeated(player, max_len=4),
    ):
        yield obs, Discrete(3)
    yield flat, Box(-1, 1, (2,))
    yield flat, Tuple([Discrete(2), Discrete(2)])


def build(cls, obs, act, given):
    from ray.rllib.models import MODEL_DEFAULTS, ModelCatalog
    ModelCatalog.register_custom_model("it", cls)
    config = {**MODEL_DEFAULTS, **MODEL, "custom_model": "it", "max_seq_len": 4,
              "custom_model_config": given}
    preprocessor = ModelCatalog.get_preprocessor_for_space(obs)
    dist, size = ModelCatalog.get_action_dist(act, config, framework="torch")
    space = preprocessor.observation_space
    model = ModelCatalog.get_model_v2(space, act, size, config, framework="torch", name="it")
    return model, preprocessor, size


def inputs(model, preprocessor, obs, act):
    import numpy as np, torch
    obs.seed(3)
    act.seed(3)
    batch = np.stack([preprocessor.transform(obs.sample()) for _ in range(4)])
    data = {"obs": torch.as_tensor(batch), "is_training": False, "prev_rewards": torch.zeros(4)}
    if not isinstance(act.sample(), tuple):
        data["prev_actions"] = torch.as_tensor(np.stack([act.sample() for _ in range(4)]))
    for column, view in model.view_requirements.items():
        if column not in data and view.space is not None and "state" not in column:
            steps = np.size(view.shift_arr) if view.shift_arr is not None else 1
            shape = (4, steps, *view.space.shape) if steps > 1 else (4, *view.space.shape)
            whole = np.issubdtype(view.space.dtype, np.integer)
            data[column] = torch.zeros(shape, dtype=torch.int64 if whole else torch.float32)
    state = [torch.as_tensor(np.asarray(s)).float() for s in model.get_initial_state()]
    state = [s[None].repeat(4, *([1] * s.dim())) for s in state]
    return data, state, torch.ones(4, dtype=torch.int64) if state else None


def attempt(name, cls):
    import torch
    reasons = []
    for at, ((obs, act), given) in enumerate((pair, c) for pair in spaces() for c in CONFIGS):
        try:
            model, preprocessor, size = build(cls, obs, act, given)
            model.eval()
            data, state, seq = inputs(model, preprocessor, obs, act)
            with torch.no_grad():  # as policies act
                model(dict(data), state, seq)
                torch.manual_seed(5)
                result, _ = model(dict(data), state, seq)
            if result.shape[0] != 4 or (size and result.shape[-1] != size):
                raise ValueError(f"output of shape {tuple(result.shape)}, expected (4, {size})")
        except BaseException as error:
            reasons.append(why(error))
            continue
        saved = [at, model.state_dict(), data, state, seq, result.detach()]
        torch.save(saved, kept / name.replace("/", "_"))
        return "runs"
    return max(set(reasons), key=reasons.count)


def compare(name, cls):
    import torch
    at, weights, data, state, seq, expected = torch.load(
        kept / name.replace("/", "_"), weights_only=False)
    (obs, act), given = [(pair, c) for pair in spaces() for c in CONFIGS][at]
    model, _, _ = build(cls, obs, act, given)
    model.eval()
    with torch.no_grad():
        model(dict(data), state, seq)  # some make parameters on their first call
        model.load_state_dict(weights)
        torch.manual_seed(5)
        result, _ = model(dict(data), state, seq)
    if torch.equal(result, expected):
        return "equal"
    return f"differs by {(result - expected).abs().max()}"


with context:
    for file, names in tasks.items():
        before = list(sys.path)
        try:
            module = load(root / file)
            import torch
            torch.set_num_threads(1)
        except BaseException as error:
            out.update({f"{file}:{name}": "import: " + why(error) for name in names})
            continue
        finally:
            sys.path[:] = before
        for name in names:
            key = f"{file}:{name}"
            try:
                run = attempt if mode == "ours" else compare
                out[key] = run(key, getattr(module, name, None))
            except BaseException as error:
                out[key] = why(error)
print("\n" + json.dumps(out))
"""


def model_classes(path: Path) -> list[str]:
    """Torch model classes of a file, by their bases' names, followed within the file."""
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError:
        return []
    found: set[str] = set()
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for _ in classes:
        for node in classes:
            for base in node.bases:
                name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
                origin = imported.get(name, name)
                ray = origin.startswith("ray.rllib.") and name.endswith(MODEL_BASES)
                own = "." in origin and not origin.startswith("ray") and name.endswith("Model")
                if (
                    name in found
                    or name == "TorchModelV2"
                    or ((ray or own) and ".tf" not in origin)
                ):
                    found.add(node.name)
    torch = b"torch" in path.read_bytes()
    return [node.name for node in classes if node.name in found and torch and not is_tf(node)]


def is_tf(node: ast.ClassDef) -> bool:
    return any("TF" in getattr(base, "id", "") for base in node.bases)


def child(mode: str, root: Path, kept: Path, tasks: dict[str, list[str]]) -> dict[str, str]:
    """Run the classes of a folder's files in a process of its own."""
    (kept / "tasks.json").write_text(json.dumps(tasks))
    command = [sys.executable, "-c", CHILD, mode, str(root), str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        reason = f"crashed: {done.stderr[-160:]}"
        return {f"{path}:{name}": reason for path, names in tasks.items() for name in names}
    return found


def survey(folder: Path, *, oracle: bool) -> dict[str, str]:
    """Say of each model class of a folder whether it runs, or why not."""
    with tempfile.TemporaryDirectory() as scratch:
        root, kept = Path(scratch) / folder.name, Path(scratch) / ".kept"
        kept.mkdir()
        shutil.copytree(folder, root, ignore=shutil.ignore_patterns(".git", "*.pyc"))
        files = {str(p.relative_to(root)): model_classes(p) for p in sorted(root.rglob("*.py"))}
        results = child("ours", root, kept, {path: names for path, names in files.items() if names})
        if oracle:
            running: dict[str, list[str]] = {}
            for key in (key for key, text in results.items() if text == "runs"):
                path, _, name = key.rpartition(":")
                running.setdefault(path, []).append(name)
            for key, text in child("ray", root, kept, running).items():
                fails = not text.startswith(("equal", "differs"))
                results[key] = (
                    "runs, Ray does not" if fails else "runs" if text == "equal" else text
                )
    return results


HEAD = """# Old model classes that run without Ray

Made by `benchmarks/run_without_ray.py --oracle --markdown`: each torch model class of a package is
imported as it is under `ray_names(ray=False)` (what `rlmigrate run --no-ray` does), built for a
dozen spaces and called. Where Ray 2.60 runs the class, too, the outputs on equal weights are equal
to the last bit. It does not run two classes of the 2.9.3 examples, which call `numpy.product`, nor
marllib's, which import `ray.rllib.agents`, nor minihack's and griddly's, which import `gym`. The
run had the packages dnc 1.1, einops 0.8, nle 1.3, griddly 1.6.7, omegaconf 2.4 and setuptools below
80 beside Ray's.

| package | runs | of | equal to Ray 2.60 | Ray 2.60 does not run it |
|---|---|---|---|---|
"""

#: Why some classes do not run, where the error of the last attempt does not say it.
REASONS = {
    "TorchCustomLossModel": "needs offline data (`input_files`)",
    "CustomTorchTokenizer": "an encoder of the new stack, no ModelV2",
    "MobileNetV2Encoder": "an encoder of the new stack, no ModelV2",
    "TorchMobileV2PlusRNNModel": "needs `cnn_shape`, and downloads MobileNet's weights",
    "TorchDuelingQModel": (
        "extends TorchModelV2 without torch.nn.Module, which Ray and torch 2 refuse, too"
    ),
    "TorchContActionQModel": (
        "extends TorchModelV2 without torch.nn.Module, which Ray and torch 2 refuse, too"
    ),
    "IDDPGTorchModel": (
        "builds and acts (`get_policy_output`) once its net is registered as `DDPG_Model`, as "
        "marllib's script does; its `forward` gives the observations, no outputs"
    ),
    "BaseModel": "abstract base class",
    "WrapRawModule": (
        "holds a module for a policy that calls it directly: its own `forward` is empty, and its "
        "constructor takes the module in the place of `num_outputs`"
    ),
}


def title(folder: Path) -> str:
    """Name a package by its last two folders, without those of this machine."""
    kept = [part for part in folder.parts if part not in ("/", "tmp")]
    return "/".join(kept[-2:]) if folder.name in ("models", "examples") else folder.name


def markdown(tables: dict[Path, dict[str, str]]) -> str:
    """Make the page: counts, and why the others do not run."""
    rows, reasons = [], []
    for folder, results in tables.items():
        alone = sum(text == "runs, Ray does not" for text in results.values())
        equal = sum(text == "runs" for text in results.values())
        counts = (equal + alone, len(results), equal, alone)
        rows.append(f"| {title(folder)} | {' | '.join(map(str, counts))} |")
        for name, text in results.items():
            if not text.startswith("runs"):
                said = REASONS.get(name.rpartition(":")[2], text).replace("|", "/")
                reasons.append(f"| {title(folder)} | `{name}` | {said} |")
    head = "\n\n## Why the others do not run\n\n| package | class | reason |\n|---|---|---|\n"
    return HEAD + "\n".join(rows) + head + "\n".join(reasons) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--oracle", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path, help="write the table of docs/")
    given = parser.parse_args()
    report = {}
    tables: dict[Path, dict[str, str]] = {}
    for folder in given.folders:
        results = survey(folder, oracle=given.oracle)
        runs = sum(text.startswith("runs") for text in results.values())
        print(f"{folder}: {runs} of {len(results)} classes run")
        for name, text in results.items():
            if text != "runs":
                print(f"    {name}: {text}")
        reasons = Counter(text.split(":")[0] for text in results.values())
        report[str(folder)] = {"runs": runs, "of": len(results), "reasons": dict(reasons)}
        tables[folder] = results
    if given.markdown:
        given.markdown.write_text(markdown(tables))
    if given.json:
        given.json.write_text(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
