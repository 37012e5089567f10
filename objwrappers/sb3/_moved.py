"""Modules under their former names, because archives of agents name classes by module path.

A former name is a module that looks its names up in the present one, which is imported only then.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

__all__ = ["MOVED", "keep_former_names"]

MOVED = {
    "extractors": "keypoints.extractors",
    "networks": "free_lunch.networks",
    "painting": "free_lunch.painting",
    "perturbation": "saliency.perturbation",
    "policy_outputs": "saliency.policy_outputs",
    "recurrent_q": "recurrent_dqn.networks",
    "saliency_checks": "saliency.checks",
    "sequence_buffer": "recurrent_dqn.sequence_buffer",
}
"""Former name → present one, both in this package."""


class _Moved(ModuleType):
    def __init__(self, name: str, target: str) -> None:
        super().__init__(name, f"See :mod:`{target}`.")
        self._target = target

    def __getattr__(self, name: str) -> Any:
        # Whoever goes through all modules asks for __file__ and the like; that imports nothing.
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(self._target), name)


def keep_former_names(package: str) -> None:
    """Puts the former modules of :data:`MOVED` where imports and pickles look for them.

    Args:
        package: Full name of the package that they were in.
    """
    for former, present in MOVED.items():
        module = _Moved(f"{package}.{former}", f"{package}.{present}")
        sys.modules.setdefault(module.__name__, module)
        setattr(sys.modules[package], former, module)
