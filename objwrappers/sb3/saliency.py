"""Where a policy looks: maps of what in its pixels its output depends on.

Every method has one signature, ``method(policy, observations, target, **options)``, takes a batch
and any Stable-Baselines3 policy on images, and gives float32 (N, H, W), not negative. Values of
two methods, or of two observations, are not on one scale.

* :func:`saliency`: by a method's name; :data:`METHODS` has them all
* :func:`attention`: what the network weighs its features with, painted on the pixels
* :func:`gradient`, :func:`smooth_grad`, :func:`var_grad`, :func:`integrated_gradients`,
  :func:`grad_cam`: from gradients, by captum
* :func:`perturbation`: blurs a spot at a time (Greydanus et al. 2018)
* :func:`paint`: a map of cells → pixels

:mod:`objwrappers.sb3.saliency_checks` tells what a method is worth.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from captum.attr import IntegratedGradients, LayerGradCam, NoiseTunnel, Saliency
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.preprocessing import is_image_space
from stable_baselines3.dqn.policies import DQNPolicy
from torch import Tensor, nn

from objwrappers.sb3.free_lunch import FreeLunchExtractor, ReceptiveField

__all__ = [
    "METHODS",
    "PAINTINGS",
    "Outputs",
    "attention",
    "blur",
    "grad_cam",
    "gradient",
    "integrated_gradients",
    "paint",
    "perturbation",
    "prepare",
    "saliency",
    "smooth_grad",
    "var_grad",
]

PAINTINGS = ("covered", "published")
TARGETS = ("action", "value")
NOISE_SHARE = 0.15  # of the observations' range, SmoothGrad's
SPOT_SIGMA = 5.0  # pixels, of a blurred spot
SPOT_DISTANCE = 5  # pixels between spots
BLUR_SIGMA = 3.0  # pixels


class Outputs(nn.Module):
    """A policy as images → numbers, (N, A + 1): one for each action, and the value.

    An action's number is its logit (actor and critic), its Q-value, or the mean of its quantiles;
    the value of the latter two is the largest of them.

    Args:
        policy: Of PPO, A2C, DQN or QR-DQN, on images.

    Raises:
        TypeError: Another policy.
        ValueError: Observations that are no images, or actions that are not discrete.
    """

    def __init__(self, policy: BasePolicy) -> None:
        super().__init__()
        if not is_image_space(policy.observation_space, check_channels=False):
            raise ValueError(
                f"Saliency is of policies on images, not of {policy.observation_space}."
            )
        if not isinstance(policy, ActorCriticPolicy | DQNPolicy | QRDQNPolicy):
            raise TypeError(
                "Saliency is of policies of PPO, A2C, DQN and QR-DQN, not of "
                f"{type(policy).__name__}."
            )
        if not hasattr(policy.action_space, "n"):
            raise ValueError(f"The actions must be discrete, got {policy.action_space}.")
        self.policy = policy
        self.actions = int(policy.action_space.n)

    @property
    def extractor(self) -> nn.Module:
        """What makes features of the policy's images."""
        if isinstance(self.policy, DQNPolicy):
            return self.policy.q_net.features_extractor
        if isinstance(self.policy, QRDQNPolicy):
            return self.policy.quantile_net.features_extractor
        assert isinstance(self.policy, ActorCriticPolicy)
        return self.policy.pi_features_extractor

    def forward(self, images: Tensor) -> Tensor:
        """Maps float32 (N, C, H, W) in [0, 255] to (N, A + 1)."""
        policy = self.policy
        if isinstance(policy, ActorCriticPolicy):
            features = policy.extract_features(images)
            if policy.share_features_extractor:
                actor, critic = policy.mlp_extractor(features)
            else:
                actor = policy.mlp_extractor.forward_actor(features[0])
                critic = policy.mlp_extractor.forward_critic(features[1])
            return torch.cat([policy.action_net(actor), policy.value_net(critic)], 1)
        values = (
            policy.q_net(images)
            if isinstance(policy, DQNPolicy)
            else policy.quantile_net(images).mean(1)  # type: ignore[union-attr]
        )
        return torch.cat([values, values.amax(1, keepdim=True)], 1)

    def indices(self, images: Tensor, target: str | np.ndarray | Tensor) -> Tensor:
        """Returns which output is looked at, int64 (N,).

        Args:
            images: (N, C, H, W).
            target: ``"action"``, the likeliest one; ``"value"``; or an action for each image.

        Raises:
            ValueError: Another target, or actions that there are not.
        """
        count = len(images)
        if isinstance(target, str):
            if target not in TARGETS:
                raise ValueError(
                    f"target must be one of {', '.join(TARGETS)} or an action for each "
                    f"observation, got {target!r}."
                )
            if target == "value":
                return torch.full((count,), self.actions, device=images.device)
            with torch.no_grad():
                return self(images)[:, :-1].argmax(1)
        chosen = torch.as_tensor(target, device=images.device).long()
        if chosen.shape != (count,) or not ((chosen >= 0) & (chosen < self.actions)).all():
            raise ValueError(
                f"target must be {count} actions from 0 to {self.actions - 1}, got {target}."
            )
        return chosen


