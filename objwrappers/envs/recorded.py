"""Recorded human play as if it were an emulator: frames come as they were recorded.

:class:`RecordedPlay`: one env of frames; its actions change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import gymnasium as gym
import numpy as np

from objwrappers.datasets.atari_head.actions import actions_of, as_agent_acts
from objwrappers.datasets.atari_head.episodes import Episode
from objwrappers.datasets.atari_head.pictures import HEIGHT_PX, WIDTH_PX
from objwrappers.datasets.atari_head.trials import Step
from objwrappers.envs.ahead import Ahead
from objwrappers.envs.raw_stack import RAW_STACK, SIDE_PX, SmallFrames
from objwrappers.resizing import resize_frames

__all__ = ["RecordedPlay"]

AHEAD = 16  # frames that wait, 1.5 MiB; more are no faster


class RecordedPlay(gym.Env):
    """Recorded episodes, one after the other, as an agent would have met them.

    An action is ignored, and lasts as many frames as an agent's would; the observation is the
    maximum of the last two of them. It is that of the frame on which an agent acts next: so are
    ``human_action`` and the gaze in ``info``. The reward is what the person's actions earned since
    the last observation. Where the game was over the episode terminates, where the recording is,
    or lacks frames, it is truncated; after a gap the same episode goes on.

    A seed chooses the episode to begin with, its remainder by their number; without one they come
    in their order. ``reset(options={"trial": 593, "frame": 400})`` goes to a frame of a trial, the
    next after it that was recorded; without a frame, to the trial's beginning.

    ``info`` has, of the newest frame, ``trial`` (its name), ``frame_number``, ``human_action``
    (an agent's index, -1 where it is unknown) and, where the recording tells them,
    ``ale_action``, ``episode_id``, ``score`` and ``duration`` (ms); and ``gaze``, of each frame
    that the observation shows, float32 (n, 2), native pixels (x, y), off-screen samples, too.

    Args:
        episodes: See :func:`~objwrappers.datasets.atari_head.episodes.find_episodes`.
        game: ``"MsPacman"``.
        frameskip: Recorded frames that an action lasts.
        full_action_space: All eighteen actions instead of the game's own.
        frame_size: Height and width of the observations; None for native ones.
        grayscale: Grey observations, as ALE has them: the luma comes before the maximum.
        pictures: Keep native RGB frames in ``picture``.
        raw_stack: Observations are grey, 84×84, and beside them the last four recorded frames.
        begin: The episode to begin with where there is no seed.

    Attributes:
        picture: Maximum of the last two frames, uint8 (210, 160, 3), if wanted.
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(
        self,
        episodes: Sequence[Episode],
        game: str,
        frameskip: int = 4,
        full_action_space: bool = False,
        frame_size: tuple[int, int] | None = None,
        grayscale: bool = False,
        pictures: bool = False,
        raw_stack: bool = False,
        begin: int = 0,
    ) -> None:
        self._episodes = episodes
        self._frameskip = frameskip
        self._actions = actions_of(game, full_action_space)
        self._size = frame_size or (HEIGHT_PX, WIDTH_PX)
        self._grayscale = grayscale
        self._small = SmallFrames() if raw_stack else None
        if raw_stack:
            self._size, self._grayscale = (SIDE_PX, SIDE_PX), True
        self._keeps_pictures = pictures
        self._next = begin % len(episodes)
        self._gap = False
        self._episode = episodes[self._next]
        self._stream: Ahead[Step] | None = None
        self._seen: list[Step] = []  # the last two
        self._coming: Step | None = None
        self.picture: np.ndarray | None = None
        self.action_space = gym.spaces.Discrete(len(self._actions))
        channels = 1 + RAW_STACK * raw_stack if self._grayscale else 3
        self.observation_space = gym.spaces.Box(0, 255, (*self._size, channels), np.uint8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins the next episode, that of a seed, or at a frame.

        Raises:
            ValueError: No such trial, no such frame, or nothing that can be read.
        """
        super().reset(seed=seed)
        place = {key: value for key, value in (options or {}).items() if key in ("trial", "frame")}
        if place:
            self._seek(**place)
        elif seed is not None:
            self._open(seed % len(self._episodes))
        elif not self._gap:
            self._open(self._next)
        for _ in range(len(self._episodes)):
            if self._has_more():
                break
            self._open(self._next)  # nothing of the episode could be read
        else:
            trials = dict.fromkeys(episode.trial.name for episode in self._episodes)
            raise ValueError(
                f"No frame of {', '.join(trials)} can be read; "
                "objwrappers.datasets.atari_head.verify tells why."
            )
        assert self._coming is not None
        self._seen = [self._coming]
        if self._small is not None:
            self._small.begin(self._coming.frame)
        self._advance()
        return self._observe(), self._info()

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Goes on by as many frames as an action lasts; the action changes nothing."""
        reward = 0.0
        for _ in range(self._frameskip):
            if not self._follows():
                break
            assert self._coming is not None
            reward += self._seen[-1].reward or 0
            self._seen = [self._seen[-1], self._coming]
            if self._small is not None:
                self._small.push(self._coming.frame)
            self._advance()
        over = not self._follows()
        if over:
            reward += self._seen[-1].reward or 0
        ends = over and not self._gap and self._episode.ends
        return self._observe(), reward, ends, over and not ends, self._info()

    def close(self) -> None:
        """Ends the thread that reads ahead."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _has_more(self) -> bool:
        return self._coming is not None and self._coming.number <= self._episode.last

    def _follows(self) -> bool:
        """Whether the next frame is the next of the same game."""
        return self._has_more() and not self._gap

    def _seek(self, trial: int | str | None = None, frame: int | None = None) -> None:
        if trial is None:
            trial = self._episode.trial.name
        for index, episode in enumerate(self._episodes):
            if trial not in (episode.trial.name, episode.trial.trial_id):
                continue
            if frame is None or frame <= episode.last:
                self._open(index, frame)
                return
        of = {e.trial.name: e.last for e in self._episodes}
        last = f" Frames end with {of[trial]} there." if trial in of else ""
        raise ValueError(
            f"There is no frame {frame} in trial {trial!r}.{last} There are {', '.join(of)}."
        )

    def _open(self, index: int, frame: int | None = None) -> None:
        before, self._episode = self._episode, self._episodes[index]
        self._next = (index + 1) % len(self._episodes)
        first = max(self._episode.first, frame or 0)
        behind = self._coming is None or self._coming.number > first
        if self._stream is None or behind or self._episode.trial is not before.trial:
            trial = self._episode.trial
            self._stream = self._stream or Ahead(AHEAD)
            self._stream.begin(lambda: trial.steps(first))
            self._coming = next(self._stream, None)
        while self._coming is not None and self._coming.number < first:
            self._coming = next(self._stream, None)
        self._gap = False

    def _advance(self) -> None:
        assert self._stream is not None
        self._coming = next(self._stream, None)
        self._gap = (
            self._coming is not None
            and self._has_more()
            and self._coming.number != self._seen[-1].number + 1
        )

    def _observe(self) -> np.ndarray:
        frame = self._frame()
        return frame if self._small is None else self._small.beside(frame)

    def _frame(self) -> np.ndarray:
        if self._keeps_pictures:
            self.picture = _maximum([step.frame for step in self._seen])
        frames = [step.frame for step in self._seen]
        if self._grayscale:
            frames = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[..., None] for frame in frames]
        elif self._keeps_pictures and self.picture is not None:
            return resize_frames(self.picture[None], *self._size)[0]
        return resize_frames(_maximum(frames)[None], *self._size)[0]

    def _info(self) -> dict[str, Any]:
        newest = self._seen[-1]
        info: dict[str, Any] = {
            "trial": self._episode.trial.name,
            "frame_number": newest.number,
            "human_action": -1,
            "gaze": [step.gaze for step in self._seen],
        }
        if newest.action is not None:
            info["human_action"] = as_agent_acts(newest.action, self._actions)
            info["ale_action"] = newest.action
        for name in ("episode_id", "score", "duration"):
            if (value := getattr(newest, name)) is not None:
                info[name] = value
        return info


def _maximum(frames: list[np.ndarray]) -> np.ndarray:
    return np.maximum(*frames) if len(frames) == 2 else frames[0].copy()
