"""Counts whole games and their own score, whatever an agent is trained on."""

from __future__ import annotations

import time
from typing import Any

from stable_baselines3.common.vec_env import VecEnv, VecMonitor
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

__all__ = ["GameMonitor"]


class GameMonitor(VecMonitor):
    """A VecMonitor whose episodes are games and whose rewards are the game's.

    Where ``life_loss_info`` ends episodes with a life, an episode here ends with the game
    (``info["game_over"]``); where ``reward_clipping`` gives the sign of rewards, the rewards
    themselves are summed (``info["raw_reward"]``). It goes directly around a
    :class:`~objwrappers.sb3.vec_env.GymVecEnv`; other envs it counts as a VecMonitor does. Its
    file has a column more, ``steps``: of all envs, at the game's end. The lengths of games that
    ended do not add up to it while others are being played.

    Args:
        venv: The envs.
        filename: CSV file that every game is written to.
        info_keywords: Of the infos at a game's end, written there too.
    """

    def __init__(
        self, venv: VecEnv, filename: str | None = None, info_keywords: tuple[str, ...] = ()
    ) -> None:
        super().__init__(venv, filename, (*info_keywords, "steps"))
        self.info_keywords = info_keywords
        self._steps = 0

    def step_wait(self) -> VecEnvStepReturn:
        """Steps; ``info["episode"]`` tells a game's score ``r``, length ``l`` and time ``t``."""
        observations, rewards, dones, infos = self.venv.step_wait()
        self.episode_lengths += 1
        self._steps += self.num_envs
        for i, info in enumerate(infos):
            self.episode_returns[i] += info.get("raw_reward", rewards[i])
            if info.get("game_over", dones[i]):
                info["episode"] = self._ended(i, info)
        return observations, rewards, dones, infos

    def _ended(self, env: int, info: dict[str, Any]) -> dict[str, Any]:
        episode = {
            "r": float(self.episode_returns[env]),
            "l": int(self.episode_lengths[env]),
            "t": round(time.time() - self.t_start, 6),
            **{key: info[key] for key in self.info_keywords},
        }
        self.episode_count += 1
        self.episode_returns[env] = self.episode_lengths[env] = 0
        if self.results_writer:
            self.results_writer.write_row({**episode, "steps": self._steps})
        return episode
