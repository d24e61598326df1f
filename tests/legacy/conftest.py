"""Ray's old stack beside ours, on the same weights."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

# Ray imports TF wherever it finds it, which takes seconds; TF tests run in their own process.
os.environ.setdefault("RLLIB_TEST_NO_TF_IMPORT", "1")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class Twins:
    """The same model on our old stack and on Ray's."""

    ours: Any
    rays: Any


@pytest.fixture
def twins() -> Callable[..., Twins]:
    """Build a model on both stacks, with equal weights."""

    def build(
        obs_space: Any,
        action_space: Any,
        num_outputs: int | None,
        *,
        seed: int = 0,
        **settings: Any,
    ) -> Twins:
        import torch
        from ray.rllib.models import ModelCatalog as RayCatalog
        from ray.rllib.models.catalog import MODEL_DEFAULTS as RAY_DEFAULTS

        from rlmigrate.legacy.catalog import MODEL_DEFAULTS, ModelCatalog

        extra = {
            key: settings.pop(key)
            for key in ("default_model", "model_interface")
            if key in settings
        }
        kwargs = settings.pop("model_kwargs", {})
        models = []
        for index, (catalog, defaults) in enumerate(
            [(ModelCatalog, MODEL_DEFAULTS), (RayCatalog, RAY_DEFAULTS)]
        ):
            # Pairs hold our class and Ray's.
            chosen = {k: v[index] if isinstance(v, tuple) else v for k, v in extra.items()}
            config = {**copy.deepcopy(defaults), **copy.deepcopy(settings)}
            if isinstance(config.get("custom_model"), tuple):
                config["custom_model"] = config["custom_model"][index]
            torch.manual_seed(seed)
            np.random.seed(seed)
            models.append(
                catalog.get_model_v2(
                    obs_space,
                    action_space,
                    num_outputs,
                    config,
                    framework="torch",
                    **chosen,
                    **kwargs,
                )
            )
        ours, rays = models
        mine, theirs = ours.state_dict(), rays.state_dict()
        assert set(mine) == set(theirs)
        for name, value in theirs.items():
            assert torch.equal(mine[name], value), f"{name} starts differently"
        ours.eval()
        rays.eval()
        return Twins(ours, rays)

    return build


@pytest.fixture
def equal() -> Callable[[Any, Any], None]:
    """Compare nested tensors and arrays, bit for bit."""

    def check(ours: Any, rays: Any) -> None:
        import torch

        if isinstance(rays, dict):
            assert list(ours) == list(rays)
            for key, value in rays.items():
                check(ours[key], value)
        elif isinstance(rays, list | tuple):
            assert len(ours) == len(rays)
            for mine, theirs in zip(ours, rays, strict=True):
                check(mine, theirs)
        elif isinstance(rays, torch.Tensor):
            assert ours.dtype == rays.dtype
            assert torch.equal(ours, rays), (ours, rays)
        else:
            assert np.asarray(ours).dtype == np.asarray(rays).dtype
            assert np.array_equal(ours, rays, equal_nan=True), (ours, rays)

    return check
