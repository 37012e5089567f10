"""Frames with the gaze that a model predicts: where people would look, agents may look, too.

* :class:`LookedAt`: the transform
* :data:`MODES`: what becomes of the gaze
"""

from __future__ import annotations

import cv2
import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from objwrappers.memory import keep_freed_memory
from objwrappers.names import check_name
from objwrappers.perception.folding import folded
from objwrappers.perception.gaze.module import SIDE, STACK, GazeModule, peak
from objwrappers.rendering.gaze import draw_gaze
from objwrappers.wrappers.base import FrameTransform, Observation
from objwrappers.wrappers.stacks import FrameStack

__all__ = ["MODES", "LookedAt", "peaks"]

MODES = ("channel", "mask", "foveate", "keypoints")
"""What becomes of the gaze.

* channel: a further channel behind the stacked frames, 255 where it is most likely
* mask: frames are dimmed where it is not, to a fifth
* foveate: frames are blurred where it is not
* keypoints: the places looked at most, beside the frames
"""

PERIPHERY = 0.2  # brightness that a mask leaves
BLUR_SIGMA_PX = 3.0
NUM_KEYPOINTS = 4
REACH = 3  # cells around a peak that are its own


class LookedAt(FrameTransform):
    """Stacked grey frames, 84×84, with the gaze that a model predicts for the last raw frames.

    The density is divided by its maximum before it is shown or multiplied by: a density sums to 1,
    and its peak is of the order of a hundredth.

    Args:
        model: It reads the raw frames.
        mode: See :data:`MODES`. Observations are uint8 (S + 1, 84, 84) of ``"channel"``,
            (S, 84, 84) of ``"mask"`` and ``"foveate"``; of ``"keypoints"`` a dict of ``frames``
            (S, 84, 84), ``keypoints`` float32 (4, 2) as (x, y) in [-1, 1], the likeliest first,
            and ``present`` float32 (4,), the share of the density around each.
        num_envs: Envs with a stack of their own.
        stack_num: Frames in a stack, S.

    Raises:
        ValueError: No such mode.
    """

    def __init__(
        self, model: GazeModule, mode: str = "channel", num_envs: int = 1, stack_num: int = 4
    ) -> None:
        check_name("mode", mode, MODES)
        keep_freed_memory()
        self._mode = mode
        self._model = model
        self._network = folded(model.eval())
        self._device = next(model.parameters()).device
        self._stack = FrameStack(stack_num, num_envs)
        box = gym.spaces.Box
        channels = stack_num + (mode == "channel")
        frames = box(0, 255, (channels, SIDE, SIDE), np.uint8)
        self.single_observation_space: gym.Space = frames
        if mode == "keypoints":
            self.single_observation_space = gym.spaces.Dict(
                {
                    "frames": frames,
                    "keypoints": box(-1, 1, (NUM_KEYPOINTS, 2), np.float32),
                    "present": box(0, 1, (NUM_KEYPOINTS,), np.float32),
                }
            )

    @property
    def digests(self) -> dict[str, str]:
        """Those of the model."""
        return self._model.digests

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray, envs: np.ndarray, fresh: np.ndarray) -> Observation:
        """Returns the observation's parts, and ``heatmap`` (n, 84, 84) to be drawn.

        Args:
            frames: uint8 (n, 84, 84, 5): four raw ones, the oldest first, and the agent's.
            envs: int (n,).
            fresh: bool (n,).
        """
        raw = torch.from_numpy(np.ascontiguousarray(frames[..., :STACK].transpose(0, 3, 1, 2)))
        density = self._network(raw.to(self._device))["heatmap"]
        heatmap = density.cpu().numpy()
        looked_at = heatmap / heatmap.max((1, 2), keepdims=True)
        shown = self._show(frames[..., STACK], looked_at)
        stacks = self._stack.push(shown, envs, fresh)
        if self._mode == "channel":
            gaze = (255 * looked_at).round().astype(np.uint8)
            stacks = np.concatenate([stacks, gaze[:, None]], axis=1)
        percepts = {"frames": stacks, "heatmap": heatmap}
        if self._mode == "keypoints":
            places, shares = peaks(density, NUM_KEYPOINTS)
            percepts |= {"keypoints": places.cpu().numpy(), "present": shares.cpu().numpy()}
        return percepts

    def _show(self, frames: np.ndarray, looked_at: np.ndarray) -> np.ndarray:
        if self._mode == "mask":
            shares = PERIPHERY + (1 - PERIPHERY) * looked_at
            return (frames * shares).round().astype(np.uint8)
        if self._mode == "foveate":
            blurred = np.stack([cv2.GaussianBlur(frame, (0, 0), BLUR_SIGMA_PX) for frame in frames])
            mixed = looked_at * frames + (1 - looked_at) * blurred
            return mixed.round().astype(np.uint8)
        return frames

    def choose(self, percepts: Observation) -> Observation:
        """Returns the frames, or of keypoints the dict."""
        assert isinstance(percepts, dict)
        if self._mode != "keypoints":
            return percepts["frames"]
        return {key: percepts[key] for key in ("frames", "keypoints", "present")}

    def draw(self, frame: np.ndarray, percepts: Observation) -> np.ndarray:
        """Returns the frame with the gaze on it, cyan."""
        assert isinstance(percepts, dict)
        return draw_gaze(frame, predicted=percepts["heatmap"])


def peaks(density: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Returns the highest places of densities, none within three cells of a higher one's.

    Args:
        density: (B, h, w), not negative.
        count: K.

    Returns:
        Places (B, K, 2), (x, y) in frame coordinates, and their shares (B, K) of the density, 7×7
        cells around each; where there is no density left, zeros.
    """
    left, places, shares = density.clone(), [], []
    height, width = density.shape[-2:]
    rows = torch.arange(height, device=density.device)
    columns = torch.arange(width, device=density.device)
    total = density.sum((-2, -1)).clamp(min=torch.finfo(density.dtype).tiny)
    for _ in range(count):
        highest = left.flatten(1).argmax(-1)
        near = ((rows - highest[:, None] // width).abs() <= REACH)[:, :, None] & (
            (columns - highest[:, None] % width).abs() <= REACH
        )[:, None]
        share = (left * near).sum((-2, -1)) / total
        there = share > 0
        places.append(torch.where(there[:, None], peak(left * near), 0.0))
        shares.append(share)
        left = left.masked_fill(near, 0)
    return torch.stack(places, 1), torch.stack(shares, 1)
