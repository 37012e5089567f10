"""What a batch of context translation holds."""

import numpy as np
import pytest
from demonstrated import write_made_up

from objwrappers.datasets.demonstrations import read_demonstrations
from objwrappers.datasets.translation_pairs import TranslationPairs


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demos")
    return read_demonstrations(
        write_made_up(folder / "four", views=4, facts={"cameras": [0, 1]}, blocks=3)
    )


def places(demonstrations, frames):
    """Returns (episode, view, moment) of each frame, all of which differ."""
    found = []
    for frame in frames:
        same = (demonstrations.frames == frame.numpy()).all((-3, -2, -1))
        ((episode, view, moment),) = np.argwhere(same)
        found.append((episode, view, moment))
    return np.array(found)


@pytest.mark.parametrize("pairing", ["aligned", "independent", "cameras"])
def test_source_target_and_context_belong_together(demonstrations, pairing):
    pairs = TranslationPairs(demonstrations, 256, pairing, seed=1)
    batch = pairs[3]
    assert batch["source"].shape == batch["target"].shape == (256, 1, 8, 8, 3)
    source, target, context = (
        places(demonstrations, frames)
        for frames in (batch["source"][:, 0], batch["target"][:, 0], batch["context"])
    )
    assert (source[:, 2] == target[:, 2]).all() and (context[:, 2] == 0).all()
    assert (context[:, :2] == target[:, :2]).all()
    if pairing == "independent":
        assert (source[:, 0] != target[:, 0]).mean() > 0.6
    else:
        assert (source[:, 0] == target[:, 0]).all()
    assert (source[:, 1] != target[:, 1]).all()
    if pairing == "cameras":  # views 0 and 1 are of one context, 2 and 3 of the other
        assert (source[:, 1] // 2 == target[:, 1] // 2).all()
    else:
        assert {tuple(pair) for pair in np.stack([source[:, 1], target[:, 1]], 1)} == {
            (a, b) for a in range(4) for b in range(4) if a != b
        }
    assert len(np.unique(source[:, 2])) == 4 and len(np.unique(source[:, 0])) == 6


def test_whole_videos_begin_with_their_context(demonstrations):
    batch = TranslationPairs(demonstrations, 5, whole_videos=True)[0]
    assert batch["source"].shape == (5, 4, 8, 8, 3)
    np.testing.assert_array_equal(batch["context"], batch["target"][:, 0])
    source, target = (places(demonstrations, batch[key][2]) for key in ("source", "target"))
    assert source[:, 2].tolist() == target[:, 2].tolist() == [0, 1, 2, 3]


def test_a_step_draws_the_same_batch_whenever_it_is_asked(demonstrations):
    def drawn(step, **options):
        return TranslationPairs(demonstrations, 8, **options)[step]["source"].numpy()

    np.testing.assert_array_equal(drawn(5), drawn(5))
    for other in (drawn(6), drawn(5, seed=1), drawn(5, rank=1)):
        assert (other != drawn(5)).any()


def test_a_pairing_needs_its_views(demonstrations, tmp_path):
    with pytest.raises(ValueError, match=r"Unknown pairing 'alinged'.*aligned"):
        TranslationPairs(demonstrations, 2, "alinged")
    single = read_demonstrations(
        write_made_up(tmp_path / "one", views=1, facts={"contexts": ["light"]})
    )
    with pytest.raises(ValueError, match=r"two contexts at least, got 1.*--contexts"):
        TranslationPairs(single, 2)
    with pytest.raises(ValueError, match=r"two cameras at least, got 1.*--cameras"):
        TranslationPairs(single, 2, "cameras")
