"""The published networks, and backgrounds: sizes, sticks, and what they must not learn."""

import pytest
import torch

from objwrappers.perception.space.background import ImageBackground
from objwrappers.perception.space.components import ComponentBackground, break_stick
from objwrappers.perception.space.space import Space


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("grid", "components"), [(16, 3), (8, 5), (4, 4)])
def test_the_published_network_has_5307651_parameters(grid, components):
    model = Space("published", grid, components)
    front, back = model.foreground, model.background
    assert size(model) == 5_307_651
    assert (size(front), size(back)) == (2_357_167, 2_950_484)
    assert size(front.cells) == 1_037_403
    assert (size(front.glimpses), size(front.decoder)) == (724_000, 595_764)
    assert size(back.image_encoder) == 375_296
    assert (size(back.mask_decoder), size(back.component_encoder)) == (2_123_217, 328_448)
    assert size(back.component_decoder) == 37_923
    assert size(back.mask_cell) + size(back.prior_cell) == 66_560


def test_breaking_a_stick_by_hand():
    shares = torch.tensor([[0.5, 0.5, 0.1], [1.0, 0.3, 0.9], [0.25, 0.0, 0.0]])
    expected = [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [0.25, 0.0, 0.75]]
    torch.testing.assert_close(break_stick(shares), torch.tensor(expected))
    torch.testing.assert_close(break_stick(torch.tensor([[0.3]])), torch.tensor([[1.0]]))


@pytest.mark.parametrize("components", [1, 3])
def test_components_explain_a_frame_together(components):
    torch.manual_seed(0)
    background = ComponentBackground(components, 0.5).eval()
    images = torch.rand(2, 3, 128, 128)
    with torch.no_grad():
        found = background(images, 0.1)
        one = background(images[1:], 0.1)
    assert found.masks.shape == (2, components, 1, 128, 128)
    torch.testing.assert_close(found.masks.sum(1), torch.ones(2, 1, 128, 128))
    torch.testing.assert_close(found.image, (found.masks * found.components).sum(1))
    torch.testing.assert_close(found.log_likelihood[1:], one.log_likelihood, atol=1e-2, rtol=1e-3)
    assert found.kl.shape == (2,) and (found.kl > 0).all()
    # One component explains no less than the mixture gives its share of.
    first = -0.5 * ((images - found.components[:, 0]) / 0.1) ** 2 + 1.3836
    assert (found.log_likelihood >= first + (found.masks[:, 0] + 1e-5).log() - 1e-3).all()


@pytest.mark.parametrize(
    "make", [lambda: ImageBackground(128), lambda: ComponentBackground(2, 0.5)]
)
def test_what_moves_teaches_the_background_nothing(make):
    torch.manual_seed(0)
    background = make()
    images = torch.rand(2, 3, 128, 128)
    everything, nothing = torch.ones(2, 1, 128, 128), torch.zeros(2, 1, 128, 128)
    background(images, 0.1, everything).log_likelihood.sum().backward()
    assert all(p.grad is None or p.grad.abs().max() == 0 for p in background.parameters())
    background(images, 0.1, nothing).log_likelihood.sum().backward()
    assert max(float(p.grad.abs().max()) for p in background.parameters() if p.grad is not None) > 1


def test_a_background_image_starts_as_the_one_that_is_shown():
    model = Space().eval()
    still = torch.zeros(210, 160, 3, dtype=torch.uint8)
    still[:105] = torch.tensor([40, 120, 200], dtype=torch.uint8)
    model.set_background(still)
    with torch.no_grad():
        image = model.background.logits.sigmoid()
    torch.testing.assert_close(image[:, 10, 10], torch.tensor([40, 120, 200]) / 255)
    # Black keeps a logit that is finite.
    torch.testing.assert_close(image[:, 120, 10], torch.full((3,), 0.02))
