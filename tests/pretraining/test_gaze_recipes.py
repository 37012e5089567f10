"""Gaze models learn from recorded play, and only from that."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from objwrappers.datasets.gaze import GazePlay
from objwrappers.datasets.recordings import Recording, RecordingWriter
from objwrappers.perception.gaze.deconv import DeconvGaze
from objwrappers.perception.gaze.gcu import GraphGaze
from objwrappers.pretraining.gaze_recipes import gaze, split_steps
from objwrappers.pretraining.recipes import Ingredients
from objwrappers.pretraining.settings import read_settings


def recording(steps=120, seed=0):
    """A bright square that people look at."""
    rng = np.random.default_rng(seed)
    places = rng.integers(8, 76, (steps, 2))
    frames = np.full((steps, 84, 84), 40, np.uint8)
    for frame, (x, y) in zip(frames, places, strict=True):
        frame[y - 4 : y + 4, x - 4 : x + 4] = 240
    gaze = (places / 84 * [160, 210]).astype(np.float32)
    starts = np.arange(steps) == 0
    offsets = np.arange(steps + 1)
    return SimpleNamespace(
        small_frames=frames, starts=starts, gaze=gaze, gaze_offsets=offsets, numbers=offsets[1:]
    )


def given(*recordings, **changes):
    settings = read_settings("deconv", "MsPacman", {"batch_size": 8, **changes}, "gaze")
    return Ingredients(None, None, settings, recordings=recordings)  # type: ignore[arg-type]


def test_the_last_tenth_of_the_first_frames_validates():
    whole = recording(120)
    whole.gaze[[3, 95]] = -1  # beside the screen
    play = GazePlay.of(whole)
    training, validation = split_steps(play, 100, stack=4)
    assert training.tolist() == [*range(3), *range(4, 90)]
    # A stack of step 93 begins with frame 90, the first that training has not.
    assert validation.tolist() == [93, 94, *range(96, 100)]
    assert split_steps(play, 10_000, 4)[1].tolist() == [*range(111, 120)]
    # By the frames' numbers, whichever could not be used.
    whole.numbers = whole.numbers + 20 * (whole.numbers > 10)
    training, validation = split_steps(GazePlay.of(whole), 100, stack=4)
    assert training[-1] == 69 and validation.tolist() == [*range(73, 80)]


def test_both_parts_of_every_trial_are_learned_from():
    model = DeconvGaze()
    first, second = recording(), recording(seed=1)
    second.small_frames = second.small_frames // 2
    training, validation = gaze(model, given(first, second))
    frames = np.concatenate([r.small_frames[:108] for r in (first, second)])
    assert model.mean.item() == pytest.approx(frames.mean() / 255, abs=2e-3)
    brightest = {int(v) for i in range(5) for v in training[i]["frames"].amax((1, 2, 3))}
    assert brightest == {240, 120}
    newest = validation[0]["frames"][:, -1]
    ends = np.concatenate([r.small_frames[111:] for r in (first, second)])
    assert all((frame.numpy() == ends).all((1, 2)).any() for frame in newest)


def test_the_graph_begins_in_clusters_of_the_training():
    torch.manual_seed(0)
    model = GraphGaze(vertices=5)
    anywhere = model.graph.anchors.clone()
    gaze(model, given(recording()))
    assert (model.graph.anchors - anywhere).abs().max() > 0.1
    again = GraphGaze(vertices=5)
    again.load_state_dict({**model.state_dict(), "graph.anchors": anywhere})
    gaze(again, given(recording()))
    torch.testing.assert_close(again.graph.anchors, model.graph.anchors)


def test_what_cannot_be_learned_from_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"deconv learns where people look .* Give Atari-HEAD's"):
        gaze(DeconvGaze(), given())
    frames = np.zeros((9, 1, 8, 8, 3), np.uint8)
    with RecordingWriter(tmp_path, {"task": "MsPacman"}) as writer:
        writer.append(frames, np.arange(9)[:, None] == 0, {})
    with pytest.raises(ValueError, match=r"is no recording of human play.* --trials"):
        gaze(DeconvGaze(), given(Recording(tmp_path)))
    with pytest.raises(ValueError, match=r"saw no bars .* got 'both'"):
        noisy = Ingredients(None, None, given().settings, noise="both", recordings=(recording(),))
        gaze(DeconvGaze(), noisy)


def test_the_authors_trials_are_left_for_testing():
    first, second = recording(), recording(seed=1)
    second.small_frames = second.small_frames // 2
    first.name, second.name, first.task, second.task = "61_RZ_1", "52_RZ_1", "MsPacman", "MsPacman"
    # n_frames, which leaves later frames for testing, does not count.
    training, validation = gaze(DeconvGaze(), given(first, second, split="official", n_frames=50))
    batches = [part[i]["frames"] for part in (training, validation) for i in range(4)]
    assert {int(v) for frames in batches for v in frames.amax((1, 2, 3))} == {120}
    ends = second.small_frames[111:]
    assert all((f.numpy() == ends).all((1, 2)).any() for f in validation[0]["frames"][:, -1])
    with pytest.raises(ValueError, match=r"split='official' leaves none of 1 trials"):
        gaze(DeconvGaze(), given(first, split="official"))


@pytest.mark.slow
def test_a_deconv_learns_to_look_at_the_square():
    torch.manual_seed(0)
    model = DeconvGaze(dropout=0.0)
    training, validation = gaze(model, given(recording(400), batch_size=16))
    chosen = model.configure_optimizers({"learning_rate": 1.0}, 100)
    for step in range(150):
        chosen.optimizer.zero_grad()
        model.loss(training[step], 0.0)["loss"].backward()
        chosen.optimizer.step()
    model.train()
    with torch.no_grad():
        losses = model.loss(validation[0], 1.0)
    assert losses["loss"] < 1.5 and losses["correlation"] > 0.5
