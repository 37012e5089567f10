"""What a film shows of a player: the env's own picture, or where the agent looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from stable_baselines3.common.vec_env import VecEnv

from objwrappers.agents.players import Player
from objwrappers.rendering import saliency as drawing
from objwrappers.rendering.layout import below, beside, titled
from objwrappers.sb3.saliency import saliency
from objwrappers.sb3.saliency.policy_outputs import Outputs, prepare

__all__ = ["OwnView", "SaliencyView", "View"]


def _picture_of(player: Player) -> np.ndarray:
    picture = player.env.get_images()[0]
    if picture is None:
        raise ValueError("the env has no pictures: it does not support render_mode='rgb_array'.")
    return picture


class View(Protocol):
    """Draws a player; pictures have the same size each time."""

    def draw(self, player: Player) -> np.ndarray:
        """Returns uint8 (H, W, 3)."""
        ...


@dataclass
class OwnView:
    """The env's own picture.

    Attributes:
        title: Above it, if any.
    """

    title: str

    def draw(self, player: Player) -> np.ndarray:
        """Returns the picture."""
        picture = _picture_of(player)
        return titled(picture, self.title) if self.title else picture


@dataclass
class SaliencyView:
    """One method's saliency of a player, what the player is about to do, and its score.

    Attributes:
        title: Above the column.
        method: A name of :data:`objwrappers.sb3.saliency.METHODS`.
        options: Of the method.
        target: ``"action"`` or ``"value"``.
        views: ``"raw"``, the game, and ``"processed"``, what the policy gets, from above.
        colours: A colour map, or ``"published"``.
        zoom: Picture pixels per native pixel.
    """

    title: str
    method: str
    options: dict[str, Any]
    target: str
    views: Sequence[str]
    colours: str
    zoom: int
    _scale: drawing.RunningScale | drawing.LargestScale = field(init=False)

    def __post_init__(self) -> None:
        published = self.colours == "published"
        self._scale = drawing.LargestScale() if published else drawing.RunningScale()

    def draw(self, player: Player) -> np.ndarray:
        """Returns the column, uint8 (H, W, 3); its size is the same each time."""
        assert player.agent.policy is not None
        policy = player.agent.policy
        found = saliency(policy, player.observation, self.method, self.target, **self.options)[0]
        values = self._scale(found.cpu().numpy())
        game = _picture_of(player)
        size = (game.shape[1] * self.zoom, game.shape[0] * self.zoom)
        panels = []
        for view in self.views:
            published = self.colours == "published"
            if view == "raw":
                frame = cv2.resize(game, size, interpolation=cv2.INTER_NEAREST)
                panel = drawing.glow(frame, values) if published else self._blend(frame, values)
                ramp = "white"
            else:
                newest = np.ascontiguousarray(player.observation[0, -1])
                square = (size[0], size[0])
                newest = cv2.resize(newest, square, interpolation=cv2.INTER_NEAREST)
                rgb = newest[..., None].repeat(3, -1)
                panel = drawing.channels(newest, values) if published else self._blend(rgb, values)
                ramp = "green"
            bar = drawing.legend(len(panel), self._scale.top, ramp if published else self.colours)
            panels.append(beside([panel, bar]))
        panels.append(self._dashboard(player, panels[0].shape[1]))
        return titled(below(panels), self.title)

    def _blend(self, frame: np.ndarray, values: np.ndarray) -> np.ndarray:
        return drawing.blend(frame, values, self.colours)

    def _dashboard(self, player: Player, width: int) -> np.ndarray:
        assert player.agent.policy is not None
        policy = player.agent.policy
        with torch.no_grad():
            numbers = Outputs(policy)(prepare(policy, player.observation))[0]
        actor_critic = hasattr(policy, "action_net")
        shown = numbers[:-1].softmax(0) if actor_critic else numbers[:-1]
        lines = [f"value {numbers[-1]:.2f}", f"score {player.score:g}"]
        chosen = int(player.action[0])
        names = _action_names(player.env)
        return drawing.dashboard(width, names, shown.cpu().numpy(), chosen, lines, actor_critic)


def _action_names(env: VecEnv) -> list[str]:
    one: Any = env.get_attr("unwrapped", 0)[0]
    if hasattr(one, "get_action_meanings"):
        return list(one.get_action_meanings())
    return [str(i) for i in range(int(env.action_space.n))]  # type: ignore[attr-defined]
