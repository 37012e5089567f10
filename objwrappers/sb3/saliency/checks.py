"""What a saliency map is worth.

* :func:`randomisation`: does it depend on what was learnt (Adebayo et al. 2018)?
* :func:`deletion`, :func:`insertion`: does the policy need what it shows (Petsiuk et al. 2018)?

A curve means little by itself: compare it with that of another method, or of a random map.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import spearmanr
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from objwrappers.sb3.saliency.perturbation import blur
from objwrappers.sb3.saliency.policy_outputs import looked_at, prepare

__all__ = ["Curve", "deletion", "insertion", "randomisation"]

BLUR_SIGMA = 5.0  # pixels; what is deleted is blurred, because black would be an object, too
STEPS = 20


def randomisation(
    policy: BasePolicy,
    observations: np.ndarray | Tensor,
    method: Callable[[BasePolicy, np.ndarray | Tensor], Tensor],
    seed: int = 0,
) -> dict[str, float]:
    """Compares maps with those of ever more random weights, from the outputs down to the pixels.

    A map that stays what it was shows edges, say, and nothing that was learnt.

    Args:
        policy: On images; it stays as it is.
        observations: (N, C, H, W) in [0, 255].
        method: From a policy and observations to maps (N, H, W):
            ``functools.partial(saliency, method="gradient")``.
        seed: Of the weights.

    Returns:
        Name of a layer → Spearman's rank correlation of the maps with the original ones, mean of
        the observations, once this layer and all before it in the dict are random. The first is
        ``"outputs"``, which for actor and critic is the last layer of both; the network's own
        attention does not depend on them. Observations with a constant map do not count; where
        there are no others it is NaN.
    """
    randomised = copy.deepcopy(policy)
    original = method(policy, observations)
    layers = {
        name: layer
        for name, layer in randomised.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear) and "_target" not in name
    }
    heads = [name for name in layers if name in ("action_net", "value_net")] or [[*layers][-1]]
    steps = {"outputs": [layers.pop(name) for name in heads]}
    steps |= {name: [layer] for name, layer in reversed(layers.items())}
    generator = torch.Generator().manual_seed(seed)
    correlations = {}
    for name, together in steps.items():
        with torch.no_grad():
            for parameter in (one for layer in together for one in layer.parameters()):
                # Their own spread, so that activations keep their scale.
                noise = torch.randn(parameter.shape, generator=generator).to(parameter)
                parameter.copy_(noise * parameter.square().mean().sqrt())
        maps = method(randomised, observations)
        pairs = [_rank_correlation(a, b) for a, b in zip(original, maps, strict=True)]
        defined = [value for value in pairs if not np.isnan(value)]
        correlations[name] = float(np.mean(defined)) if defined else float("nan")
    return correlations


def _rank_correlation(a: Tensor, b: Tensor) -> float:
    one, other = a.flatten().cpu().numpy(), b.flatten().cpu().numpy()
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(spearmanr(one, other).statistic)


@dataclass(frozen=True)
class Curve:
    """How sure a policy is of its action, the more of the pixels it loses or gets.

    Attributes:
        shares: (S + 1,), of the pixels, from 0 to 1.
        probabilities: (N, S + 1), of the action that it takes on the whole observation.
    """

    shares: np.ndarray
    probabilities: np.ndarray

    @property
    def area(self) -> np.ndarray:
        """Area under the curve of each observation, (N,), in [0, 1]."""
        return np.trapezoid(self.probabilities, self.shares, axis=1)


def deletion(
    policy: BasePolicy, observations: np.ndarray | Tensor, maps: Tensor, steps: int = STEPS
) -> Curve:
    """Blurs the pixels from the most salient one on; a good map's curve falls at once.

    Args:
        policy: On images. The Q-values of DQN and QR-DQN are taken for logits.
        observations: (N, C, H, W) in [0, 255].
        maps: Saliency, (N, H, W).
        steps: Shares of the pixels, S.

    Raises:
        ValueError: Maps of another shape, or fewer than one step.
    """
    images = prepare(policy, observations)
    return _curve(policy, images, blur(images, BLUR_SIGMA), maps, steps)


def insertion(
    policy: BasePolicy, observations: np.ndarray | Tensor, maps: Tensor, steps: int = STEPS
) -> Curve:
    """Begins with a blurred image and gives it the pixels from the most salient one on.

    A good map's curve rises at once; arguments as for :func:`deletion`.
    """
    images = prepare(policy, observations)
    return _curve(policy, blur(images, BLUR_SIGMA), images, maps, steps, images)


@torch.no_grad()
def _curve(
    policy: BasePolicy,
    begin: Tensor,
    end: Tensor,
    maps: Tensor,
    steps: int,
    whole: Tensor | None = None,
) -> Curve:
    count, _, height, width = begin.shape
    if maps.shape != (count, height, width):
        raise ValueError(
            f"maps must be {(count, height, width)}, one for each observation, got "
            f"{tuple(maps.shape)}."
        )
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}.")
    order = maps.to(begin.device).flatten(1).argsort(dim=1, descending=True, stable=True)
    rank = torch.empty_like(order).scatter_(
        1, order, torch.arange(height * width, device=begin.device).expand(count, -1)
    )
    rank = rank.view(count, 1, height, width)
    shares = torch.linspace(0, 1, steps + 1)
    probabilities = []
    with looked_at(policy) as outputs:
        action = outputs.indices(begin if whole is None else whole, "action")[:, None]
        for share in shares:
            mixed = torch.where(rank < share * height * width, end, begin)
            sure = outputs(mixed)[:, :-1].softmax(1).gather(1, action)
            probabilities.append(sure[:, 0])
    return Curve(shares.numpy(), torch.stack(probabilities, 1).cpu().numpy())
