import torch

from objwrappers.perception.scenes.overlaps import overlaps, repeated


def test_overlaps_by_hand():
    one = torch.tensor([[[0.0, 0.0, 0.5, 0.5]]])
    others = torch.tensor(
        [
            [
                [0.0, 0.0, 0.5, 0.5],
                [0.5, 0.0, 0.5, 0.5],  # half a box to the right: 1/3
                [0.0, 0.0, 0.25, 0.5],  # half of it: 1/2
                [1.0, 0.0, 0.5, 0.5],  # touches
                [0.0, 0.0, 0.0, 0.0],
            ]
        ]
    )
    expected = torch.tensor([[[1.0, 1 / 3, 0.5, 0.0, 0.0]]])
    torch.testing.assert_close(overlaps(one, others), expected)
    torch.testing.assert_close(overlaps(others, one), expected.transpose(1, 2))


def test_the_more_probable_of_two_that_overlap_stays():
    boxes = torch.tensor([[[0.0, 0.0, 0.5, 0.5], [0.1, 0.0, 0.5, 0.5], [0.8, 0.8, 0.1, 0.1]]])
    assert repeated(boxes, torch.tensor([[0.6, 0.9, 0.2]]), 0.5).tolist() == [[True, False, False]]
    assert repeated(boxes, torch.tensor([[0.9, 0.9, 0.2]]), 0.5).tolist() == [[False, True, False]]
    assert not repeated(boxes, torch.tensor([[0.6, 0.9, 0.2]]), 0.9).any()
