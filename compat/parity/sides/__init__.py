"""The two parties of a comparison, reduced to numpy arrays.

Side                 what a comparison asks of either party
Run                  the outputs of one case
legacy_torch         a TorchModelV2 of RLlib or of rlmigrate.legacy
module_torch         an RLModule of RLlib or of rlmigrate.new_stack
building             instances from classes
"""

from rlmigrate.compat.parity.sides.base import Precision, Run, Side

__all__ = ["Precision", "Run", "Side"]
