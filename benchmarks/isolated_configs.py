"""Whether Ray takes the configs of rewritten files, each built apart from the rest of its script.

    python benchmarks/isolated_configs.py [--verbose] [--seconds N] TREE...

Scripts stop before their config for want of a package, an argument or a data set. So each tree is
copied and rewritten, and each chain of builder calls in it is made on a real config of Ray: an
argument is evaluated where it is a literal, a name of a module that is there, or a name that is
bound once to such a value; any other argument is left out, and counted. Then `config.validate()`
is called. A config dict beside its algorithm is updated into that algorithm's config likewise. A
config that Ray refuses counts as marked where a marker in its statement says what a person must
do. Each tree is measured in a process of its own, which is stopped after `--seconds`; what it had
told until then counts.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import contextlib
import importlib
import io
import multiprocessing
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlmigrate.migrate.configs.consumers import SUPPORTED, consumers_of
from rlmigrate.migrate.configs.keys import FINAL_METHODS
from rlmigrate.migrate.engine.run import run_files
from rlmigrate.migrate.engine.todo import markers
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.reading.builders import builders_of
from rlmigrate.migrate.reading.nodes import nodes_of
from rlmigrate.migrate.rules.base import FileContext
from rlmigrate.migrate.settings import Settings

#: Modules that a config may take values from; anything else counts as the script's own.
REAL = ("ray", "gymnasium", "numpy", "torch", "math", "os", "random")
#: Arguments that ask for what a check on one machine does not have.
ASKING = frozenset({"input_", "callbacks_class"})


class Unknown(Exception):
    """A value that is not to be had without the script."""


class Values:
    """What the expressions of one file come to."""

    def __init__(self, context: FileContext) -> None:
        self.context = context
        self.nodes = nodes_of(context)
        self.imports = context.index.files[context.source.path].imports

    def of(self, node: ast.expr, depth: int = 6) -> Any:
        """Evaluate an expression; raises Unknown."""
        if depth == 0:
            raise Unknown
        names = {n.id: n for n in ast.walk(node) if isinstance(n, ast.Name)}
        own = {a.arg for a in ast.walk(node) if isinstance(a, ast.arg)}
        own |= {i for i, n in names.items() if isinstance(n.ctx, ast.Store)}
        scope: dict[str, Any] = {}
        for name, at in names.items():
            if name in own or isinstance(node, ast.Lambda):
                continue
            target = self.imports.names.get(name)
            if target is not None:
                scope[name] = imported(target)
            elif (bound := self.nodes.value_of(at)) is not None:
                scope[name] = self.of(bound, depth - 1)
            elif not hasattr(builtins, name):
                raise Unknown
        try:
            found = eval(compile(ast.Expression(node), "config", "eval"), scope)  # type: ignore[arg-type]
        except (Exception, SystemExit) as error:
            raise Unknown from error
        if isinstance(found, dict) and set(found) == {"grid_search"}:
            return found["grid_search"][0]
        return found.sample() if type(found).__module__ == "ray.tune.search.sample" else found


def imported(target: str) -> Any:
    """Import a dotted name of a module that is there; raises Unknown."""
    if not target.startswith(REAL):
        raise Unknown
    parts = target.split(".")
    for size in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:size]))
        except ImportError:
            continue
        for part in parts[size:]:
            if not hasattr(found, part):
                raise AttributeError(f"Ray has no {target}") if parts[0] == "ray" else Unknown
            found = getattr(found, part)
        return found
    raise Unknown


def configs(context: FileContext) -> Iterator[tuple[int, str, list[ast.Call], ast.Dict | None]]:
    """Yield each config of a file: line, algorithm, the calls made on it, or its dict."""
    builders = builders_of(context)
    by_root: dict[str, list[Any]] = {}
    for chain in builders.chains:
        if chain.config.algorithm in SUPPORTED:
            root = ast.unparse(chain.root) if isinstance(chain.root, ast.Name) else str(id(chain))
            by_root.setdefault(root, []).append(chain)
    for chains in by_root.values():
        calls = [call for chain in chains for call in chain.calls]
        yield chains[0].root.lineno, chains[0].config.algorithm, calls, None
    for consumer in consumers_of(context):
        config = consumer.config
        if isinstance(config, ast.Name):
            config = nodes_of(context).value_of(config)
        if consumer.supported and isinstance(config, ast.Dict):
            yield consumer.call.lineno, consumer.algorithm, [], config


def verdict(context: FileContext, algorithm: str, calls: list[ast.Call], given: Any) -> str:
    """Build one config and validate it."""
    values = Values(context)
    module = importlib.import_module(f"ray.rllib.algorithms.{SUPPORTED[algorithm]}")
    config = getattr(module, f"{algorithm}Config")()
    left = 0
    try:
        for call in calls:
            assert isinstance(call.func, ast.Attribute)
            if call.func.attr in FINAL_METHODS | {"copy", "freeze"}:
                continue
            positional, named = [], {}
            for value in call.args:
                with missing() as lost:
                    positional.append(values.of(value))
                left += lost.count
            for keyword in call.keywords:
                with missing() as lost:
                    if keyword.arg in ASKING or keyword.arg is None:
                        raise Unknown
                    named[keyword.arg] = values.of(keyword.value)
                left += lost.count
            if named or len(positional) == len(call.args):
                config = getattr(config, call.func.attr)(*positional, **named)
        entries: dict[str, Any] = {}
        for key, value in zip(given.keys, given.values, strict=True) if given is not None else ():
            with missing() as lost:
                if key is None:
                    raise Unknown
                entries[values.of(key)] = values.of(value)
            left += lost.count
        known = {*vars(config), "framework", "lambda", "num_workers", "callbacks", "multiagent"}
        unread = sorted(set(entries) - known - {"env", "env_config", "input", "model"})
        if unread:
            return f"UNREAD {', '.join(unread)}"
        config.update_from_dict(entries).validate()
    except TimeoutError:
        return "undecided, out of time"
    except Exception as error:
        if left and isinstance(error, ValueError):
            return f"undecided, {left} arguments left out: {error}".splitlines()[0]
        return f"REJECTED {type(error).__name__}: {str(error).splitlines()[0][:150]}"
    return f"valid, {left} arguments left out" if left else "valid, whole"


class missing(contextlib.AbstractContextManager["missing"]):
    """Count what is not to be had."""

    count = 0

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self.count = int(kind is Unknown)
        return kind is Unknown


def main() -> None:
    """Print the counts, and every config that Ray does not take."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="+", type=Path)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--seconds", type=int, default=600, help="for each tree")
    arguments = parser.parse_args()
    sys.argv = ["script"]  # whatever the files parse has its defaults
    import ray.rllib.algorithms.dqn  # one import for all children
    import ray.rllib.algorithms.ppo
    import ray.tune  # noqa: F401

    total: Counter[str] = Counter()
    for tree in arguments.trees:
        counts = _within(arguments.seconds, tree.resolve(), arguments.verbose)
        total += counts
        print(f"{tree.name}: {dict(counts)}", flush=True)
    print(f"together: {dict(total)}")


