"""Single envs played one after the other as a vector env, where no native one can do it.

* :class:`Singles`
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorWrapper

from objwrappers.wrappers.base import pictures_of

__all__ = ["Singles"]


class Singles(VectorWrapper):
    """Single envs with next-step autoreset, whose pictures are found.

    Args:
        makers: Of the envs.
    """

    def __init__(self, makers: Sequence[Callable[[], gym.Env]]) -> None:
        super().__init__(SyncVectorEnv(makers, autoreset_mode=AutoresetMode.NEXT_STEP))

    @property
    def pictures(self) -> np.ndarray | None:
        """The native RGB frames, uint8 (N, H, W, 3), if they are kept."""
        found = (pictures_of(env) for env in self.unwrapped.envs)  # type: ignore[attr-defined]
        kept = [picture for picture in found if picture is not None]
        return np.stack(kept) if kept else None
