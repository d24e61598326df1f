"""Fixtures for the RLModule stack: one torch thread, Ray as oracle, documents' code blocks."""

from __future__ import annotations

import textwrap

import pytest
import torch

from rlmigrate import ray_names


@pytest.fixture(autouse=True)
def one_torch_thread():
    torch.set_num_threads(1)


@pytest.fixture
def run():
    """Run a document's block without Ray, under old names, and return what it defined."""

    def run_block(code, *, era=None, before=None):
        scope = dict(before or {}, __name__="a_document")
        with ray_names(era=era, ray=False):
            exec(compile(textwrap.dedent(code), "a_document", "exec"), scope)
        return scope

    return run_block