def prepare(policy: BasePolicy, observations: np.ndarray | Tensor) -> Tensor:
    """Returns observations as float32 (N, C, H, W) in [0, 255] on the policy's device.

    Raises:
        ValueError: Another shape than the policy's observations have.
    """
    images = torch.as_tensor(observations, device=policy.device).float()
    if images.shape[1:] != policy.observation_space.shape:
        raise ValueError(
            f"Observations must be (N, {', '.join(map(str, policy.observation_space.shape or ()))}"
            f"), got {tuple(images.shape)}."
        )
    return images


@contextlib.contextmanager
def _looked_at(policy: BasePolicy) -> Iterator[Outputs]:
    """The policy in evaluation mode; afterwards it is as before."""
    was_training = policy.training
    policy.set_training_mode(False)
    try:
        yield Outputs(policy)
    finally:
        policy.set_training_mode(was_training)


def attention(
    policy: BasePolicy,
    observations: np.ndarray | Tensor,
    target: Any = "action",
    painting: str = "covered",
) -> Tensor:
    """What the network's own attention weighs, painted on the pixels that its cells see.

    Args:
        policy: With a :class:`~objwrappers.sb3.free_lunch.FreeLunchExtractor`.
        observations: (N, C, H, W) in [0, 255].
        target: Of no effect: there is one attention for all outputs.
        painting: See :func:`paint`.

    Returns:
        float32 (N, H, W).

    Raises:
        ValueError: A policy without attention; the message names the methods that do work.
    """
    images = prepare(policy, observations)
    with _looked_at(policy) as outputs, torch.no_grad():
        extractor = outputs.extractor
        if not isinstance(extractor, FreeLunchExtractor) or extractor.network.attention is None:
            others = ", ".join(name for name in METHODS if name != "attention")
            raise ValueError(f"This policy has no attention of its own. What works is {others}.")
        outputs(images)
        assert extractor.attention is not None
        height, width = images.shape[-2:]
        return paint(extractor.attention, extractor.field, height, width, painting)


def paint(
    attention: Tensor, field: ReceptiveField, height: int, width: int, painting: str = "covered"
) -> Tensor:
    """Spreads each cell over the pixels that it sees.

    Args:
        attention: (N, h, w).
        field: What its cells see.
        height: H of the image, pixels.
        width: W of the image, pixels.
        painting: ``"published"`` sums the cells that see a pixel, which makes even a constant map
            look centred; ``"covered"`` divides by their number.

    Returns:
        float32 (N, H, W).

    Raises:
        ValueError: Another painting.
    """
    if painting not in PAINTINGS:
        raise ValueError(f"painting must be one of {', '.join(PAINTINGS)}, got {painting!r}.")
    summed = _spread(attention, field, height, width)
    if painting == "published":
        return summed
    return summed / _spread(torch.ones_like(attention), field, height, width).clamp(min=1)


def _spread(cells: Tensor, field: ReceptiveField, height: int, width: int) -> Tensor:
    ones = cells.new_ones(1, 1, field.size, field.size)
    pixels = F.conv_transpose2d(cells[:, None].float(), ones.float(), None, field.stride)[:, 0]
    # From where the cells see, zeros around the image included, to the image.
    above, left = pixels.shape[-2] - field.padding, pixels.shape[-1] - field.padding
    return F.pad(pixels, (-field.padding, width - left, -field.padding, height - above))


def _joined(attributions: Tensor, channels: int | None) -> Tensor:
    """(N, C, H, W) → (N, H, W): the sum over all channels, or over the last so many."""
    return attributions.detach()[:, -(channels or attributions.shape[1]) :].abs().sum(1)


