"""Our extractors as policies that YAML can name, one for each family of algorithms.

| algorithm | keypoints, ``features="map"`` | keypoints, graph |
|---|---|---|
| PPO, A2C | :class:`KeypointCNNPolicy` | :class:`KeypointGNNPolicy` |
| DQN | :class:`KeypointCNNQPolicy` | :class:`KeypointGNNQPolicy` |
| QR-DQN | :class:`KeypointCNNQuantilePolicy` | :class:`KeypointGNNQuantilePolicy` |
| RecurrentDQN | :class:`KeypointCNNLstmPolicy` | :class:`KeypointGNNLstmPolicy` |

| algorithm | objects, relations, map | scenes | pixels, with attention |
|---|---|---|---|
| PPO, A2C | :class:`ObjectPolicy` | :class:`ScenePolicy` | :class:`FLSPolicy` |
| DQN | :class:`ObjectQPolicy` | :class:`SceneQPolicy` | :class:`FLSQPolicy` |
| QR-DQN | :class:`ObjectQuantilePolicy` | | :class:`FLSQuantilePolicy` |
| RecurrentDQN | :class:`ObjectLstmPolicy` | | |

For those who imitate people there is :class:`GazePolicy`.

In hyperparams: ``policy: objwrappers.sb3.policies.KeypointGNNPolicy``. An extractor's options are
``policy_kwargs: {features_extractor_kwargs: {features_dim: 128}}``, of scenes
``{relative_to: 0}``, say; those with attention take
``policy_kwargs: {network: cnn_sparse_fls}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sb3_contrib.qrdqn.policies import CnnPolicy as PixelQuantilePolicy
from sb3_contrib.qrdqn.policies import MultiInputPolicy as QuantilePolicy
from stable_baselines3.common.policies import ActorCriticCnnPolicy, MultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.dqn.policies import CnnPolicy as PixelQPolicy
from stable_baselines3.dqn.policies import MultiInputPolicy as QPolicy

from objwrappers.sb3.cloning.networks import GazeExtractor
from objwrappers.sb3.free_lunch import FreeLunchExtractor
from objwrappers.sb3.free_lunch.networks import Network
from objwrappers.sb3.keypoints import KeypointCNN, KeypointGNN
from objwrappers.sb3.objects import ObjectView
from objwrappers.sb3.recurrent_dqn.networks import MultiInputLstmPolicy
from objwrappers.sb3.scenes import SceneRows

__all__ = [
    "FLSPolicy",
    "FLSQPolicy",
    "FLSQuantilePolicy",
    "GazePolicy",
    "KeypointCNNLstmPolicy",
    "KeypointCNNPolicy",
    "KeypointCNNQPolicy",
    "KeypointCNNQuantilePolicy",
    "KeypointGNNLstmPolicy",
    "KeypointGNNPolicy",
    "KeypointGNNQPolicy",
    "KeypointGNNQuantilePolicy",
    "ObjectLstmPolicy",
    "ObjectPolicy",
    "ObjectQPolicy",
    "ObjectQuantilePolicy",
    "ScenePolicy",
    "SceneQPolicy",
]


class _Encoded:
    """Mixin: another default of ``features_extractor_class``, and a word on other observations."""

    encoder: type[BaseFeaturesExtractor]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("features_extractor_class", self.encoder)
        super().__init__(*args, **kwargs)

    def obs_to_tensor(self, observation: Any) -> Any:
        """See Stable-Baselines3, which takes any keys and fails at the first that it lacks.

        Raises:
            ValueError: The observation has other keys than those of the training.
        """
        known = getattr(self.observation_space, "spaces", {})  # type: ignore[attr-defined]
        if known and isinstance(observation, Mapping) and observation.keys() != known.keys():
            raise ValueError(
                f"The policy learned from {', '.join(known)}, and is shown "
                f"{', '.join(observation)}: give the env the env_kwargs of the training. RL Zoo's "
                "own evaluation knows those of the command line alone: --eval-env-kwargs."
            )
        return super().obs_to_tensor(observation)  # type: ignore[misc]


class KeypointCNNPolicy(_Encoded, MultiInputActorCriticPolicy):
    """Actor and critic on :class:`~objwrappers.sb3.keypoints.KeypointCNN`."""

    encoder = KeypointCNN


class KeypointGNNPolicy(_Encoded, MultiInputActorCriticPolicy):
    """Actor and critic on :class:`~objwrappers.sb3.keypoints.KeypointGNN`."""

    encoder = KeypointGNN


class KeypointCNNQPolicy(_Encoded, QPolicy):
    """Q-values on :class:`~objwrappers.sb3.keypoints.KeypointCNN`."""

    encoder = KeypointCNN


class KeypointGNNQPolicy(_Encoded, QPolicy):
    """Q-values on :class:`~objwrappers.sb3.keypoints.KeypointGNN`."""

    encoder = KeypointGNN


class KeypointCNNQuantilePolicy(_Encoded, QuantilePolicy):
    """Quantiles of returns on :class:`~objwrappers.sb3.keypoints.KeypointCNN`."""

    encoder = KeypointCNN


class KeypointGNNQuantilePolicy(_Encoded, QuantilePolicy):
    """Quantiles of returns on :class:`~objwrappers.sb3.keypoints.KeypointGNN`."""

    encoder = KeypointGNN


class KeypointCNNLstmPolicy(_Encoded, MultiInputLstmPolicy):
    """Recurrent Q-values on :class:`~objwrappers.sb3.keypoints.KeypointCNN`."""

    encoder = KeypointCNN


class KeypointGNNLstmPolicy(_Encoded, MultiInputLstmPolicy):
    """Recurrent Q-values on :class:`~objwrappers.sb3.keypoints.KeypointGNN`."""

    encoder = KeypointGNN


class GazePolicy(_Encoded, ActorCriticCnnPolicy):
    """Actor and critic on :class:`~objwrappers.sb3.cloning.networks.GazeExtractor`, linear."""

    encoder = GazeExtractor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("net_arch", [])
        super().__init__(*args, **kwargs)


class ScenePolicy(_Encoded, MultiInputActorCriticPolicy):
    """Actor and critic on :class:`~objwrappers.sb3.scenes.SceneRows`."""

    encoder = SceneRows


class SceneQPolicy(_Encoded, QPolicy):
    """Q-values on :class:`~objwrappers.sb3.scenes.SceneRows`."""

    encoder = SceneRows


class ObjectPolicy(_Encoded, MultiInputActorCriticPolicy):
    """Actor and critic on :class:`~objwrappers.sb3.objects.ObjectView`."""

    encoder = ObjectView


class ObjectQPolicy(_Encoded, QPolicy):
    """Q-values on :class:`~objwrappers.sb3.objects.ObjectView`."""

    encoder = ObjectView


class ObjectQuantilePolicy(_Encoded, QuantilePolicy):
    """Quantiles of returns on :class:`~objwrappers.sb3.objects.ObjectView`."""

    encoder = ObjectView


class ObjectLstmPolicy(_Encoded, MultiInputLstmPolicy):
    """Recurrent Q-values on :class:`~objwrappers.sb3.objects.ObjectView`."""

    encoder = ObjectView


class _FreeLunch:
    """Mixin: a network with attention, and the policy's heads right on its features."""

    def __init__(
        self, *args: Any, network: str | Mapping[str, Any] | Network | None = None, **kwargs: Any
    ) -> None:
        options = dict(kwargs.pop("features_extractor_kwargs", None) or {})
        if network is not None:
            options["network"] = network
        kwargs.setdefault("net_arch", [])
        kwargs.setdefault("features_extractor_class", FreeLunchExtractor)
        super().__init__(*args, **{**kwargs, "features_extractor_kwargs": options})


class FLSPolicy(_FreeLunch, ActorCriticCnnPolicy):
    """Actor and critic on :class:`~objwrappers.sb3.free_lunch.FreeLunchExtractor`."""


class FLSQPolicy(_FreeLunch, PixelQPolicy):
    """Q-values on :class:`~objwrappers.sb3.free_lunch.FreeLunchExtractor`."""


class FLSQuantilePolicy(_FreeLunch, PixelQuantilePolicy):
    """Quantiles of returns on :class:`~objwrappers.sb3.free_lunch.FreeLunchExtractor`."""
