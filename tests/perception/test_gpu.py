import pytest
import torch

from objwrappers.perception.loading import load_model

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("name", ["motion", "transporter"])
def test_autocast_on_cuda_sees_what_the_processor_sees(name):
    frames = torch.randint(0, 256, (4, 210, 160, 3), dtype=torch.uint8)
    on_processor = load_model(name, game="MsPacman", device="cpu")(frames)
    on_cuda = load_model(name, game="MsPacman", device="cuda")(frames.cuda())
    difference = (on_processor["keypoints"] - on_cuda["keypoints"].cpu()).abs()
    # Half precision: a hundredth of the frame is 1.6 native pixels.
    assert difference.median() < 0.02
