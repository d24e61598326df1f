"""Write the new class: edits on the user's own text.

emit_native   a TorchRLModule in place of the class
emit_bridge   the old class on rlmigrate.legacy, and the module made of it
layers_text   the text of `rlmigrate_layers.py`
"""

from rlmigrate.migrate.emit.bridge import emit_bridge
from rlmigrate.migrate.emit.layers_file import layers_text
from rlmigrate.migrate.emit.native import emit_native
from rlmigrate.migrate.emit.result import Emitted

__all__ = ["Emitted", "emit_bridge", "emit_native", "layers_text"]
