"""Resizing: on a processor OpenCV's to the last bit, by matrices within a grey level."""

import ale_py
import cv2
import numpy as np
import pytest
import torch

from objwrappers.perception import resizing
from objwrappers.perception.resizing import area_matrix, resize_area


def noise(*shape):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, shape, np.uint8))


def test_area_matrix_by_hand():
    expected = torch.tensor([[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]])
    torch.testing.assert_close(area_matrix(3, 2), expected)
    torch.testing.assert_close(
        area_matrix(4, 2), torch.tensor([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]])
    )


@pytest.mark.parametrize("height, width", [(210, 160), (250, 160), (97, 101)])
def test_unrounded_it_equals_opencv_within_rounding(height, width):
    frames = noise(2, height, width, 3)
    ours = resizing._average(frames, 84, 84).numpy()
    theirs = np.stack(
        [cv2.resize(f, (84, 84), interpolation=cv2.INTER_AREA) for f in frames.numpy()]
    )
    assert np.abs(ours - theirs).max() <= 0.51


@pytest.mark.parametrize("native", [(210, 160), (250, 160), (97, 101)])
@pytest.mark.parametrize("small", [(84, 84), (105, 80), (84, 160)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_processor_gives_opencvs_bytes_and_matrices_a_grey_level_off(native, small, channels):
    if small[0] > native[0] or small[1] > native[1]:
        pytest.skip("a side grows")
    frames = noise(3, *native, channels)
    theirs = np.stack(
        [cv2.resize(f, small[::-1], interpolation=cv2.INTER_AREA) for f in frames.numpy()]
    ).reshape(3, *small, channels)
    ours = resize_area(frames, *small)
    assert ours.dtype == torch.uint8
    np.testing.assert_array_equal(ours, theirs)
    by_matrices = resizing._by_matrices(frames, *small)
    assert by_matrices.shape == ours.shape and by_matrices.is_contiguous()
    assert (by_matrices.short() - ours.short()).abs().max() <= 1
    # What differs are sums that end a rounding error beside a half.
    assert (by_matrices != ours).float().mean() < 0.005


def test_the_bytes_are_those_of_the_emulators_own_resize():
    frames = {}
    for size in ((84, 84), (210, 160)):
        envs = ale_py.vector_env.AtariVectorEnv(
            "ms_pacman",
            2,
            img_height=size[0],
            img_width=size[1],
            grayscale=False,
            stack_num=1,
            noop_max=0,
            use_fire_reset=False,
            repeat_action_probability=0.0,
        )
        envs.reset(seed=3)
        steps = [envs.step(np.full(2, step % 9))[0][:, 0].copy() for step in range(40)]
        frames[size] = torch.from_numpy(np.stack(steps))
        envs.close()
    assert torch.equal(resize_area(frames[210, 160], 84, 84), frames[84, 84])


def test_stacks_keep_their_axes_and_the_right_size_is_left_alone():
    stacks = noise(2, 4, 21, 16, 3)
    small = resize_area(stacks, 7, 8)
    assert small.shape == (2, 4, 7, 8, 3)
    assert torch.equal(small[1, 2], resize_area(stacks[1, 2], 7, 8))
    assert resize_area(small, 7, 8) is small
    assert resize_area(stacks[:0], 7, 8).shape == (0, 4, 7, 8, 3)
    flipped = stacks.flip(-2)
    assert torch.equal(resize_area(flipped, 7, 16), resize_area(stacks, 7, 16).flip(-2))


def test_what_grows_repeats_pixels():
    frames = torch.tensor([[10, 30], [50, 250]], dtype=torch.uint8)[None, :, :, None]
    by_hand = frames.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert torch.equal(resize_area(frames, 4, 4), by_hand)


@pytest.mark.parametrize(
    "frames", [torch.zeros(1, 4, 4, 3), torch.zeros(4, 4, dtype=torch.uint8), noise(1, 0, 4, 3)]
)
def test_other_frames_are_refused(frames):
    with pytest.raises(ValueError, match=r"uint8 of shape \(..., H, W, C\), got"):
        resize_area(frames, 2, 2)


def test_matrices_made_while_playing_serve_a_training_too():
    resizing._blocks.clear()
    with torch.inference_mode():
        resizing._average(noise(1, 14, 14, 3), 7, 7)
    assert not any(block.is_inference() for _, block in resizing._blocks.values())


@pytest.mark.gpu
@pytest.mark.parametrize("small", [(84, 84), (105, 80)])
def test_cuda_is_within_a_grey_level_of_the_processor(small):
    frames = noise(4, 210, 160, 3)
    on_cuda = resize_area(frames.cuda(), *small)
    assert on_cuda.is_cuda
    difference = on_cuda.cpu().short() - resize_area(frames, *small).short()
    assert difference.abs().max() <= 1
