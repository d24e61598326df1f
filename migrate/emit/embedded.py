"""What a training forward hands on to compute_values().

embeddings_of   what stands behind Columns.EMBEDDINGS
embedding_of    where compute_values() finds one part of it
"""

from __future__ import annotations

from collections.abc import Sequence


def embeddings_of(kept: Sequence[str]) -> str:
    """Write what is kept: one local or attribute as it is, several as a dict.

    >>> embeddings_of(["features"]), embeddings_of(["x", "self._value"])
    ('features', '{"x": x, "value": self._value}')
    """
    parts = ", ".join(f'"{_key(each)}": {each}' for each in kept)
    return kept[0] if len(kept) == 1 else f"{{{parts}}}"


def embedding_of(one: str, kept: Sequence[str]) -> str:
    """Write where one of them is found again.

    >>> embedding_of("x", ["x"]), embedding_of("self._value", ["x", "self._value"])
    ('embeddings', 'embeddings["value"]')
    """
    return "embeddings" if len(kept) == 1 else f'embeddings["{_key(one)}"]'


def _key(kept: str) -> str:
    return kept.removeprefix("self.").strip("_") if kept.startswith("self.") else kept
