import pytest
import torch
from torch import nn

from objwrappers.perception.folding import folded
from objwrappers.perception.loading import load_model


def test_a_norm_becomes_part_of_its_layer_by_hand():
    norm = nn.BatchNorm1d(1, eps=0.0)
    norm.running_mean.fill_(3.0)
    norm.running_var.fill_(4.0)
    norm.weight.data.fill_(2.0)
    norm.bias.data.fill_(5.0)
    layer = nn.Linear(1, 1)
    layer.weight.data.fill_(7.0)
    layer.bias.data.fill_(1.0)
    model = nn.Sequential(layer, norm, nn.ReLU()).eval()
    one = folded(model)
    # (7x + 1 - 3) / 2 · 2 + 5 = 7x + 3
    assert one[0].weight.item() == 7 and one[0].bias.item() == 3
    assert isinstance(one[1], nn.Identity) and isinstance(model[1], nn.BatchNorm1d)
    assert one(torch.tensor([[2.0]])).item() == model(torch.tensor([[2.0]])).item() == 17


@pytest.mark.parametrize("name", ["light", "motion", "transporter", "permakey"])
def test_a_folded_model_sees_the_same(name):
    model = load_model(name, "MsPacman", device="cpu")
    one = folded(model)
    kinds = {type(layer) for layer in one.modules()}
    assert not kinds & {nn.BatchNorm1d, nn.BatchNorm2d}
    frames = torch.randint(256, (3, 84, 84, 3), dtype=torch.uint8)
    with torch.inference_mode():
        before, after = model(frames), one(frames)
    for key, value in before.items():
        torch.testing.assert_close(after[key], value, rtol=1e-3, atol=1e-3)
