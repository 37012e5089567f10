"""Agents that are shown recorded human play: what they would have seen, frame for frame.

* :func:`load_onlooker`: an agent from disk → :class:`Onlooker`
* :class:`Sight`: its observations, each with the numbers of the frames that it is made of
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.vec_env import VecEnv

from objwrappers.agents.loading import load_agent, read_training

__all__ = ["Onlooker", "Sight", "load_onlooker"]


@dataclass(frozen=True)
class Sight:
    """What an agent sees of a trial, at the M moments at which it would act.

    Attributes:
        observations: (M, ...), as the policy gets them.
        frames: Of each, the numbers in the trial of the frames that it is made of, ascending.
        newest: Of each, those of its newest observation alone.
    """

    observations: np.ndarray
    frames: Sequence[Sequence[int]]
    newest: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Onlooker:
    """An agent before recorded play.

    Attributes:
        path: Its archive.
        policy: Its policy.
        env: One env of recorded play, seen as in the agent's training.
        skip: Frames between two moments.
        stack: Observations that it sees at once.
        noise: Bars on its frames.
    """

    path: Path
    policy: BasePolicy
    env: VecEnv
    skip: int
    stack: int
    noise: str

    def look(self, trial: str, first: int = 1, last: int | None = None) -> Sight:
        """Returns what the agent sees of a part of a trial.

        Play begins a little earlier, where there is something, so that already the first stack is
        full. On the last frame of an episode nobody acts any more: it is no moment.

        Args:
            trial: Its name.
            first: Number of the frame from which on moments count.
            last: Number of the last one; by default the trial's end.

        Raises:
            ValueError: No such trial or frame, or nothing there.
        """
        begin = max(1, first - self.skip * self.stack)
        self.env.set_options({"trial": trial, "frame": begin})
        seen: Any = self.env.reset()
        info = self._reset_info()
        stack: deque[list[int]] = deque([[info["frame_number"]]], self.stack)
        found: list[tuple[np.ndarray, list[int], list[int]]] = []
        actions = np.zeros(1, int)
        before = 0
        # After the trial's end comes another one, or its beginning.
        while info["trial"] == trial and before < info["frame_number"] <= (last or np.inf):
            before = info["frame_number"]
            moment = (seen[0].copy(), sorted({*chain(*stack)}), stack[-1])
            seen, _, done, infos = self.env.step(actions)
            if before >= first and infos[0]["frame_number"] > before:
                found.append(moment)
            if done[0]:
                info = self._reset_info()
                stack.clear()
                stack.append([info["frame_number"]])
            else:
                info = infos[0]
                stack.append([info["frame_number"] - 1, info["frame_number"]])
        if not found:
            raise ValueError(f"Trial {trial} has no frames from {first} to {last or 'its end'}.")
        observations, frames, newest = zip(*found, strict=True)
        return Sight(np.stack(observations), frames, newest)

    def close(self) -> None:
        """Ends the play."""
        self.env.close()

    def _reset_info(self) -> dict[str, Any]:
        # Wrappers of a VecEnv have infos of their own, which nobody fills.
        return self.env.unwrapped.reset_infos[0]


def load_onlooker(
    algo: str,
    env_id: str,
    trials: str | Path,
    *,
    env_kwargs: dict[str, Any] | None = None,
    trust: bool = False,
    **agent_options: Any,
) -> Onlooker:
    """Loads an agent and shows it recorded play as it saw games in training.

    Args:
        algo: ``"ppo"``, a key of RL Zoo's ``ALGOS``.
        env_id: Which the agent was trained in, ``"ObjFrames-MsPacman-v0"``.
        trials: Atari-HEAD's folder, zip or trial.
        env_kwargs: On top of those of the training, such as ``episodes="trial"``.
        trust: See :func:`~objwrappers.agents.loading.load_agent`.
        **agent_options: Of that function.

    Raises:
        FileNotFoundError: There is no such agent, or no trials.
        ValueError: The random policy, an agent whose observations recordings cannot give, or one
            that cannot be read.
    """
    if algo == "random":
        raise ValueError("A random policy looks nowhere: give --algo, and -f if not in logs.")
    shown = {"path": str(trials), **(env_kwargs or {})}
    options: dict[str, Any] = {"env_kwargs": shown, "trust": trust, "recorded": True}
    agent, env = load_agent(algo, env_id, **agent_options, **options)
    assert agent.policy is not None and agent.path is not None
    training = read_training(agent.path, env_id, trust)
    kwargs = {**training.env_kwargs, **shown}
    stack = int(kwargs.get("stack_num", 4)) + (training.frame_stack or 1) - 1
    skip, noise = int(kwargs.get("frameskip", 4)), kwargs.get("noise", "none")
    return Onlooker(agent.path, agent.policy, env, skip, stack, noise)
