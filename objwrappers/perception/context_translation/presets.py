"""Named sets of arguments of context translation: small, and as published.

* :data:`PRESETS`

Learning rates, batch sizes and steps are settings of the training, not of the model.
"""

from __future__ import annotations

from typing import Any

__all__ = ["PRESETS"]

AS_PUBLISHED: dict[str, Any] = {"compositing": False, "motion_weight": 0.0}

PRESETS: dict[str, dict[str, Any]] = {
    # 1,104,820 parameters.
    "small": {},
    # Liu et al. 2018, of 48×48 pixels: 36,634,179 parameters.
    "paper": {
        **AS_PUBLISHED,
        "architecture": "paper",
        "feature_dim": 1024,
        "normalisation": "none",
    },
    # A later implementation, of 64×64 pixels: 13,902,531 parameters. Its first version, of
    # 34,094,531, had a recurrent translator: translator="lstm", feature_dim=1024, activated=True.
    "upstream": {
        **AS_PUBLISHED,
        "architecture": "upstream",
        "image_size": 64,
        "feature_dim": 128,
        "normalisation": "batch",
    },
}
"""Liu et al. 2018, arXiv 1707.03374; Sonwa 2022, ``medric49/imitation-from-observation``."""
