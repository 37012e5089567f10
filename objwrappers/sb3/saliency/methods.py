"""Where a policy looks: maps of what in its pixels its output depends on.

Every method has one signature, ``method(policy, observations, target, **options)``, takes a batch
and any Stable-Baselines3 policy on images, and gives float32 (N, H, W), not negative. Values of
two methods, or of two observations, are not on one scale.

* :func:`saliency`: by a method's name; :data:`METHODS` has them all
* :func:`attention`: what the network weighs its features with, painted on the pixels
* :func:`gradient`, :func:`smooth_grad`, :func:`var_grad`, :func:`integrated_gradients`,
  :func:`grad_cam`: from gradients, by captum
* :func:`perturbation`: blurs a spot at a time (Greydanus et al. 2018)

:mod:`objwrappers.sb3.saliency.checks` tells what a method is worth.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerGradCam, NoiseTunnel, Saliency
from stable_baselines3.common.policies import BasePolicy
from torch import Tensor, nn

from objwrappers.names import check_name
from objwrappers.sb3.free_lunch.extractor import FreeLunchExtractor
from objwrappers.sb3.free_lunch.networks import Convolution, ReceptiveField, receptive_field
from objwrappers.sb3.free_lunch.painting import enlarge, paint
from objwrappers.sb3.saliency.perturbation import perturbation
from objwrappers.sb3.saliency.policy_outputs import check_channels, looked_at, prepare

__all__ = [
    "METHODS",
    "attention",
    "grad_cam",
    "gradient",
    "integrated_gradients",
    "perturbation",
    "saliency",
    "smooth_grad",
    "var_grad",
]

NOISE_SHARE = 0.15  # of the observations' range, SmoothGrad's


def attention(
    policy: BasePolicy,
    observations: np.ndarray | Tensor,
    target: Any = "action",
    painting: str = "covered",
) -> Tensor:
    """What the network's own attention weighs, painted on the pixels that its cells see.

    Several attentions of one network are each painted and then added, so that they count alike;
    as published they are first added on the grid of the first, which multiplies the later ones.

    Args:
        policy: With a :class:`~objwrappers.sb3.free_lunch.FreeLunchExtractor`.
        observations: (N, C, H, W) in [0, 255].
        target: Tells actor and critic apart where they have a network each; otherwise there is one
            attention for all outputs.
        painting: See :func:`~objwrappers.sb3.free_lunch.painting.paint`.

    Returns:
        float32 (N, H, W).

    Raises:
        ValueError: A policy without attention; the message names the methods that do work.
    """
    images = prepare(policy, observations)
    with looked_at(policy) as outputs, torch.no_grad():
        outputs.check_target(target, len(images))
        extractor = outputs.extractor(target)
        if not isinstance(extractor, FreeLunchExtractor) or extractor.network.attention is None:
            others = ", ".join(name for name in METHODS if name != "attention")
            raise ValueError(f"This policy has no attention of its own. What works is {others}.")
        outputs(images)
        height, width = images.shape[-2:]
        joined = extractor.attention
        if painting == "published" and joined is not None:
            return paint(joined, extractor.field, height, width, painting)
        painted = [paint(*one, height, width, painting) for one in extractor.maps]
        return torch.stack(painted).sum(0)


def _joined(attributions: Tensor, channels: int | None) -> Tensor:
    """(N, C, H, W) → (N, H, W): the sum over all channels, or over the last so many."""
    last = check_channels(channels, attributions.shape[1])
    return attributions.detach()[:, -last:].abs().sum(1)


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
    with looked_at(policy) as outputs:
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
    with looked_at(policy) as outputs, torch.random.fork_rng():
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

    All copies are noisy; free-lunch saliency's authors left the first one as it is.

    Args:
        policy: On images.
        observations: (N, C, H, W) in [0, 255].
        target: ``"action"``, ``"value"``, or an action for each observation.
        channels: Only the last so many count; by default all.
        samples: Copies of each observation.
        batch_size: Images in a forward pass, but at least one of each observation.
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
        batch_size: Images in a forward pass, but at least one of each observation.

    Returns:
        float32 (N, H, W), absolute values.
    """
    images = prepare(policy, observations)
    with looked_at(policy) as outputs:
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
        float32 (N, H, W), bilinear between the middles of what the map's cells see, as far as the
        convolutions follow each other.

    Raises:
        ValueError: A policy without convolutions.
    """
    images = prepare(policy, observations)
    with looked_at(policy) as outputs:
        convolutions, field = _convolutions(outputs.extractor(target))
        if not convolutions:
            raise ValueError("Grad-CAM needs a policy with convolutions.")
        index = outputs.indices(images, target)
        cam = LayerGradCam(outputs, convolutions[-1])
        found = cam.attribute(images.requires_grad_(), index, relu_attributions=True)
        assert isinstance(found, Tensor)
        first = (field.size - 1) / 2 - field.padding
        height, width = images.shape[-2:]
        return enlarge(found.detach()[:, 0], height, width, first, field.stride)


def _convolutions(extractor: nn.Module) -> tuple[list[nn.Conv2d], ReceptiveField]:
    """Returns the convolutions, one after the other, and what the last one's cells see."""
    around, inside = 0, extractor
    if isinstance(extractor, FreeLunchExtractor):
        around, inside = extractor.network.padding, extractor.convolutions
    found = [layer for layer in inside.modules() if isinstance(layer, nn.Conv2d)]
    layers = []
    for layer in found:
        padding = 0 if isinstance(layer.padding, str) else layer.padding[0]
        if layer.padding == "same":
            padding = layer.kernel_size[0] // 2
        layers.append(
            Convolution(layer.out_channels, layer.kernel_size[0], layer.stride[0], padding)
        )
    return found, receptive_field(layers, around)


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
        target: ``"action"``, the likeliest one (:func:`perturbation`: all of them); ``"value"``; or
            an action for each observation.
        **options: Of the method.

    Returns:
        float32 (N, H, W), not negative.

    Raises:
        ValueError: No such method or option, or a method that this policy does not allow.
    """
    check_name("method", method, METHODS)
    known = list(inspect.signature(METHODS[method]).parameters)[3:]
    if unknown := [name for name in options if name not in known]:
        raise ValueError(
            f"{method} has no option {unknown[0]!r}; it has {', '.join(known) or 'none'}."
        )
    return METHODS[method](policy, observations, target, **options)
