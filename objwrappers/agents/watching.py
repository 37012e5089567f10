"""Watching an agent play, in a window where there is a display."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv
from tqdm import trange

from objwrappers.agents.loading import Agent, load_agent
from objwrappers.agents.runs import acts_greedily

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
    env_id: str,
    algo: str = "ppo",
    *,
    n_timesteps: int = 1000,
    num_envs: int = 1,
    window: bool = True,
    deterministic: bool | None = None,
    seed: int = 0,
    env_kwargs: dict[str, Any] | None = None,
    on_load: Callable[[Agent], None] | None = None,
    on_game: Callable[[Game], None] | None = None,
    progress: bool = False,
    **agent_options: Any,
) -> list[Game]:
    """Lets an agent play, in a window if there can be one; closing it ends the play.

    Args:
        env_id: ``"ObjKeypoints-MsPacman-v0"``.
        algo: ``"ppo"``, a key of RL Zoo's ``ALGOS``, or ``"random"``.
        n_timesteps: Steps of each env.
        num_envs: Games side by side; the first is shown.
        window: Show the game, where :func:`no_window` has nothing against it.
        deterministic: The likeliest action instead of sampling; by default as
            :func:`~objwrappers.agents.runs.acts_greedily` says.
        seed: Of the games and of the agent's sampling.
        env_kwargs: On top of those of the training.
        on_load: Told of the agent.
        on_game: Told of each game that ends.
        progress: Show a bar.
        **agent_options: Of :func:`~objwrappers.agents.loading.load_agent`.

    Returns:
        The games that ended.

    Raises:
        FileNotFoundError: There is no such agent.
        ValueError: Counts below 1, or an agent that cannot be read.
    """
    if n_timesteps < 1 or num_envs < 1:
        raise ValueError(
            f"n_timesteps and num_envs must be at least 1, got {n_timesteps} and {num_envs}."
        )
    shown = window and no_window() is None
    agent, env = load_agent(
        algo,
        env_id,
        num_envs=num_envs,
        env_kwargs=env_kwargs,
        render_mode="rgb_array" if shown else None,
        seed=seed,
        **agent_options,
    )
    if on_load is not None:
        on_load(agent)
    greedy = acts_greedily(algo, env_id) if deterministic is None else deterministic
    rate: Any = env.metadata.get("render_fps") or 15
    screen = Window(env_id, rate) if shown else None
    games: list[Game] = []
    steps = trange(n_timesteps, unit="step", disable=not progress)
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(env):
        for _, ended in zip(steps, _games(agent, env, greedy, screen), strict=False):
            games += ended
            for game in ended:
                if on_game is not None:
                    on_game(game)
    if screen is not None:
        screen.close()
    return games


def _games(
    agent: Agent, env: VecEnv, deterministic: bool, screen: Window | None
) -> Iterator[list[Game]]:
    """Plays for ever; yields the games that ended with each step."""
    observation: Any = env.reset()
    state: Any = None
    starts = np.ones(env.num_envs, bool)
    while True:
        actions, state = agent.predict(
            observation, state=state, episode_start=starts, deterministic=deterministic
        )
        observation, _, starts, infos = env.step(actions)
        if screen is not None and (picture := env.get_images()[0]) is not None:
            screen.show(picture)
        ended = [info["episode"] for info in infos if "episode" in info]
        yield [Game(float(one["r"]), int(one["l"])) for one in ended]