def gradient(
    policy: BasePolicy,
    observations: np.ndarray | Tensor,
    target: Any = "action",
    channels: int | None = None,
) -> Tensor:
    """How steeply an output rises or falls with each pixel (Simonyan et al. 2014).

    Args:
        policy: On images.
        observations: (N, C, H, W) in [0, 255].
        target: ``"action"``, ``"value"``, or an action for each observation.
        channels: Only the last so many count; by default all.

    Returns:
        float32 (N, H, W).
    """
    images = prepare(policy, observations)
    with _looked_at(policy) as outputs:
        index = outputs.indices(images, target)
        return _joined(Saliency(outputs).attribute(images.requires_grad_(), index), channels)


def _noisy(
    kind: str,
    policy: BasePolicy,
    observations: np.ndarray | Tensor,
    target: Any,
    channels: int | None,
    samples: int,
    batch_size: int,
    seed: int,
) -> Tensor:
    images = prepare(policy, observations)
    spread = NOISE_SHARE * float(images.max() - images.min())
    with _looked_at(policy) as outputs, torch.random.fork_rng():
        torch.manual_seed(seed)
        index = outputs.indices(images, target)
        found = NoiseTunnel(Saliency(outputs)).attribute(
            images.requires_grad_(),
            nt_type=kind,
            nt_samples=samples,
            nt_samples_batch_size=max(1, batch_size // len(images)),
            stdevs=spread,
            target=index,
            abs=False,
        )
        return _joined(found, channels)


def smooth_grad(
    policy: BasePolicy,
    observations: np.ndarray | Tensor,
    target: Any = "action",
    channels: int | None = None,
    samples: int = 50,
    batch_size: int = 256,
    seed: int = 0,
) -> Tensor:
    """Mean square of the gradients of noisy copies (Smilkov et al. 2017, squared).

    Args:
        policy: On images.
        observations: (N, C, H, W) in [0, 255].
        target: ``"action"``, ``"value"``, or an action for each observation.
        channels: Only the last so many count; by default all.
        samples: Copies of each observation.
        batch_size: Images in a forward pass.
        seed: Of the noise.

    Returns:
        float32 (N, H, W).
    """
    options = (policy, observations, target, channels, samples, batch_size, seed)
    return _noisy("smoothgrad_sq", *options)


def var_grad(
    policy: BasePolicy,
    observations: np.ndarray | Tensor,
    target: Any = "action",
    channels: int | None = None,
    samples: int = 50,
    batch_size: int = 256,
    seed: int = 0,
) -> Tensor:
    """Variance of the gradients of noisy copies; options as for :func:`smooth_grad`."""
    options = (policy, observations, target, channels, samples, batch_size, seed)
    return _noisy("vargrad", *options)


def integrated_gradients(
    policy: BasePolicy,
    observations: np.ndarray | Tensor,
    target: Any = "action",
    channels: int | None = None,
    steps: int = 32,
    batch_size: int = 256,
) -> Tensor:
    """What each pixel adds to an output on the way from black (Sundararajan et al. 2017).

    Args:
        policy: On images.
        observations: (N, C, H, W) in [0, 255].
        target: ``"action"``, ``"value"``, or an action for each observation.
        channels: Only the last so many count; by default all.
        steps: Of the way.
        batch_size: Images in a forward pass.

    Returns:
        float32 (N, H, W), absolute values.
    """
    images = prepare(policy, observations)
    with _looked_at(policy) as outputs:
        index = outputs.indices(images, target)
        found = IntegratedGradients(outputs).attribute(
            images, target=index, n_steps=steps, internal_batch_size=max(batch_size, len(images))
        )
        return _joined(found.float(), channels)


def grad_cam(
    policy: BasePolicy, observations: np.ndarray | Tensor, target: Any = "action"
) -> Tensor:
    """The last convolution's map, weighed by its mean gradients (Selvaraju et al. 2017).

    Args:
        policy: On images.
        observations: (N, C, H, W) in [0, 255].
        target: ``"action"``, ``"value"``, or an action for each observation.

    Returns:
        float32 (N, H, W), bilinear between the map's cells.

    Raises:
        ValueError: A policy without convolutions.
    """
    images = prepare(policy, observations)
    with _looked_at(policy) as outputs:
        layers = outputs.extractor
        if isinstance(layers, FreeLunchExtractor):
            layers = layers.convolutions
        convolutions = [layer for layer in layers.modules() if isinstance(layer, nn.Conv2d)]
        if not convolutions:
            raise ValueError("Grad-CAM needs a policy with convolutions.")
        index = outputs.indices(images, target)
        cam = LayerGradCam(outputs, convolutions[-1])
        found = cam.attribute(images.requires_grad_(), index, relu_attributions=True)
        assert isinstance(found, Tensor)
        return _enlarged(found.detach()[:, 0], *images.shape[-2:])


def _enlarged(maps: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(
        maps[:, None].float(), (height, width), mode="bilinear", align_corners=False
    )[:, 0]


@torch.no_grad()
def perturbation(
    policy: BasePolicy,
    observations: np.ndarray | Tensor,
    target: Any = "action",
    channels: int | None = None,
    distance: int = SPOT_DISTANCE,
    batch_size: int = 256,
) -> Tensor:
    """How much the output changes where a spot is blurred (Greydanus et al. 2018).

    Half the squared distance between the outputs for all actions, or between the values.

    Args:
        policy: On images.
        observations: (N, C, H, W) in [0, 255].
        target: ``"action"``, all of them, or ``"value"``.
        channels: Only the last so many are blurred; by default all.
        distance: Pixels between spots.
        batch_size: Images in a forward pass.

    Returns:
        float32 (N, H, W), bilinear between the spots.

    Raises:
        ValueError: A target or distance of another kind.
    """
    if not isinstance(target, str) or target not in TARGETS:
        raise ValueError(f"Perturbation's target is {' or '.join(TARGETS)}, got {target!r}.")
    if distance < 1:
        raise ValueError(f"distance must be at least 1, got {distance}.")
    images = prepare(policy, observations)
    count, depth, height, width = images.shape
    masks, rows, columns = _spots(height, width, distance, images.device)
    change = blur(images, BLUR_SIGMA) - images
    if channels:
        change[:, : depth - channels] = 0
    chosen = slice(None, -1) if target == "action" else slice(-1, None)
    with _looked_at(policy) as outputs:
        before = outputs(images)[:, None, chosen]
        scores = []
        for part in masks.split(max(1, batch_size // count)):
            perturbed = images[:, None] + part[None, :, None] * change[:, None]
            after = outputs(perturbed.flatten(0, 1)).view(count, len(part), -1)[..., chosen]
            scores.append((after - before).square().sum(-1) / 2)
    return _enlarged(torch.cat(scores, 1).view(count, rows, columns), height, width)


def _spots(height: int, width: int, distance: int, device: torch.device) -> tuple[Tensor, int, int]:
    """Returns Gaussian spots (M, H, W), 1 in the middle, and their rows and columns."""
    across, down = (
        torch.exp(
            -(
                (torch.arange(side) - torch.arange(0, side, distance)[:, None]).square()
                / (2 * SPOT_SIGMA**2)
            )
        ).to(device)
        for side in (width, height)
    )
    masks = down[:, None, :, None] * across[None, :, None, :]
    return masks.flatten(0, 1), len(down), len(across)


def blur(images: Tensor, sigma: float) -> Tensor:
    """Blurs images (N, C, H, W) by a Gaussian of σ pixels; borders are mirrored."""
    radius = min(round(4 * sigma), *(side - 1 for side in images.shape[-2:]))
    x = torch.arange(-radius, radius + 1, device=images.device)
    kernel = torch.exp(-x.square() / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).view(1, 1, -1, 1)
    flat = F.pad(images.flatten(0, 1)[:, None], [radius] * 4, mode="reflect")
    blurred = F.conv2d(F.conv2d(flat, kernel), kernel.transpose(2, 3))
    return blurred.view_as(images)


METHODS: dict[str, Callable[..., Tensor]] = {
    "attention": attention,
    "gradient": gradient,
    "smooth_grad": smooth_grad,
    "var_grad": var_grad,
    "integrated_gradients": integrated_gradients,
    "grad_cam": grad_cam,
    "perturbation": perturbation,
}
"""Name → method."""


def saliency(
    policy: BasePolicy,
    observations: np.ndarray | Tensor,
    method: str = "perturbation",
    target: Any = "action",
    **options: Any,
) -> Tensor:
    """Maps what in the observations the policy's output depends on.

    Args:
        policy: Of PPO, A2C, DQN or QR-DQN, on images.
        observations: (N, C, H, W) in [0, 255].
        method: A name of :data:`METHODS`.
        target: ``"action"``, the likeliest one; ``"value"``; or, where gradients are followed, an
            action for each observation.
        **options: Of the method.

    Returns:
        float32 (N, H, W), not negative.

    Raises:
        ValueError: No such method, or one that this policy does not allow.
    """
    if method not in METHODS:
        nearest = difflib.get_close_matches(method, METHODS, n=1)
        hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
        raise ValueError(f"Unknown method {method!r}. {hint}There are {', '.join(METHODS)}.")
    return METHODS[method](policy, observations, target, **options)
