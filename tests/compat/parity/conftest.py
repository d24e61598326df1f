"""The planted bugs, imported without Ray."""

import contextlib
import importlib
import sys
import tomllib
from pathlib import Path

import pytest
import torch

from rlmigrate.compat.names import ray_names
from rlmigrate.compat.parity.space_text import read_space

BUGS = Path(__file__).parents[3] / "fixtures" / "parity_bugs"


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def imported():
    """Import what the codemod wrote, and forget the layers beside it: others have theirs."""

    def load(folder, name, *, stays=False):
        sys.path.insert(0, str(folder))
        sys.modules.pop("rlmigrate_layers", None)
        try:
            return importlib.import_module(name)
        finally:
            sys.path.remove(str(folder))
            for loaded in ("rlmigrate_layers", *([] if stays else [name])):
                sys.modules.pop(loaded, None)

    return load


@contextlib.contextmanager
def importing(folder):
    """Import the fixtures of a folder as `nets`, `faulty` and `correct`, and forget them again."""
    names = ("nets", "faulty", "correct")
    sys.path.insert(0, str(folder))
    try:
        with ray_names(ray=False):
            yield {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(folder))
        for name in names:
            sys.modules.pop(name, None)


@pytest.fixture(scope="session")
def planted():
    """Old and new modules of fixtures/parity_bugs, and the spaces of a class."""
    with importing(BUGS / "old") as old:
        pass
    with importing(BUGS / "new") as new:
        pass
    classes = tomllib.loads((BUGS / "verify.toml").read_text())["verify"]["classes"]

    def pair(module, name):
        spaces = classes[f"{module}.{name}"]
        return (
            getattr(old[module], name),
            getattr(new[module], name),
            {key: read_space(spaces[key]) for key in ("observation_space", "action_space")},
        )

    return pair
