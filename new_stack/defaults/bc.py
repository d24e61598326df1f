"""BC's default module."""

from __future__ import annotations

from typing import Any

from rlmigrate.new_stack.catalog.bc import BCCatalog
from rlmigrate.new_stack.columns import Columns
from rlmigrate.new_stack.models.base import ENCODER_OUT
from rlmigrate.new_stack.torch_rl_module import TorchRLModule


class DefaultBCTorchRLModule(TorchRLModule):
    """An encoder and a policy head."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["catalog_class"] = kwargs.get("catalog_class") or BCCatalog
        super().__init__(*args, **kwargs)

    def setup(self) -> None:
        """Build the nets from the catalog."""
        super().setup()
        self._encoder = self.catalog.build_encoder(framework=self.framework)
        self._pi_head = self.catalog.build_pi_head(framework=self.framework)

    def get_initial_state(self) -> Any:
        """Return the encoder's."""
        encoder = self._encoder
        return encoder.get_initial_state() if hasattr(encoder, "get_initial_state") else {}

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        outs = self._encoder(batch)
        result = {Columns.ACTION_DIST_INPUTS: self._pi_head(outs[ENCODER_OUT])}
        if Columns.STATE_OUT in outs:
            result[Columns.STATE_OUT] = outs[Columns.STATE_OUT]
        return result
