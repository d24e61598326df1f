"""What is said of torch's memory is what torch does, and what is followed through a forward."""

from __future__ import annotations

import copy
import inspect

import pytest

from rlmigrate.migrate.understanding.memory import (
    FRESH_LAYERS,
    IN_PLACE_ARGUMENT,
    IN_PLACE_AT,
    PASSING,
    VIEWS,
    writes_itself,
)

torch = pytest.importorskip("torch")
nn = torch.nn


def trials():
    """Arguments that some operation or other takes after its input."""
    yield from [(), (1,), (0, 1), (0, 0, 1), ((2, 2),), (2, 4), (torch.float32,), ("cpu",)]
    yield from [(torch.zeros(2, 4),), ([1, 1],), (0.5, False), (0, torch.tensor([0])), ((0, 1),)]


def tensors_in(found):
    if isinstance(found, torch.Tensor):
        return [found]
    parts = found if isinstance(found, tuple | list) else []
    return [tensor for part in parts for tensor in tensors_in(part)]


def does(operation, shape):
    """Whether an operation ever returns its input's memory, and whether it ever writes there."""
    shares = writes = False
    for arguments in trials():
        given = torch.linspace(-2, 2, torch.Size(shape).numel()).reshape(shape)
        before, memory = given.clone(), given.untyped_storage().data_ptr()
        try:
            found = tensors_in(operation(given, *copy.deepcopy(arguments)))
            writes |= not torch.equal(given, before)
            shares |= any(t.untyped_storage().data_ptr() == memory for t in found if t.numel())
        except Exception:  # these arguments were not for this operation
            continue
    return shares, writes


#: Settings of the process, and helpers of torch itself.
NEVER = {"seed", "manual_seed", "save", "load", "compile", "vmap", "backward", "register_hook"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("home", [torch.Tensor, torch, nn.functional], ids=lambda h: h.__name__)
def test_operations_that_hand_their_input_back_are_known(home) -> None:
    torch.set_num_threads(1)
    names = [
        name
        for name in dir(home)
        if not name.startswith(("_", "set_", "use_", "get_", "is_", "register"))
        and callable(getattr(home, name))
        and not inspect.isclass(getattr(home, name))
        and name not in NEVER
    ]
    assert len(names) > 100
    unknown = []
    for name in names:
        takes_inplace = name.replace("_", "") in IN_PLACE_ARGUMENT
        shares, writes = does(getattr(home, name), (2, 4))
        if writes_itself(name) or takes_inplace or name == "module_load":
            continue
        assert not writes, name
        unknown += [name] if shares and name not in VIEWS else []
    assert not unknown


def test_modules_that_hand_their_input_back_are_known() -> None:
    torch.manual_seed(0)
    seen = set()
    for name in dir(nn):
        cls = getattr(nn, name)
        if not (inspect.isclass(cls) and issubclass(cls, nn.Module)) or name in IN_PLACE_AT:
            continue
        for arguments in ((), (4,), (4, 4), (2, 4)):
            try:
                module = cls(*arguments).eval()
            except Exception:
                continue
            for shape in ((2, 4), (1, 4, 4), (1, 4, 4, 4)):
                x = torch.randn(shape)
                try:
                    found = tensors_in(module(x))
                except Exception:
                    continue
                memory = x.untyped_storage().data_ptr()
                if any(t.untyped_storage().data_ptr() == memory for t in found):
                    seen.add(name)
    assert "Flatten" in seen
    assert not seen & FRESH_LAYERS
    assert seen <= PASSING


def test_place_of_inplace_is_that_of_torch() -> None:
    for home, table, first in ((nn, IN_PLACE_AT, 1), (nn.functional, IN_PLACE_ARGUMENT, 0)):
        for name in dir(home):
            found = getattr(home, name)
            if not (inspect.isclass(found) if home is nn else inspect.isfunction(found)):
                continue
            named = list(inspect.signature(found.__init__ if home is nn else found).parameters)
            if "inplace" in named and not name.startswith("_"):
                key = name if home is nn else name.replace("_", "")
                assert table[key] == named.index("inplace") - first, name
