"""Pictures as files: what was written is read back."""

import cv2
import numpy as np
import pytest

from objwrappers.rendering.pictures import check_picture_path, write_picture


def smooth():
    """Red grows to the right, blue down."""
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[..., 0] = np.arange(48) * 5
    picture[..., 2] = np.arange(32)[:, None] * 8
    return picture


@pytest.mark.parametrize(
    ("suffix", "tolerance"),
    [(".png", 0), (".PNG", 0), (".jpg", 25), (".jpeg", 25), (".webp", 25)],
)
def test_what_was_written_is_read_back(tmp_path, suffix, tolerance):
    path = tmp_path / "new" / f"a{suffix}"
    write_picture(path, smooth())
    read = cv2.imread(str(path))[..., ::-1]
    assert np.abs(read.astype(int) - smooth()).max() <= tolerance
    assert list(path.parent.iterdir()) == [path]


def test_grey(tmp_path):
    write_picture(tmp_path / "a.png", smooth()[..., 0])
    read = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read, smooth()[..., 0])


@pytest.mark.parametrize("name", ["a.gif", "a", "png"])
def test_unknown_suffix(tmp_path, name):
    for refuses in (check_picture_path, lambda path: write_picture(path, smooth())):
        with pytest.raises(ValueError, match=rf"one of .png, .jpg, .jpeg, .webp, got '.*{name}'"):
            refuses(tmp_path / name)


@pytest.mark.parametrize(
    "picture",
    [smooth() / 255, smooth()[..., :2], np.zeros((0, 4, 3), np.uint8), np.zeros(4, np.uint8)],
)
def test_what_is_no_picture_leaves_the_old_one(tmp_path, picture):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="must be uint8 of shape"):
        write_picture(path, picture)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_picture_too_large_for_its_format_leaves_the_old_one(tmp_path):
    path = tmp_path / "a.webp"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match=r"a.webp cannot be written"):
        write_picture(path, np.zeros((1, 20_000, 3), np.uint8))
    assert path.read_bytes() == b"old"
