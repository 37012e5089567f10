"""How well a video was translated into another context, and what its features tell.

Frames are (..., h, w, 3), uint8 or numbers in [0, 1].

* :func:`frame_error`: of pictures against the true frames
* :func:`copy_error`: of the context's frame, taken for each picture
* :func:`time_error`: of features, in frames
* :func:`probe_r2`: the joints' angles, read from features by a linear map
"""

from __future__ import annotations

import numpy as np

__all__ = ["copy_error", "frame_error", "probe_r2", "time_error"]

PENALTY = 1e-3  # of the ridge, beside features of unit variance
LEAST_VARIANCE = 1e-12  # below it a number counts as constant


def frame_error(pictures: np.ndarray, truth: np.ndarray) -> float:
    """Returns the squared error's sum over a frame's pixels and channels, the mean over frames.

    Args:
        pictures: (..., h, w, 3).
        truth: Frames of the same shape.

    Raises:
        ValueError: Other shapes, or no frames.
    """
    made, true = _unit(pictures), _unit(truth)
    if made.shape != true.shape or made.ndim < 3 or not made.size:
        raise ValueError(
            f"Pictures and frames must be (..., h, w, 3), got {made.shape} and {true.shape}."
        )
    return float(np.square(made - true).sum((-3, -2, -1)).mean())


def copy_error(truth: np.ndarray, context: np.ndarray) -> float:
    """Returns :func:`frame_error` of who takes the context's frame for every picture.

    Args:
        truth: (..., T, h, w, 3).
        context: (..., h, w, 3).

    Raises:
        ValueError: Other shapes, or no frames.
    """
    frame = np.asarray(context)[..., None, :, :, :]
    if frame.ndim != truth.ndim or frame.shape[:-4] != truth.shape[:-4]:
        raise ValueError(
            f"Videos (..., T, h, w, 3) need as many contexts (..., h, w, 3), got {truth.shape} and "
            f"{np.shape(context)}."
        )
    return frame_error(np.repeat(frame, truth.shape[-4], axis=-4), truth)


def time_error(predicted: np.ndarray, own: np.ndarray, moments: int | None = None) -> float:
    """Returns how many frames a predicted one is away from its nearest in the target's video.

    Args:
        predicted: (T, Z), features ẑ.
        own: (T, Z), the target's own features z.
        moments: How many of the predicted ones count, the first; by default all.

    Returns:
        The mean over t of ``|argmin_t' ‖ẑ_t - z_t'‖ - t|``; a third of T or so is chance.

    Raises:
        ValueError: Other shapes, or no frames.
    """
    predicted, own = np.asarray(predicted, float), np.asarray(own, float)
    if predicted.ndim != 2 or predicted.shape != own.shape or not len(own):
        raise ValueError(
            f"Features must be (T, Z) of one video, got {predicted.shape} and {own.shape}."
        )
    distance = np.square(predicted[:, None] - own[None]).sum(-1)
    return float(np.abs(distance.argmin(1) - np.arange(len(own)))[:moments].mean())


def probe_r2(
    train_features: np.ndarray,
    train_angles: np.ndarray,
    test_features: np.ndarray,
    test_angles: np.ndarray,
) -> float:
    """Returns how well a ridge regression reads the cosines and sines of angles from features.

    Args:
        train_features: (n, Z), of frames of other episodes than the test's.
        train_angles: (n, J), of the joints, radians.
        test_features: (m, Z).
        test_angles: (m, J).

    Returns:
        R² of the test, the mean over those cosines and sines that vary there; NaN if none does.

    Raises:
        ValueError: Other shapes, or no frames.
    """
    features = np.asarray(train_features, float)
    x = np.asarray(test_features, float)
    angles = [np.asarray(angles, float) for angles in (train_angles, test_angles)]
    if any(array.ndim != 2 or not len(array) for array in (features, x, *angles)) or (
        [len(features), features.shape[1], angles[0].shape[1]]
        != [len(angles[0]), x.shape[1], angles[1].shape[1]]
        or len(x) != len(angles[1])
    ):
        raise ValueError(
            f"Features must be (n, Z) and angles (n, J), got {features.shape}, {angles[0].shape} "
            f"and, of the test, {x.shape}, {angles[1].shape}."
        )
    train, test = (np.concatenate([np.cos(a), np.sin(a)], 1) for a in angles)
    mean, std = features.mean(0), features.std(0)
    std = np.where(std**2 > LEAST_VARIANCE, std, np.inf)
    known, asked = (features - mean) / std, (x - mean) / std
    penalty = PENALTY * len(known) * np.eye(known.shape[1])
    weight = np.linalg.solve(known.T @ known + penalty, known.T @ (train - train.mean(0)))
    left = np.square(test - train.mean(0) - asked @ weight).mean(0)
    varies = test.var(0) > LEAST_VARIANCE
    return float((1 - left[varies] / test.var(0)[varies]).mean()) if varies.any() else float("nan")


def _unit(frames: np.ndarray) -> np.ndarray:
    frames = np.asarray(frames)
    return frames / 255 if frames.dtype == np.uint8 else frames.astype(float)
