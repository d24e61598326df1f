"""A registration that ends a file goes without the line end before it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

MODEL = """
from ray.rllib.models.torch.torch_modelv2 import TorchModelV2
from torch import nn


class Net(TorchModelV2, nn.Module):
    def forward(self, input_dict, state, seq_lens):
        return self.pi(input_dict["obs"]), state
"""


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("space", ["", "  "])
def test_the_last_line_keeps_its_end(
    becomes: Callable[..., str], newline: str, end: str, space: str
) -> None:
    text = (
        "from ray.rllib.models import ModelCatalog\nfrom nets import Net\n\n"
        f'print("ready"){space}\nModelCatalog.register_custom_model("net", Net){end}'
    )
    after = becomes(text.replace("\n", newline), other_files={"nets.py": MODEL}, select=("RLM407",))
    assert "register" not in after
    assert after.endswith(f'print("ready"){space}{newline}')
