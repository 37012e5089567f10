"""Free-lunch saliency on a GPU."""

import gymnasium as gym
import numpy as np
import pytest
import torch

from objwrappers.sb3.free_lunch import FreeLunchExtractor

pytestmark = pytest.mark.gpu

PIXELS = gym.spaces.Box(0, 255, (4, 84, 84), np.uint8)


@pytest.mark.parametrize("network", ["cnn_sparse_fls", "cnn_dense_fls"])
def test_cuda_gives_the_features_and_gradients_of_the_processor(network):
    torch.manual_seed(0)
    extractor = FreeLunchExtractor(PIXELS, network)
    images = torch.rand(2, *PIXELS.shape)
    found = []
    for device in ("cpu", "cuda"):
        extractor = extractor.to(device)
        extractor.zero_grad()
        features = extractor(images.to(device))
        features.square().mean().backward()
        # Copies: a module that moves to another device takes its gradients along.
        gradients = [p.grad.cpu().clone() for p in extractor.parameters()]
        found.append([features.detach().cpu(), extractor.attention.cpu(), *gradients])
    for on_processor, on_cuda in zip(*found, strict=True):
        assert on_cuda.dtype == torch.float32
        # bfloat16 has eight bits; a layer's errors add up to a few hundredths of its size.
        assert (on_cuda - on_processor).norm() < 0.05 * on_processor.norm()


def test_a_dense_batch_of_the_published_size_fits_on_one_gpu():
    extractor = FreeLunchExtractor(PIXELS, "cnn_dense_fls").cuda()
    torch.cuda.reset_peak_memory_stats()
    extractor(torch.rand(256, *PIXELS.shape, device="cuda")).square().mean().backward()
    assert torch.cuda.max_memory_allocated() < 16 * 2**30, "bytes, of a common GPU"
