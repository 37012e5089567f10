"""Objects instead of pixels for reinforcement learning agents.

Importing the package registers its Gymnasium ids and loads neither torch nor Stable-Baselines3.
The names below are imported on first use.

* :class:`PerceptionModel`, :class:`PerceptionModule`, :func:`load_model`: frames → objects
* :class:`SceneModule`, :class:`SceneClassifier`: frames → boxes with names
* :class:`Trainable`: what can be trained and stored
* :class:`PerceptionObservation`, :class:`VectorPerceptionObservation`: objects as observations
* :class:`FrameObservation`, :class:`VectorFrameObservation`: the pixel baseline
* :func:`collect`, :func:`pretrain`, :func:`score`: frames recorded, models trained and scored
* :func:`pretrain_each`, :func:`gallery`: a model of each of many games, and a page of them
* :func:`collect_demonstrations`: what an expert does, seen in several contexts
* :func:`download`: recorded human play, Atari-HEAD
* :func:`score_scenes`, :func:`label_scenes`: scenes scored, their classes named
* :func:`learn_roles`, :func:`score_player`: who is the player, what harms it, what stands still,
  and whether the player is who they say
* :func:`score_gaze`: gaze models and agents' saliency scored on recorded human play
* :func:`score_translation`, :func:`score_imitation`: videos translated, and their imitators scored
* :func:`train`, :func:`evaluate`, :func:`film`: agents trained, scored and filmed
* :func:`clone`: agents that imitate recorded human play
* :func:`sweep`: grids of runs of any program, on Ray
* :func:`leaderboard`: agents of several observations, trained and scored under one protocol
"""

from __future__ import annotations

import importlib
from typing import Any

from objwrappers.registration import register_all

__version__ = "0.1.0"

_LAZY = {
    "PerceptionModel": "objwrappers.perception.base",
    "PerceptionModule": "objwrappers.perception.base",
    "SceneModule": "objwrappers.perception.scenes.module",
    "SceneClassifier": "objwrappers.perception.scenes.classifier",
    "Trainable": "objwrappers.perception.trainable",
    "load_model": "objwrappers.perception.loading",
    "PerceptionObservation": "objwrappers.wrappers.perception",
    "VectorPerceptionObservation": "objwrappers.wrappers.perception",
    "FrameObservation": "objwrappers.wrappers.frames",
    "VectorFrameObservation": "objwrappers.wrappers.frames",
    "pretrain": "objwrappers.pretraining.run",
    "pretrain_each": "objwrappers.pretraining.each",
    "gallery": "objwrappers.scoring.gallery",
    "collect": "objwrappers.pretraining.collect",
    "collect_demonstrations": "objwrappers.pretraining.demonstrate",
    "download": "objwrappers.datasets.atari_head.zenodo",
    "score": "objwrappers.scoring.keypoints",
    "score_scenes": "objwrappers.scoring.scenes",
    "score_gaze": "objwrappers.scoring.gaze",
    "score_translation": "objwrappers.scoring.translation",
    "score_imitation": "objwrappers.scoring.imitation",
    "label_scenes": "objwrappers.scoring.classification",
    "learn_roles": "objwrappers.pretraining.roles",
    "score_player": "objwrappers.scoring.players",
    "train": "objwrappers.agents.training",
    "clone": "objwrappers.agents.cloning",
    "evaluate": "objwrappers.agents.evaluation",
    "film": "objwrappers.agents.filming",
    "sweep": "objwrappers.sweeps.driver",
    "leaderboard": "objwrappers.boards.driver",
}

__all__ = ["__version__", "register_all", *_LAZY]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


register_all()
