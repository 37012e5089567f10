import pytest
import torch
from scenes import frame_with, named_blobs

from objwrappers.perception.folding import folded
from objwrappers.perception.graphs import GraphedNetwork
from objwrappers.perception.loading import load_model
from objwrappers.perception.runtime import running

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("name", ["motion", "transporter"])
def test_autocast_on_cuda_sees_what_the_processor_sees(name):
    frames = torch.randint(0, 256, (4, 210, 160, 3), dtype=torch.uint8)
    on_processor = load_model(name, game="MsPacman", device="cpu")(frames)
    on_cuda = load_model(name, game="MsPacman", device="cuda")(frames.cuda())
    difference = (on_processor["keypoints"] - on_cuda["keypoints"].cpu()).abs()
    # Half precision: a hundredth of the frame is 1.6 native pixels.
    assert difference.median() < 0.02


@pytest.mark.parametrize("features", ["pooled", "map"])
@pytest.mark.parametrize("name", ["motion", "transporter", "light"])
def test_a_graph_on_cuda_gives_what_its_kernels_give(name, features):
    model = load_model(name, game="MsPacman", device="cuda")
    model.use_features(features)
    graphed, eager = running(model, "torch"), folded(model)
    assert isinstance(graphed, GraphedNetwork)
    size = (model.frame_format.height, model.frame_format.width, 3)
    for count in (5, 2, 5):
        frames = torch.randint(0, 256, (count, *size), dtype=torch.uint8, device="cuda")
        with torch.inference_mode():
            got, expected = graphed(frames), eager(frames)
        for key, value in expected.items():
            atol = 1 if features == "map" and key == "features" else 1e-3  # bytes are rounded
            torch.testing.assert_close(got[key], value, rtol=0, atol=atol)


def test_a_network_that_cannot_be_recorded_runs_as_it_is():
    class Asks(torch.nn.Module):
        def forward(self, frames):
            return {"sum": frames.float().sum().item() * torch.ones(1, device="cuda")}

    network, frames = GraphedNetwork(Asks()), torch.ones(2, 3, device="cuda")
    with pytest.warns(UserWarning, match="runs without a graph"):
        assert network(frames)["sum"].item() == 6
    assert network(2 * frames)["sum"].item() == 12


def test_onnx_runtime_is_for_processors():
    model = load_model("motion", game="MsPacman", device="cuda")
    with pytest.raises(ValueError, match="device='cpu'"):
        running(model, "onnx")


def test_scenes_on_cuda_are_those_on_the_processor():
    frame = torch.from_numpy(frame_with(("red", 2, 3, 4, 6), ("blue", 51, 32, 8, 2)))
    frames = torch.stack([frame, frame.flip(-1), 0 * frame])
    model = named_blobs()
    on_processor = model(frames)
    on_cuda = named_blobs().cuda()(frames.cuda())
    for key, value in on_processor.items():
        torch.testing.assert_close(on_cuda[key].cpu(), value, rtol=0, atol=2e-3)
    scenes = named_blobs().cuda().scene_description(frames)
    assert [len(scene["red"]["boxes"]) for scene in scenes] == [1, 1, 0]
