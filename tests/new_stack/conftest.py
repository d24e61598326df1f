"""Fixtures for the RLModule stack: one torch thread, and Ray as oracle."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def one_torch_thread():
    torch.set_num_threads(1)
