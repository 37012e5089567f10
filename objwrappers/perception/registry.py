"""Which models there are: one line for each, and a file of its own.

* :data:`MODELS`: family → name → the model's class and its recipe
* :func:`model_entry`, :func:`model_class`, :func:`model_presets`: what a line names
* :func:`family_of_model`: for those who name a model alone
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from objwrappers.names import check_name, unknown_name
from objwrappers.perception.storage import DEFAULT_FAMILY
from objwrappers.perception.trainable import Trainable

__all__ = [
    "MODELS",
    "ModelEntry",
    "family_of_model",
    "model_class",
    "model_entry",
    "model_presets",
]


@dataclass(frozen=True)
class ModelEntry:
    """Where a model's parts are, as strings, so that only the model asked for is imported.

    Attributes:
        model: Its class, ``"module:Class"``.
        recipe: What makes its dataset of a recording, ``"module:function"``.
        taught: It learns from another model, its teacher.
        watched: It learns from people's gaze, in recorded human play.
    """

    model: str
    recipe: str
    taught: bool = False
    watched: bool = False


_HERE, _RECIPES = "objwrappers.perception", "objwrappers.pretraining.recipes"
_SCENES = "objwrappers.pretraining.scene_recipes"
_GAZE = "objwrappers.pretraining.gaze_recipes:gaze"
_TRANSLATION = "objwrappers.pretraining.translation_recipes:pairs"

MODELS: dict[str, dict[str, ModelEntry]] = {
    "gaze": {
        "deconv": ModelEntry(f"{_HERE}.gaze.deconv:DeconvGaze", _GAZE, watched=True),
        "gcu": ModelEntry(f"{_HERE}.gaze.gcu:GraphGaze", _GAZE, watched=True),
        "motion": ModelEntry(f"{_HERE}.gaze.motion:MotionGaze", _GAZE, watched=True),
    },
    "keypoints": {
        "light": ModelEntry(f"{_HERE}.light:LightKeypoints", f"{_RECIPES}:light"),
        "motion": ModelEntry(f"{_HERE}.motion_keypoints:MotionKeypoints", f"{_RECIPES}:motion"),
        "permakey": ModelEntry(f"{_HERE}.permakey:PermaKey", f"{_RECIPES}:permakey"),
        "student": ModelEntry(f"{_HERE}.student:Student", f"{_RECIPES}:student", True),
        "transporter": ModelEntry(f"{_HERE}.transporter:Transporter", f"{_RECIPES}:pairs"),
    },
    "scenes": {
        "motion": ModelEntry(f"{_HERE}.scenes.motion:MotionScene", f"{_SCENES}:motion_scene"),
        "space": ModelEntry(f"{_HERE}.space.space:Space", f"{_SCENES}:single"),
        "space_time": ModelEntry(f"{_HERE}.space.space_time:SpaceTime", f"{_SCENES}:stacks"),
    },
    "translation": {
        "context_translation": ModelEntry(
            f"{_HERE}.context_translation.model:ContextTranslation", _TRANSLATION
        ),
    },
}
"""Family → name → entry; a name may be in several families."""


def model_entry(name: str, family: str = DEFAULT_FAMILY) -> ModelEntry:
    """Returns the line of a model.

    Raises:
        ValueError: No such family or model; the message lists those that exist.
    """
    check_name("family of perception models", family, MODELS)
    check_name("perception model", name, MODELS[family])
    return MODELS[family][name]


def family_of_model(name: str) -> str:
    """Returns the family of a model: keypoints, if that has one of its name, else the one that has.

    Raises:
        ValueError: No family has such a model, or several have.
    """
    having = [family for family, models in MODELS.items() if name in models]
    if DEFAULT_FAMILY in having:
        return DEFAULT_FAMILY
    if len(having) > 1:
        raise ValueError(
            f"Several families have a model {name!r}: pass one of {', '.join(having)}."
        )
    if not having:
        raise unknown_name(
            "perception model", name, sorted({n for models in MODELS.values() for n in models})
        )
    return having[0]


def model_class(name: str, family: str = DEFAULT_FAMILY) -> type[Any]:
    """Returns the class of a model, a :class:`Trainable`.

    Raises:
        ValueError: No such family or model; the message lists those that exist.
    """
    module, _, attribute = model_entry(name, family).model.partition(":")
    cls = getattr(importlib.import_module(module), attribute)
    assert issubclass(cls, Trainable), cls
    return cls


def model_presets(name: str, family: str = DEFAULT_FAMILY) -> dict[str, dict[str, Any]]:
    """Returns the named sets of a model's constructor arguments; empty if it has none.

    Raises:
        ValueError: No such family or model.
    """
    module, _, _ = model_entry(name, family).model.partition(":")
    return getattr(importlib.import_module(module), "PRESETS", {})
