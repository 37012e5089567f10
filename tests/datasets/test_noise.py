import numpy as np
import pytest
import torch

from objwrappers.datasets.frames import FramePairs, Frames, SingleFrames
from objwrappers.datasets.noise import NoisyBatches
from objwrappers.rendering.bars import COLOUR


class Grey(torch.utils.data.Dataset):
    def __getitem__(self, step):
        frames = torch.full((16, 84, 84, 3), 100, dtype=torch.uint8)
        return {"frames": frames, "clean": frames, "motion": torch.ones(16, 42, 42)}


def test_bars_cover_a_bars_area_of_the_named_frames_only():
    item = NoisyBatches(Grey(), ["frames"], "both")[3]
    covered = (item["frames"] != 100).any(-1).float().mean((1, 2))
    # 10 of 160 columns and 12 of 210 rows: 1 - (150/160)(198/210); edges divide pixels.
    assert covered.mean().item() == pytest.approx(1 - (150 / 160) * (198 / 210), abs=0.03)
    assert (item["frames"].numpy() == COLOUR).all(-1).any((1, 2)).all()
    assert (item["clean"] == 100).all() and (item["motion"] == 1).all()
    assert torch.equal(item["visible"] == 1, (item["frames"] == 100).all(-1))


def test_each_frame_and_each_key_has_bars_of_its_own():
    item = NoisyBatches(Grey(), ["frames", "clean"], "vertical")[0]
    places = (item["frames"][:, 0] != 100).any(-1).float().argmax(1)
    others = (item["clean"][:, 0] != 100).any(-1).float().argmax(1)
    assert len(places.unique()) > 8
    assert not torch.equal(places, others)


@pytest.mark.parametrize("dataset", [SingleFrames, FramePairs])
def test_where_a_bar_is_does_not_tell_which_frame_was_drawn(dataset):
    # The frames' grey is their number; batches are drawn from the same seed as the bars.
    frames = torch.arange(200, dtype=torch.uint8).view(200, 1, 1, 1, 1).expand(200, 1, 84, 84, 3)
    starts = torch.zeros(200, 1, dtype=torch.bool)
    batches = dataset(Frames(frames.contiguous(), starts), 16, 7)
    key = "frames" if dataset is SingleFrames else "source"
    numbers, places = [], []
    for step in range(40):
        numbers.append(batches[step][key][:, 0, 0, 0])
        noisy = NoisyBatches(batches, [key], "vertical", seed=7)[step]
        places.append(noisy["visible"][:, 0].argmin(1))
    pair = np.stack([torch.cat(numbers).numpy(), torch.cat(places).numpy()]).astype(float)
    assert abs(np.corrcoef(pair)[0, 1]) < 0.15


def test_items_repeat_and_depend_on_seed_and_rank():
    first, again = (NoisyBatches(Grey(), ["frames"], "vertical", seed=1)[5] for _ in range(2))
    torch.testing.assert_close(first["frames"], again["frames"])
    for other in (
        NoisyBatches(Grey(), ["frames"], "vertical", seed=2)[5],
        NoisyBatches(Grey(), ["frames"], "vertical", seed=1, rank=1)[5],
        NoisyBatches(Grey(), ["frames"], "vertical", seed=1)[6],
    ):
        assert not torch.equal(first["frames"], other["frames"])


def test_no_noise_leaves_frames_as_they_are():
    item = NoisyBatches(Grey(), ["frames"], "none")[0]
    assert np.array_equal(item["frames"], Grey()[0]["frames"])