def _within(seconds: int, tree: Path, verbose: bool) -> Counter[str]:
    """Measure one tree in a process of its own; `out of time` where it was stopped."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        told.touch()
        copy = Path(folder).resolve() / tree.name
        shutil.copytree(tree, copy, ignore=shutil.ignore_patterns(".git", "*.pkl", "*.png"))
        child = multiprocessing.get_context("fork").Process(
            target=_of_tree, args=(copy, told, verbose)
        )
        child.start()
        child.join(seconds)
        stopped = child.is_alive()
        if stopped:
            child.kill()
            child.join()
        counts = Counter(told.read_text().splitlines())
        if stopped:
            counts["out of time"] += 1
        elif child.exitcode:
            counts["broken off"] += 1
        return counts


def _of_tree(tree: Path, told: Path, verbose: bool) -> None:
    """Rewrite a tree and build its configs; write one word for each, as it comes."""
    signal.signal(signal.SIGALRM, _late)
    settings = Settings(yaml_to_python=True, jobs=1)
    for change in run_files([tree], settings, rewriting=True).changes:
        change.path.write_bytes(change.after)
    index = RepoIndex.build(sorted(tree.rglob("*.py")), settings)
    with told.open("w", buffering=1) as words:
        for path in index.files:
            context = FileContext(index.source_of(path), index, settings)
            for line, algorithm, calls, given in configs(context):
                signal.alarm(60)
                with contextlib.redirect_stdout(io.StringIO()):
                    said = verdict(context, algorithm, calls, given)
                signal.alarm(0)
                places = [line] if given is None else [line, given.lineno]
                if not said.startswith("valid") and any(_marked(context, at) for at in places):
                    said = f"marked: {said}"
                whole = said.endswith("whole")
                print("whole" if whole else said.partition(" ")[0].strip(",:"), file=words)
                if verbose or not said.startswith(("valid", "marked")):
                    where = path.relative_to(tree.parent)
                    print(f"  {where}:{line}: {algorithm}: {said}", file=sys.stderr, flush=True)


def _late(*_: object) -> None:
    raise TimeoutError


def _marked(context: FileContext, line: int) -> bool:
    """Whether the statement of a config holds a marker, or stands below one."""
    around = [n for n in ast.walk(context.source.tree) if isinstance(n, ast.stmt)]
    around = [n for n in around if n.lineno <= line <= (n.end_lineno or n.lineno)]
    inner = min(around, key=lambda n: (n.end_lineno or n.lineno) - n.lineno)
    last = inner.end_lineno or inner.lineno
    return any(inner.lineno - 9 <= m.first <= last for m in markers(context.source.text))


if __name__ == "__main__":
    main()
