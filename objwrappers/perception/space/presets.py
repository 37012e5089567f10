"""Named sets of arguments of SPACE and SPACE-Time: light, and as published.

* :data:`SPACE_PRESETS`, :data:`SPACE_TIME_PRESETS`

Published schedules count steps; here they are shares of the training, whose length is said
beside each. Learning rates, batch sizes and steps are settings of the training, not of the model.
"""

from __future__ import annotations

from typing import Any

__all__ = ["SPACE_PRESETS", "SPACE_TIME_PRESETS"]

Arguments = dict[str, Any]

ATARI: Arguments = {
    "network": "published",
    "grid": 16,
    "components": 3,
    "max_objects": 0,
    "sigma_foreground": 0.2,
    "sigma_background": 0.1,
    "scale_std": 0.1,
    "repetition": 1.0,
}

ROOMS: Arguments = {
    "network": "published",
    "components": 5,
    "max_objects": 0,
    "sigma_foreground": 0.15,
    "sigma_background": 0.15,
    "presence_prior": (0.1, 0.01, 0.025, 0.0625),
    "scale_prior": (-1.0, -2.0, 0.0625, 0.125),
    "scale_std": 0.1,
    "temperature": (2.5, 0.5, 0.0, 0.125),
    "boundary_until": 0.625,
    "repetition": 1.0,
}
"""Of 160,000 steps; the boundary loss is on for 100,000."""

SPACE_PRESETS: dict[str, Arguments] = {
    "light": {},
    # 100,000 steps of 12 frames.
    "published": {
        **ATARI,
        "presence_prior": (0.1, 0.01, 0.04, 0.1),
        "scale_prior": (-2.2, -2.5, 0.0, 0.2),
        "scale_std": 0.2,
        "temperature": (2.5, 0.1, 0.0, 0.2),
        "fixed_alpha": (0.02, 0.2),
    },
    # 100,000 steps; the river scrolls.
    "published-Riverraid": {
        **ATARI,
        "components": 4,
        "presence_prior": (0.1, 0.01, 0.04, 0.1),
        "scale_prior": (-2.0, -2.5, 0.0, 0.2),
        "temperature": (2.5, 0.1, 0.0, 0.2),
        "fixed_alpha": (0.04, 0.05),
    },
    # 160,000 steps on ten games at once.
    "published-joint": {
        **ATARI,
        "presence_prior": (0.1, 1e-10, 0.0625, 0.09375),
        "scale_prior": (-2.0, -2.5, 0.0, 0.125),
        "temperature": (2.5, 2.5, 0.0, 1.0),
        "fixed_alpha": (0.025, 0.1),
    },
    "rooms-small": {**ROOMS, "grid": 8},
    "rooms-large": {**ROOMS, "grid": 16},
}
"""Lin et al. 2020, and the authors' settings."""

SPACE_ALONE: Arguments = {"motion_weight": 0.0, "continuity_weight": 0.0}
WITHOUT_CONTINUITY: Arguments = {"continuity_weight": 0.0}

PUBLISHED: Arguments = {
    **ATARI,
    "presence_prior": (0.1, 1e-10, 0.0, 1.0),
    "scale_prior": (-2.0, -2.5, 0.0, 1.0),
    "temperature": (2.5, 2.5, 0.0, 1.0),
    "presence_weight": 64_000.0,
    "where_weight": 640_000.0,
    "alpha_weight": 6_400.0,
    "where_floor": 0.0,
    "continuity_weight": 640.0,
    "square": True,
    "scheduling": "dynamic",
    "motion_schedule": (1.0, 0.5, 0.0, 1.0),
}
"""Of 5,000 steps of 16 stacks of 4 frames. Weights are per frame: the authors' bound is a mean over
the 64 frames of a batch, and their other terms are sums over them."""

SPACE_TIME_PRESETS: dict[str, Arguments] = {
    "space": SPACE_ALONE,
    "space+m": WITHOUT_CONTINUITY,
    "space+moc": {},
    "published-space": {**PUBLISHED, **SPACE_ALONE, "fixed_alpha": (0.4, 0.2)},
    "published-space+m": {**PUBLISHED, **WITHOUT_CONTINUITY},
    "published-space+moc": PUBLISHED,
}
"""Delfosse et al. 2023: without motion, with motion, with motion and object continuity."""
