"""The environments agree: what conda makes is what the lock file pins."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.split("[")[0]).lower()


def _pins(lines: list[str]) -> dict[str, str]:
    pairs = (line.split("==") for line in lines if "==" in line)
    return {_normal(name): version.strip() for name, version in pairs}


@pytest.mark.parametrize("name", ["dataset", "train"])
def test_conda_pins_are_those_of_the_lock_file(name: str) -> None:
    lock = _pins((ROOT / "requirements.lock").read_text().splitlines())
    environment = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text())
    (packages,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    pins = _pins(packages)
    assert len(pins) == len(packages)
    assert pins == {package: lock[package] for package in pins}


def test_the_dataset_environment_has_no_torch() -> None:
    assert "torch" not in (ROOT / "envs" / "dataset.yaml").read_text()


def test_every_dependency_is_pinned() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lock = _pins((ROOT / "requirements.lock").read_text().splitlines())
    assert {_normal(name) for name in project["dependencies"]} <= set(lock)
    more = _pins((ROOT / "envs/cluster.lock").read_text().splitlines())
    assert {_normal(name) for name in project["optional-dependencies"]["cluster"]} <= set(more)
    assert not set(more) & set(lock), "a package that both lock files pin"
