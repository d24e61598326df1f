"""Read one parsed file into its entry.

read_file    classes, registrations and what the file does to models from outside
read_again   the same of a file that is known
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlmigrate.migrate.configs.keys import OLD
from rlmigrate.migrate.index.configured import settings_in
from rlmigrate.migrate.index.entries import ClassEntry, FileEntry, Registration
from rlmigrate.migrate.index.environments import (
    UNKNOWN,
    environment_of,
    registered_class,
    switches_preprocessing_off,
    trained_in,
)
from rlmigrate.migrate.index.imports import ImportTable, dotted
from rlmigrate.migrate.index.known import is_rays_own
from rlmigrate.migrate.index.receivers import Receivers
from rlmigrate.migrate.index.tries import is_tried
from rlmigrate.migrate.source import SourceFile
from rlmigrate.migrate.tree import WordTable

REGISTER = {
    "register_custom_model": "model",
    "register_custom_action_dist": "action_dist",
    "register_custom_preprocessor": "preprocessor",
}

#: What a file says that names an environment, or how its observations come.
ENVIRONMENT = frozenset({"env", "environment", "register_env", "_disable_preprocessor_api"})
#: Methods of a policy that make its model, and what makes one from a catalog.
MAKE_MODEL = frozenset({"make_model", "make_model_and_action_dist"})
MODEL_MAKERS = frozenset({"get_model_v2"})


def read_file(
    source: SourceFile,
    *,
    module: str,
    path: Path,
    mentions_rllib: bool,
    given: Mapping[str, str] | None = None,
) -> FileEntry:
    """Describe a file; raises SourceError where it does not parse.

    `given` are names that other files hand on to it.
    """
    package = path.name == "__init__.py"
    imports = ImportTable.of(source, module=module, is_package=package, given=given)
    reader = _Reader(path, module, imports, source.parents)
    reader.read(source)
    named = [entry for entry in reader.registrations if entry.name]
    return FileEntry(
        path=path,
        module=module,
        imports=imports,
        mentions_rllib=mentions_rllib,
        classes=tuple(reader.classes),
        registrations=tuple(named),
        computed_registrations=tuple(e for e in reader.registrations if not e.name),
        outside_calls=frozenset(reader.outside),
        outside_sets=frozenset(reader.set_outside),
        model_settings=frozenset(settings_in(source, reader.text_or_name)),
        constructed=frozenset(reader.constructed),
        tried=frozenset(reader.tried),
        environments=frozenset(reader.environments),
        trained=frozenset(reader.trained),
        environment_classes=tuple(reader.environment_classes),
        preprocesses=reader.preprocesses,
        wrapped=frozenset(reader.wrapped),
        built=frozenset(reader.built),
        old_keys=frozenset(OLD.keys() & source.strings.words),
    )


def read_again(
    source: SourceFile, old: FileEntry, *, given: Mapping[str, str] | None = None
) -> FileEntry:
    """Describe a file anew, for its text or what it is given has changed."""
    return read_file(
        source,
        module=old.module,
        path=old.path,
        mentions_rllib=old.mentions_rllib,
        given=old.imports.given if given is None else given,
    )


@dataclass
class _Reader:
    path: Path
    module: str
    imports: ImportTable
    parents: Mapping[ast.AST, ast.AST]
    classes: list[ClassEntry] = field(default_factory=list)
    registrations: list[Registration] = field(default_factory=list)
    outside: set[str] = field(default_factory=set)
    set_outside: set[str] = field(default_factory=set)
    constructed: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)
    wrapped: set[str] = field(default_factory=set)
    environments: set[str] = field(default_factory=set)
    trained: set[tuple[str, str]] = field(default_factory=set)
    placed: set[int] = field(default_factory=set)  # model dicts whose environment is known
    environment_classes: list[tuple[str, str]] = field(default_factory=list)
    preprocesses: bool = True
    built: set[tuple[str, str]] = field(default_factory=set)
    makes_models: bool = False
    local: dict[str, str] = field(default_factory=dict)

    def read(self, source: SourceFile) -> None:
        """Read classes first, for calls and dictionaries name them."""
        self.makes_models = b"make_model" in source.raw
        receivers = Receivers(source, self.name_of)
        for class_ in source.nodes(ast.ClassDef):
            self._class(class_)
        speaks = not ENVIRONMENT.isdisjoint(source.said)
        for call in source.nodes(ast.Call):
            self._call(call)
            if speaks:
                self._environment(call)
        self._called_by_another_name(source)
        for node in _models(source):
            self._attribute(source.parents[node], receivers)
        for entries in source.nodes(ast.Dict):
            if speaks:
                self._environment(entries)
            self._dict(entries)

    def name_of(self, node: ast.expr) -> str | None:
        """Qualify an expression through the classes of this file, then through its imports."""
        written = dotted(node)
        return self._qualified(written) if written else None

    def _qualified(self, written: str) -> str | None:
        head, _, rest = written.partition(".")
        if head in self.local:
            return f"{self.local[head]}.{rest}" if rest else self.local[head]
        return self.imports.resolve(written) or self._starred(written)

    def _starred(self, written: str) -> str | None:
        """A name that only an `import *` can have brought; the index follows it from this file."""
        if not self.imports.stars or hasattr(builtins, written.partition(".")[0]):
            return None
        return f"{self.module}.{written}"

    def _scope(self, node: ast.AST) -> str:
        """Name the classes and functions around a node, outermost first."""
        names = []
        while (node := self.parents.get(node, _OUTSIDE)) is not _OUTSIDE:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                names.append(node.name)
        return ".".join(reversed(names))

    def _class(self, node: ast.ClassDef) -> None:
        scope = self._scope(node)
        inner = f"{scope}.{node.name}" if scope else node.name
        qualified = f"{self.module}.{inner}" if self.module else inner
        self.local[node.name] = qualified
        if is_rays_own(qualified):
            return
        bases = []
        for base in node.bases:
            plain = base.value if isinstance(base, ast.Subscript) else base
            bases.append(self.name_of(plain) or dotted(plain) or ast.unparse(plain))
        self.classes.append(
            ClassEntry(
                qualified=qualified,
                name=node.name,
                path=self.path,
                line=node.lineno,
                bases=tuple(bases),
                methods=tuple(methods(node)),
                scope=scope,
            )
        )

    def _call(self, node: ast.Call) -> None:
        called = _last_name(node.func)
        kind = REGISTER.get(called)
        if called in {"wrap_model", "wrap_policy"} and node.args:
            self.wrapped.add(self.name_of(node.args[0]) or "")
        if kind is None:
            if called in MODEL_MAKERS:
                self._made_by(node)
            elif called[:1].isupper() and (written := dotted(node.func)):
                self._constructed(node, self._qualified(written) or called)
            return
        values = list(node.args) + [keyword.value for keyword in node.keywords]
        if len(values) < 2:
            return
        name = values[0].value if isinstance(values[0], ast.Constant) else ""
        for given in _either(values[1]):
            self.registrations.append(
                Registration(
                    name=name if isinstance(name, str) else "",
                    class_name=self.name_of(given),
                    path=self.path,
                    line=node.lineno,
                    kind=kind,
                )
            )

    def _environment(self, node: ast.Call | ast.Dict) -> None:
        named = environment_of(node)
        if named is not None:
            self.environments.add(self.text_or_name(named))
        trained = trained_in(node)
        if trained is not None:
            model, environment = trained
            self.placed.add(id(model))
            self.trained.add((self._custom_model(model), self.text_or_name(environment)))
        if isinstance(node, ast.Call) and (registered := registered_class(node)):
            name, made = registered
            self.environment_classes.append((name, self.name_of(made) or UNKNOWN))
        if switches_preprocessing_off(node):
            self.preprocesses = False

    def _custom_model(self, node: ast.Dict) -> str:
        pairs = zip(node.keys, node.values, strict=True)
        values = (v for k, v in pairs if isinstance(k, ast.Constant) and k.value == "custom_model")
        return self.text_or_name(next(values))

    def text_or_name(self, node: ast.expr) -> str:
        """The text of a constant, or the name that an expression stands for, or UNKNOWN."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        return self.name_of(node) or UNKNOWN

    def _constructed(self, node: ast.AST, name: str) -> None:
        """Note a class that is called; those in make_model() of a class belong to that class."""
        scope = self._scope(node) if self.makes_models else ""
        owner, _, method = scope.rpartition(".")
        if owner and method in MAKE_MODEL:
            self.built.add((name, f"{self.module}.{owner}" if self.module else owner))
        elif is_tried(self.path, node, self.parents):
            self.tried.add(name)
        else:
            self.constructed.add(name)

    def _called_by_another_name(self, source: SourceFile) -> None:
        """Note classes that a local name calls: `cls = Net if deep else Other; cls()`."""
        called = {c.func.id for c in source.nodes(ast.Call) if isinstance(c.func, ast.Name)}
        for node in source.nodes(ast.Assign):
            target = node.targets[0]
            if not isinstance(target, ast.Name) or target.id not in called:
                continue
            for given in _either(node.value):
                name = self.name_of(given) if _last_name(given)[:1].isupper() else None
                if name and isinstance(given, ast.Name | ast.Attribute):
                    self._constructed(node, name)

    def _made_by(self, node: ast.Call) -> None:
        """Note the classes that a catalog call in make_model() is given."""
        for keyword in node.keywords:
            if keyword.arg in {"default_model", "model_interface"}:
                name = self.name_of(keyword.value)
                if name:
                    self._constructed(node, name)

    def _attribute(self, node: ast.AST, receivers: Receivers) -> None:
        if isinstance(node, ast.Attribute) and dotted(node.value) is not None:
            stores = not isinstance(node.ctx, ast.Load)
            known = node.attr in (self.set_outside if stores else self.outside)
            if not known and not receivers.is_foreign(node.value):
                self.outside.add(node.attr)
                if stores:
                    self.set_outside.add(node.attr)

    def _dict(self, node: ast.Dict) -> None:
        entries = {
            key.value: value
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        }
        model = entries.get("custom_model")
        if model is None:
            return
        name = self.text_or_name(model)
        if id(node) not in self.placed:
            self.trained.add((name, UNKNOWN))


#: Stands where no node is around.
_OUTSIDE = ast.Module(body=[], type_ignores=[])


def _models(source: SourceFile) -> Iterator[ast.expr]:
    """Yield names and attributes that are called a model."""
    tables: tuple[WordTable[Any], ...] = (source.names, source.attributes)
    for table in tables:
        yield from table.of({word for word in table.words if "model" in word.lower()})


def _last_name(node: ast.expr) -> str:
    """The `c` of `a.b.c`; empty for any other expression."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _either(node: ast.expr) -> list[ast.expr]:
    """What an expression may be: both sides of `torch_class if ... else tf_class`."""
    if isinstance(node, ast.IfExp):
        return [*_either(node.body), *_either(node.orelse)]
    return [node]


def methods(node: ast.ClassDef) -> Iterator[str]:
    """Name the methods of a class body, those under `if` and `try` included."""
    stack: list[ast.stmt] = list(node.body)
    while stack:
        item = stack.pop(0)
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            yield item.name
        elif isinstance(item, ast.If | ast.Try):
            stack.extend(
                child for child in ast.iter_child_nodes(item) if isinstance(child, ast.stmt)
            )
