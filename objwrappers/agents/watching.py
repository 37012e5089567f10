"""Watching an agent play, in a window where there is a display."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv
from tqdm import trange

from objwrappers.agents.loading import Agent

__all__ = ["Game", "Window", "no_window", "watch"]


@dataclass(frozen=True)
class Game:
    """A game that ended.

    Attributes:
        score: The game's own.
        length: Agent steps.
    """

    score: float
    length: int


def no_window() -> str | None:
    """Returns why no window can open, or None if one can."""
    if sys.platform == "linux" and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return "there is no display"
    if importlib.util.find_spec("pygame") is None:
        return "pygame is not installed"
    return None


class Window:
    """A window that shows pictures at their rate.

    Args:
        title: Above it.
        fps: Pictures per second.
    """

    def __init__(self, title: str, fps: float) -> None:
        import pygame

        self._pygame = pygame
        self._title, self._fps = title, fps
        self._clock = pygame.time.Clock()
        self._screen: Any = None

    def show(self, picture: np.ndarray) -> None:
        """Shows uint8 (H, W, 3).

        Raises:
            KeyboardInterrupt: The window was closed.
        """
        pygame = self._pygame
        if self._screen is None:
            pygame.init()
            self._screen = pygame.display.set_mode(picture.shape[1::-1])
            pygame.display.set_caption(self._title)
        if any(event.type == pygame.QUIT for event in pygame.event.get()):
            raise KeyboardInterrupt
        self._screen.blit(pygame.surfarray.make_surface(picture.swapaxes(0, 1)), (0, 0))
        pygame.display.flip()
        self._clock.tick(self._fps)

    def close(self) -> None:
        """Closes the window."""
        self._pygame.quit()


def watch(
    agent: Agent,
    env: VecEnv,
    n_timesteps: int,
    *,
    deterministic: bool,
    show: Callable[[np.ndarray], None] | None = None,
    on_game: Callable[[Game], None] | None = None,
    progress: bool = False,
) -> list[Game]:
    """Lets an agent play.

    Args:
        agent: Plays.
        env: Made with it, see :func:`~objwrappers.agents.loading.load_agent`.
        n_timesteps: Steps of each env.
        deterministic: The likeliest action instead of sampling.
        show: Gets the first env's picture at each step.
        on_game: Told of each game that ends.
        progress: Show a bar.

    Returns:
        The games that ended.
    """
    games: list[Game] = []
    observation: Any = env.reset()
    state: Any = None
    starts = np.ones(env.num_envs, bool)
    for _ in trange(n_timesteps, unit="step", disable=not progress):
        actions, state = agent.predict(
            observation, state=state, episode_start=starts, deterministic=deterministic
        )
        observation, _, starts, infos = env.step(actions)
        if show is not None and (picture := env.get_images()[0]) is not None:
            show(picture)
        for info in infos:
            if (ended := info.get("episode")) is not None:
                games.append(Game(float(ended["r"]), int(ended["l"])))
                if on_game is not None:
                    on_game(games[-1])
    return games
