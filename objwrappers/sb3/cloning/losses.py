"""What imitation of recorded play minimises.

* :func:`class_weights`: rare actions count as much as frequent ones
* :func:`attention_divergence`, :func:`attention_error`: what gaze teaches (CGL, GABRIL)
* :func:`imitation_loss`: all of it for a policy and a batch
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.preprocessing import preprocess_obs
from torch import Tensor

from objwrappers.sb3.cloning.networks import GazeExtractor

__all__ = [
    "attention_divergence",
    "attention_error",
    "class_weights",
    "imitation_loss",
    "logits_and_maps",
]


def class_weights(actions: np.ndarray, count: int) -> np.ndarray:
    """Returns what a sample of each of A actions counts: 1 on the average over the samples.

    Args:
        actions: int (N,), of the training.
        count: A.

    Returns:
        float32 (A,), N / (A' · n) for one of A' actions that was done n times; 1 for the others,
        which validation may have.
    """
    done = np.bincount(actions, minlength=count).astype(np.float64)
    present = done > 0
    weights = np.ones(count)
    weights[present] = done.sum() / (present.sum() * done[present])
    return weights.astype(np.float32)


def logits_and_maps(policy: ActorCriticPolicy, observations: Any) -> tuple[Tensor, Tensor | None]:
    """Returns a policy's logits (N, A), and its last convolution's maps where it has these.

    Args:
        policy: On discrete actions.
        observations: Tensors as the policy's env gives them.
    """
    extractor = policy.pi_features_extractor
    seen: Any = preprocess_obs(
        observations, policy.observation_space, normalize_images=policy.normalize_images
    )
    if isinstance(extractor, GazeExtractor):
        features, maps = extractor.features_and_maps(seen)
    else:
        features, maps = extractor(seen), None
    return policy.action_net(policy.mlp_extractor.forward_actor(features)), maps


def attention_divergence(log_attention: Tensor, density: Tensor, weight: Tensor) -> Tensor:
    """KL divergence of an attention from people's density, in nats, a mean over the batch.

    Args:
        log_attention: (N, h, w), of a density over the cells.
        density: (N, h, w), people's, over the same cells.
        weight: (N,), what a sample counts, 0 where nobody looked.
    """
    people = density.flatten(1)
    kl = (torch.special.xlogy(people, people) - people * log_attention.flatten(1)).sum(-1)
    return (weight * kl).sum() / weight.sum().clamp(min=1e-8)


def attention_error(attention: Tensor, density: Tensor, weight: Tensor) -> Tensor:
    """Mean squared error between two maps whose highest values are made 1.

    Args:
        attention: (N, h, w), above 0.
        density: (N, h, w), people's, of the same size.
        weight: (N,), what a sample counts, 0 where nobody looked.
    """
    ours, people = (
        maps / maps.amax((-2, -1), keepdim=True).clamp(min=1e-12) for maps in (attention, density)
    )
    error = (ours - people).square().mean((-2, -1))
    return (weight * error).sum() / weight.sum().clamp(min=1e-8)


def imitation_loss(
    policy: ActorCriticPolicy,
    batch: dict[str, Any],
    weights: Tensor | None = None,
    gaze_weight: float = 0.0,
) -> dict[str, Tensor]:
    """Returns the losses of a batch.

    Args:
        policy: On discrete actions.
        batch: ``observations``; ``actions`` int64 (N,); where gaze is a lesson ``map`` (N, h, w)
            and ``weight`` (N,).
        weights: Of each action, (A,); None for all alike.
        gaze_weight: α of CGL, (1 - α) · CE + α · KL; λ of GABRIL, CE + λ · MSE.

    Returns:
        ``loss``, and its parts: ``cross_entropy`` with the weights, ``attention`` where gaze is a
        lesson.
    """
    logits, maps = logits_and_maps(policy, batch["observations"])
    cross_entropy = F.cross_entropy(logits, batch["actions"], weights)
    extractor = policy.pi_features_extractor
    if not isinstance(extractor, GazeExtractor) or extractor.method.lesson is None:
        return {"loss": cross_entropy, "cross_entropy": cross_entropy.detach()}
    assert maps is not None
    log_attention = extractor.log_attention(maps)
    if extractor.method.lesson == "divergence":
        people = extractor.to_cells(batch["map"])
        lesson = attention_divergence(log_attention, people, batch["weight"])
        loss = (1 - gaze_weight) * cross_entropy + gaze_weight * lesson
    else:
        seen = extractor.to_pixels(log_attention.exp())
        lesson = attention_error(seen, batch["map"], batch["weight"])
        loss = cross_entropy + gaze_weight * lesson
    return {
        "loss": loss,
        "cross_entropy": cross_entropy.detach(),
        "attention": lesson.detach(),
    }
