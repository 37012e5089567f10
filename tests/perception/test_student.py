import pytest
import torch
from torch import nn

from objwrappers.datasets.frames import Frames
from objwrappers.datasets.teaching import TaughtFrames
from objwrappers.geometry import cells_to_frame
from objwrappers.perception.motion_keypoints import MotionKeypoints
from objwrappers.perception.student import Student


def multiply_adds(model, images):
    """Of the convolutions and dense layers, for one image."""
    total = 0

    def count(layer, inputs, output):
        nonlocal total
        total += output[0].numel() * layer.weight[0].numel()

    hooks = [
        layer.register_forward_hook(count)
        for layer in model.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    model.perceive(images)
    for hook in hooks:
        hook.remove()
    return total


@pytest.mark.parametrize("num_keypoints", [10, 40])
def test_a_frame_costs_at_most_8_million_multiply_adds(num_keypoints):
    model = Student(num_keypoints).eval()
    assert multiply_adds(model, torch.rand(1, 3, 84, 84)) <= 8e6


def test_the_losses_by_hand():
    torch.manual_seed(0)
    model = Student(2).eval()
    frames = torch.randint(0, 256, (1, 84, 84, 3), dtype=torch.uint8)
    with torch.no_grad():
        percepts = model.perceive(model.images(frames))
        present = torch.tensor([[1.0, 0.0]])
        # A quarter and a half in the coordinates of the student's map of 42 cells.
        keypoints = percepts["keypoints"] + torch.tensor([0.25, -0.5]) * 41 / 42
        batch = {"frames": frames, "keypoints": keypoints, "present": present}
        losses = model.loss({**batch, "visible": torch.ones(1, 84, 84)}, 0.0)
    assert losses["distance"].item() == pytest.approx(0.75, abs=1e-5)
    p = percepts["present"][0]
    by_hand = -(p[0].log() + (1 - p[1]).log()) / 2
    assert losses["presence"].item() == pytest.approx(by_hand.item(), abs=1e-5)
    total = losses["place"] + 10 * losses["distance"] + losses["presence"]
    torch.testing.assert_close(losses["loss"], total)


@torch.no_grad()
@pytest.mark.parametrize("cells", [21, 42])
def test_a_teachers_map_is_no_matter(cells):
    model = Student(1).eval()
    batch = {
        "frames": torch.zeros(1, 84, 84, 3, dtype=torch.uint8),
        "keypoints": cells_to_frame(torch.tensor([[[1.0, -1.0]]]), cells, cells),
        "present": torch.ones(1, 1),
        "visible": torch.ones(1, 84, 84),
    }
    # Black frames give flat logits, whose mean is the centre. The middle of the outermost of 21
    # cells is 20/21 of the way to the border, and that is 40/41 of a map of 42.
    expected = 2 * {21: (20 / 21) * 42 / 41, 42: 1.0}[cells]
    assert model.loss(batch, 0.0)["distance"].item() == pytest.approx(expected, abs=1e-5)


def test_a_student_learns_where_a_square_is():
    torch.manual_seed(0)
    model = Student(1)
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    cells = torch.randint(5, 75, (160, 2))
    frames = torch.zeros(160, 84, 84, 3, dtype=torch.uint8)
    for frame, (x, y) in zip(frames, cells.tolist(), strict=True):
        frame[y : y + 4, x : x + 4] = 255
    keypoints = ((cells + 2) / 84 * 2 - 1)[:, None]
    for step in range(60):
        rows = torch.arange(step * 32, step * 32 + 32) % 160
        batch = {"frames": frames[rows], "keypoints": keypoints[rows], "present": torch.ones(32, 1)}
        batch["visible"] = torch.ones(32, 84, 84)
        optimizer.zero_grad()
        model.loss(batch, 0.0)["loss"].backward()
        optimizer.step()
    model.train()  # running statistics lag behind in so short a training
    found = model.perceive(model.images(frames))["keypoints"]
    assert (found - keypoints).norm(dim=-1).median() < 0.1


def test_taught_frames_hold_what_the_teacher_sees():
    torch.manual_seed(0)
    teacher = MotionKeypoints(3, width=8).eval()
    pixels = torch.randint(0, 256, (20, 2, 84, 84, 3), dtype=torch.uint8)
    frames = Frames(pixels, torch.zeros(20, 2, dtype=torch.bool))
    batches = TaughtFrames(frames, teacher, batch_size=5, seed=1)
    batch = batches[7]
    with torch.no_grad():
        percepts = teacher.perceive(teacher.images(batch["frames"]))
    torch.testing.assert_close(batch["keypoints"], percepts["keypoints"])
    torch.testing.assert_close(batch["present"], percepts["present"])
    assert torch.equal(batches[7]["frames"], batch["frames"])
