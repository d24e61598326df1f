"""Rules whose turns come in different rounds of one file."""

from __future__ import annotations

from rlmigrate.migrate.edits import Edit
from rlmigrate.migrate.engine.rounds import rewrite
from rlmigrate.migrate.findings import Kind, Outcome
from rlmigrate.migrate.index import RepoIndex
from rlmigrate.migrate.rules.base import Finding, Rule
from rlmigrate.migrate.rules.era_names import item
from rlmigrate.migrate.settings import Settings
from rlmigrate.migrate.source import SourceFile


def renaming(code: str, old: str, new: str, layer: str) -> Rule:
    """Write one name for another, which a layer is needed for."""

    def check(context):
        for node in context.source.names.of([old]):
            told = {"code": code, "name": old, "kind": Kind.MODEL, "message": "renamed"}
            edit = Edit(context.source.span(node), new, code)
            yield Finding(
                item(context, node, outcome=Outcome.NATIVE, **told),
                (edit,),
                layers=frozenset({layer}),
            )

    return Rule(code, old, Kind.MODEL, "", "", check, "2.60", "")


def test_layers_that_are_needed_round_after_round_stand_in_one_file(tmp_path) -> None:
    path = tmp_path / "models.py"
    path.write_text("import ray.rllib\n\nfirst\n")
    source, settings = SourceFile.read(path), Settings()
    rules = [
        renaming("RLM101", "first", "second", "SlimFC"),
        renaming("RLM102", "second", "third", "AppendBiasLayer"),
    ]
    done = rewrite(source, RepoIndex.build([path], settings), settings, rules)
    assert done.after == b"import ray.rllib\n\nthird\n"
    (text,) = done.new_files.values()
    assert "class SlimFC" in text
    assert "class AppendBiasLayer" in text
