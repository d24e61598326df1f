"""Pins are raised where they keep the release out that is written for, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlmigrate.migrate.engine.discovery import is_pin_file
from rlmigrate.migrate.engine.pins import do_pins
from rlmigrate.migrate.settings import Settings

SAME = [
    "ray[rllib]>=2.0",
    "ray>=0.7.4",
    "array==1.0",
    "ray",
    "x-ray==1.0",
    "# ray==1.0",
    "ray[rllib]==2.60.0",
    'ray = "^2.9"',
    "ray~=2.9",
    "raylab==1.0",
    'ray = {extras = ["rllib"], version = "*"}',
    "ray==3.0.0.dev0",
]
RAISED = [
    ("ray[rllib]==2.9.3", "ray[rllib]==2.60.0"),
    ("ray[rllib]==2.7.0rc0  # why", "ray[rllib]==2.60.0  # why"),
    ("ray<=2.9.0,>2.4", "ray>=2.60.0"),
    ("ray[rllib] >= 1.0, < 2.0 ; os_name=='nt'", "ray[rllib] >=2.60.0 ; os_name=='nt'"),
    ("    - ray=1.6.0", "    - ray=2.60.0"),
    ("  - ray-rllib=2.6.3=py310h1_0", "  - ray-rllib=2.60.0"),
    ("ray-cpp==1.6.0", "ray-cpp==2.60.0"),
    ("ray==1.*", "ray>=2.60.0"),
    ('ray = "2.9.3"', 'ray = "2.60.0"'),
    ('ray = "^1.13"', 'ray = "^2.60.0"'),
    ('ray = {version = "~2.9.0", optional = true}', 'ray = {version = "~2.60.0", optional = true}'),
    ('ray = {extras = ["x"], version = "==2.9"}', 'ray = {extras = ["x"], version = "==2.60.0"}'),
    ("    install_requires=['ray[rllib]==2.2.0'],", "    install_requires=['ray[rllib]==2.60.0'],"),
    ("RUN pip install 'ray[rllib]==2.9.3' torch", "RUN pip install 'ray[rllib]==2.60.0' torch"),
    ("FROM rayproject/ray:2.9.3-py38-gpu", "FROM rayproject/ray:2.60.0-gpu"),
    ("ray==2.9.3\ngymnasium==0.28.1\n", "ray==2.60.0\ngymnasium==1.2.2\n"),
]  # fmt: skip


@pytest.mark.parametrize("line", SAME)
def test_stays(line: str) -> None:
    assert do_pins(Path("requirements.txt"), line.encode(), Settings(), rewriting=True) is None


@pytest.mark.parametrize(("before", "after"), RAISED)
def test_raised(before: str, after: str) -> None:
    done = do_pins(Path("requirements.txt"), before.encode(), Settings(), rewriting=True)
    assert done is not None
    assert done.after is not None
    assert done.after.decode() == after
    again = do_pins(Path("requirements.txt"), done.after, Settings(), rewriting=True)
    assert again is None


def test_what_a_person_must_do_is_named() -> None:
    text = b"gym==0.21\nray==1.4 --hash=sha256:abc\ntorch==1.8.1\ntorchvision==0.9\n"
    done = do_pins(Path("requirements.txt"), text, Settings(), rewriting=True)
    assert done is not None
    named = {item.name: (item.line, str(item.outcome)) for item in done.items}
    assert named == {
        "ray": (2, "native"),
        "gym": (1, "manual"),
        "torch": (3, "manual"),
        "hashes": (2, "manual"),
    }


def test_release_that_is_written_for() -> None:
    text = b"ray==2.9\ngymnasium==0.28.1\n"
    settings = Settings(ray_version="2.47")
    done = do_pins(Path("requirements.txt"), text, settings, rewriting=True)
    assert done is not None
    assert done.after == b"ray==2.47.0\ngymnasium==1.0.0\n"


def test_files_that_pin() -> None:
    names = ["setup.py", "Pipfile", "requirements/dev.in", "requirements-gpu.txt", "Dockerfile.gpu"]
    names += ["environment-cpu.yaml", "conda.yml", "train.dockerfile"]
    assert all(is_pin_file(Path(name)) for name in names if "/" not in name)
    assert not any(is_pin_file(Path(name)) for name in ("train.py", "ppo.yaml", "dockerfile.py"))
