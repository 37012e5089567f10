"""The design's import rules: who may import whom, and what a bare import loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "objwrappers"
ALL = {
    *("metrics", "perception", "rendering", "datasets", "wrappers", "envs", "sb3"),
    *("agents", "boards", "pretraining", "scoring", "sweeps"),
}
LAYERS = {
    "perception": {"perception"},
    "rendering": {"rendering", "metrics"},
    "metrics": {"metrics"},
    "datasets": {"datasets", "perception", "rendering", "metrics"},
    "wrappers": {"wrappers", "perception", "rendering", "metrics"},
    "envs": {"envs", "wrappers", "perception", "rendering", "metrics", "datasets"},
    "sb3": {"sb3", "perception", "metrics"},
    "agents": ALL - {"boards", "pretraining", "scoring", "sweeps"},
    "pretraining": ALL - {"boards", "scoring", "sweeps"},
    "scoring": ALL - {"boards", "pretraining", "sweeps"},
    "sweeps": {"sweeps", "datasets"},
    "boards": {"boards", "sweeps", "agents", "datasets", "rendering", "metrics"},
}
WITH_SB3 = {"sb3", "agents", "pretraining", "scoring"}


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("room", LAYERS)
def test_a_room_imports_only_what_the_design_allows(room):
    for path in (PACKAGE / room).rglob("*.py"):
        for module in imported_modules(path):
            parts = module.split(".")
            if parts[0] == "objwrappers" and len(parts) > 1 and parts[1] in LAYERS:
                assert parts[1] in LAYERS[room], f"{path} imports {module}"
            if parts[0] in {"stable_baselines3", "sb3_contrib", "rl_zoo3"}:
                assert room in WITH_SB3, f"{path} imports {module}"
            assert parts[0] != "zoo", f"{path} imports {module}"


def test_importing_the_package_loads_neither_torch_nor_sb3():
    code = (
        "import sys, gymnasium as gym, objwrappers;"
        "gym.spec('ObjKeypoints-MsPacman-v0');"
        "gym.spec('Control-reacher-hard-v0');"
        "heavy = {'torch', 'stable_baselines3', 'cv2', 'mujoco', 'dm_control'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_zoo_programs_do_not_shadow_modules():
    names = {path.stem for path in (PACKAGE.parent / "zoo").glob("*.py")}
    assert not names & set(sys.stdlib_module_names)
    assert not names & {"gymnasium", "torch", "stable_baselines3", "rl_zoo3", "yaml", "numpy"}
