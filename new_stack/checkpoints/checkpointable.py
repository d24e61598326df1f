"""The checkpoint methods that every module has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

if TYPE_CHECKING:
    import os


class Checkpointable:
    """Save to a directory, restore from it, build from it.

    The files are Ray's own, which real Ray loads and the reverse.
    """

    STATE_FILE_NAME: ClassVar[str] = "state"
    CLASS_AND_CTOR_ARGS_FILE_NAME: ClassVar[str] = "class_and_ctor_args.pkl"
    METADATA_FILE_NAME: ClassVar[str] = "metadata.json"

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Return the state."""
        raise NotImplementedError

    def set_state(self, state: Mapping[str, Any]) -> Any:
        """Take over a state."""
        raise NotImplementedError

    def get_ctor_args_and_kwargs(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the constructor's arguments."""
        raise NotImplementedError

    def get_checkpointable_components(self) -> list[tuple[str, Any]]:
        """List the parts that get a directory of their own."""
        return []

    def get_metadata(self) -> dict[str, Any]:
        """Return what metadata.json says: file names and versions."""
        from rlmigrate.new_stack.checkpoints.writing import metadata_of

        return metadata_of(self)

    def save_to_path(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        state: Mapping[str, Any] | None = None,
        filesystem: None = None,
        use_msgpack: bool = False,
    ) -> str:
        """Write a checkpoint and return its directory, a new temporary one by default.

        Args:
            path: The directory, absolute or relative, or a file:// URI; made if need be.
            state: The state to write instead of this object's.
            filesystem: Not supported: must be None.
            use_msgpack: Write states with msgpack instead of pickle.
        """
        from rlmigrate.new_stack.checkpoints.writing import save

        _only_local(filesystem)
        return save(self, path, state=state, use_msgpack=use_msgpack)

    def restore_from_path(
        self,
        path: str | os.PathLike[str],
        *,
        component: str | None = None,
        filesystem: None = None,
        **kwargs: Any,
    ) -> Any:
        """Take over a checkpoint's states, or one component's; return what did not match.

        Runs no code from the files.
        """
        from rlmigrate.new_stack.checkpoints.restoring import restore

        _only_local(filesystem)
        return restore(self, path, component=component)

    @classmethod
    def from_checkpoint(
        cls,
        path: str | os.PathLike[str],
        filesystem: None = None,
        *,
        module_classes: Mapping[str, type] | None = None,
        inference_only: bool | None = None,
        **kwargs: Any,
    ) -> Self:
        """Build the object that a checkpoint holds.

        Args:
            path: The directory.
            filesystem: Not supported: must be None.
            module_classes: The classes of your own, by the qualified names in the checkpoint.
                Nothing is imported because a file names it.
            inference_only: Build it that way, whatever the checkpoint says.
            **kwargs: Constructor arguments that replace those in the checkpoint.

        Raises CheckpointError if a class is unknown or is no subclass of this one, and
        UnsafeCheckpoint if reading a file would run code from it.
        """
        from rlmigrate.new_stack.checkpoints.restoring import build

        _only_local(filesystem)
        if inference_only is not None:
            kwargs["inference_only"] = inference_only
        built: Self = build(cls, path, module_classes=module_classes or {}, overrides=kwargs)
        return built

    @staticmethod
    def _check_component(
        name: str,
        components: str | Collection[str] | None,
        not_components: str | Collection[str] | None,
    ) -> bool:
        wanted, unwanted = _listed(components), _listed(not_components)
        chosen = wanted is None or any(c == name or c.startswith(f"{name}/") for c in wanted)
        return chosen and name not in (unwanted or ())

    @staticmethod
    def _get_subcomponents(name: str, components: str | Collection[str] | None) -> list[str] | None:
        below = [c[len(name) + 1 :] for c in _listed(components) or () if c.startswith(f"{name}/")]
        return below or None


State = Literal["pickle", "msgpack"]


def _listed(components: str | Collection[str] | None) -> list[str] | None:
    if components is None:
        return None
    return [components] if isinstance(components, str) else list(components)


def _only_local(filesystem: object) -> None:
    if filesystem is not None:
        from rlmigrate.errors import CheckpointError

        raise CheckpointError(
            "only local checkpoints are read and written here; copy the directory first "
            "(for example with pyarrow.fs.copy_files)"
        )
