"""What turns keypoints into a state vector, for any Stable-Baselines3 policy.

* :class:`KeypointCNN`: convolutions over the features' map where keypoints are
* :class:`KeypointGNN`: messages between all keypoints

After PermaKey (Gopalakrishnan et al. 2021) and KeyQN (Kulkarni et al. 2019). Layer norm stands
where the published networks have batch norm, which has as many parameters but makes a state
depend on the batch it is computed in.
"""

from __future__ import annotations

import gymnasium as gym
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor, nn

from objwrappers.perception.keypoint_module import MAP_SCALE

__all__ = ["KeypointCNN", "KeypointGNN"]


def _dense(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.ReLU()]


def _mlp(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(*_dense(inputs, outputs), *_dense(outputs, outputs))


def _spaces(space: gym.Space, features: str) -> dict[str, tuple[int, ...]]:
    """Returns the shape of each array of an observation.

    Raises:
        ValueError: Not the observations of an ObjKeypoints id with these features.
    """
    dimensions = {"pooled": 2, "map": 3}[features]
    spaces = space.spaces if isinstance(space, gym.spaces.Dict) else {}
    shapes = {key: box.shape for key, box in spaces.items() if box.shape is not None}
    if "keypoints" not in shapes or len(shapes.get("features", ())) != dimensions:
        raise ValueError(
            f'This extractor needs an ObjKeypoints id with features="{features}", got {space}.'
        )
    return shapes


class KeypointCNN(BaseFeaturesExtractor):
    """Convolutions over the features' map; identity and place of a keypoint are not told.

    Stacked frames (SB3's VecFrameStack) lie side by side; here they become channels.

    Args:
        observation_space: Of an id made with ``features="map"``.
        features_dim: Size of the state.
        channels: Of each convolution.

    Raises:
        ValueError: Observations without a map.
    """

    def __init__(
        self, observation_space: gym.Space, features_dim: int = 128, channels: int = 32
    ) -> None:
        super().__init__(observation_space, features_dim)
        shapes = _spaces(observation_space, "map")
        channels_of_one, height, width = shapes["features"]
        self.stack = shapes["keypoints"][-1] // 2
        inputs = channels_of_one * self.stack
        layers: list[nn.Module] = []
        for stride in (1, 1, 2, 1):
            layers += [
                nn.Conv2d(inputs, channels, 3, stride, padding=1),
                nn.GroupNorm(1, channels),
                nn.ReLU(),
            ]
            inputs = channels
        self.convolutions = nn.Sequential(*layers)
        cells = -(-height // 2) * -(-(width // self.stack) // 2)
        dense = nn.Linear(channels * cells, features_dim)
        self.state = nn.Sequential(nn.Flatten(), dense, nn.ReLU())

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Maps ``features``, bytes (B, F, h, S·w) as floats, to (B, features_dim)."""
        frames = observations["features"].chunk(self.stack, dim=-1)
        # Channels last: a third faster on processors.
        maps = torch.cat(frames, dim=1).contiguous(memory_format=torch.channels_last)
        return self.state(self.convolutions(maps / MAP_SCALE))


class KeypointGNN(BaseFeaturesExtractor):
    """A fully connected graph of keypoints, one round of messages, in dense tensors.

    Stacked frames (SB3's VecFrameStack) lengthen the last axis of each array; a node then has the
    features and places of all, and the newest presence.

    Args:
        observation_space: Of an id made with ``features="pooled"``, the default.
        features_dim: Size of the state.

    Raises:
        ValueError: Observations without pooled features.
    """

    def __init__(self, observation_space: gym.Space, features_dim: int = 128) -> None:
        super().__init__(observation_space, features_dim)
        shapes = _spaces(observation_space, "pooled")
        (count, channels), coordinates = shapes["features"], shapes["keypoints"][1]
        self.position = nn.Sequential(*_dense(coordinates, 64), nn.Linear(64, 32))
        self.encode = _mlp(channels + 32, 32)
        # Published edges have no features of their own: their encoding is a constant, learnt.
        self.edge = nn.Parameter(torch.zeros(32))
        self.message = _mlp(32 + 2 * 32, 32)
        self.update = _mlp(32 + 32, 32)
        self.decode = _mlp(32, 64)
        self.state = nn.Sequential(
            nn.Flatten(), *_dense(64 * count, 128), *_dense(128, features_dim)
        )

    def forward(self, observations: dict[str, Tensor]) -> Tensor:
        """Maps keypoints (B, K, 2), present (B, K), features (B, K, F) → (B, features_dim).

        A keypoint that is not present sends no messages and has no features.
        """
        count = observations["keypoints"].shape[1]
        present = observations["present"][:, -count:].unsqueeze(-1)
        features = observations["features"] * present
        nodes = self.encode(torch.cat([features, self.position(observations["keypoints"])], -1))
        receivers = nodes.unsqueeze(2).expand(-1, -1, count, -1)
        senders = nodes.unsqueeze(1).expand(-1, count, -1, -1)
        edges = self.edge.expand(*receivers.shape[:-1], -1)
        messages = self.message(torch.cat([edges, receivers, senders], -1))
        received = (messages * present.unsqueeze(1)).sum(2)
        nodes = self.update(torch.cat([received, nodes], -1))
        return self.state(self.decode(nodes))
