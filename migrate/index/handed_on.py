"""Names of Ray and torch that files hand on to others, by `import *` or by re-exporting.

handed_on      what each file gets so: local name to what it stands for
most_said      the name by which most imports speak of a file
spoken_aloud   names of Ray by which a file is found that does not say rllib itself
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from rlmigrate.migrate.index.entries import FileEntry

RLLIB = ("ray.rllib.", "rllib.")
FOREIGN = (*RLLIB, "torch.")
ALOUD = frozenset(
    {"ModelV2", "TorchModelV2", "TFModelV2", "RecurrentNetwork", "TorchPolicyV2", "ModelCatalog"}
    | {"TorchDistributionWrapper", "PPOConfig", "DQNConfig", "SACConfig"}
)


def spoken_aloud(files: Mapping[Path, FileEntry]) -> set[str]:
    """Names of Ray that some file imports and another may have from it."""
    return {
        local
        for file in files.values()
        for local, target in file.imports.names.items()
        if local in ALOUD and target.startswith(RLLIB)
    }


def most_said(
    files: Iterable[FileEntry], module_named: Callable[[str], FileEntry | None]
) -> dict[Path, str]:
    """Return the name by which most imports speak of a file, for files that are imported."""
    counts: dict[Path, Counter[str]] = {}
    for file in files:
        for target in file.imports.said:
            found = module_named(target)
            if found is not None:
                counts.setdefault(found.path, Counter())[target] += 1
    return {path: names.most_common(1)[0][0] for path, names in counts.items()}


def handed_on(
    files: Mapping[Path, FileEntry], module_named: Callable[[str], FileEntry | None]
) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield the files that get names of Ray from others, with these names."""
    for path, file in files.items():
        found: dict[str, str] = {}
        for star in file.imports.stars:
            found |= _offered(module_named(star), module_named, frozenset())
        found = {n: target for n, target in found.items() if n not in file.imports.names}
        for local, target in file.imports.names.items():
            home, _, name = target.rpartition(".")
            if home and not target.startswith(FOREIGN):
                giver = module_named(home)
                if giver is not None and giver.path != path:
                    offered = _offered(giver, module_named, frozenset())
                    if name in offered:
                        found[local] = offered[name]
        if found:
            yield path, found


def _offered(
    file: FileEntry | None,
    module_named: Callable[[str], FileEntry | None],
    seen: frozenset[Path],
) -> dict[str, str]:
    """Names of Ray that a file has at hand, its own stars included."""
    if file is None or file.path in seen:
        return {}
    own = {entry.name for entry in file.classes}
    found: dict[str, str] = {}
    for star in file.imports.stars:
        found.update(_offered(module_named(star), module_named, seen | {file.path}))
    found.update(
        (local, target)
        for local, target in file.imports.names.items()
        if f"{target}.".startswith(FOREIGN) and local not in own and not local.startswith("_")
    )
    return found
