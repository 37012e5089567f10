"""Writes films frame by frame: memory does not grow with their length.

* :class:`VideoWriter`: MP4 (H.264), MKV (FFV1, lossless) or GIF, by imageio-ffmpeg
"""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Generator
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import imageio_ffmpeg
import numpy as np

from objwrappers.files import check_writable
from objwrappers.temporaries import temporary_folder

__all__ = ["SUFFIXES", "VideoWriter"]

# yuv420p is what browsers play; it needs even sides, so odd ones get a black line.
_MP4 = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-crf", "18", "-movflags", "+faststart"]
# One palette for a whole GIF makes it ten times smaller than one for each frame, and asks for two
# passes: frames first go to a lossless film on disk.
_STREAMS: dict[str, tuple[str, str, str, list[str]]] = {
    ".mp4": ("film.mp4", "libx264", "yuv420p", _MP4),
    ".mkv": ("film.mkv", "ffv1", "bgr0", ["-level", "3"]),
    ".gif": ("film.mov", "qtrle", "rgb24", []),
}
"""Suffix → the file that frames are streamed to, its codec, its pixels, its options."""

SUFFIXES = tuple(_STREAMS)


class VideoWriter:
    """Writes frames into a film; the file appears when the ``with`` block ends without an error.

    Until then frames go to a temporary folder beside it, and a film that was there before stays.
    What ffmpeg has to say of a failure it says on the standard error stream.

    Example:
        >>> with VideoWriter("pong.mp4", fps=15) as video:
        ...     video.append(env.render())

    Args:
        path: Ends with ``.mp4``, ``.mkv`` or ``.gif``; its folder is made.
        fps: Frames per second. Players show GIFs at no more than 50.

    Attributes:
        frames: Frames written.

    Raises:
        ValueError: Another suffix, or a rate that is not positive and finite.
        RuntimeError: There is no ffmpeg, or it lacks the encoder.
        OSError: Nobody may write there.
    """

    def __init__(self, path: str | Path, fps: float = 15) -> None:
        self.path = Path(path)
        self._suffix = self.path.suffix.lower()
        if self._suffix not in SUFFIXES:
            raise ValueError(
                f"A film's name must end with one of {', '.join(SUFFIXES)}, got {str(path)!r}."
            )
        if not 0 < fps < math.inf:
            raise ValueError(f"fps must be positive and finite, got {fps}.")
        check_writable(self.path)
        self.fps = fps
        self.frames = 0
        self._ffmpeg = _find_ffmpeg(self._suffix)
        self._shape: tuple[int, ...] | None = None
        self._stream: Generator[None, Any, None] | None = None
        self._folder: Path | None = None
        self._cleanup = ExitStack()

    def append(self, frame: np.ndarray) -> None:
        """Adds a frame.

        Args:
            frame: uint8 (H, W, 3) RGB, of the same size as the first one.

        Raises:
            ValueError: Another dtype, shape or size.
            OSError: ffmpeg stopped, because the disk is full, say.
        """
        frame = np.asarray(frame)
        if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[-1] != 3:
            raise ValueError(
                "A film's frames must be uint8 of shape (H, W, 3), got "
                f"{frame.dtype} of shape {frame.shape}."
            )
        if self._stream is None:
            self._start(frame.shape)
        elif frame.shape != self._shape:
            raise ValueError(
                f"All frames of a film have one size: frame {self.frames} is {frame.shape}, "
                f"the first was {self._shape}."
            )
        assert self._stream is not None
        try:
            self._stream.send(np.ascontiguousarray(frame))
        except (OSError, StopIteration) as error:
            raise OSError(f"ffmpeg stopped writing {self.path} at frame {self.frames}.") from error
        self.frames += 1

    def close(self) -> None:
        """Finishes the film and puts it in its place.

        Raises:
            ValueError: No frame was written.
            OSError: ffmpeg failed, because the disk is full, say.
        """
        if self._stream is None or self._folder is None:
            raise ValueError(f"No frame was written to {self.path}.")
        try:
            self._stream.close()
            film = self._folder / _STREAMS[self._suffix][0]
            # imageio-ffmpeg does not tell how its ffmpeg ended; the film itself does.
            progress = self._run("-i", film, "-c", "copy", "-progress", "-", "-f", "null", "-")
            counts = [line[6:].strip() for line in progress.splitlines() if line[:6] == "frame="]
            if not counts or int(counts[-1]) != self.frames:
                raise OSError(
                    f"ffmpeg could not write {self.path}: {counts[-1] if counts else 0} of "
                    f"{self.frames} frames are in it."
                )
            os.replace(self._make_gif(film) if self._suffix == ".gif" else film, self.path)
        finally:
            self.discard()

    def discard(self) -> None:
        """Stops and removes the temporary files; what stood in the film's place stays."""
        if self._stream is not None:
            self._stream.close()
        self._cleanup.close()
        self._stream = self._folder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _start(self, shape: tuple[int, ...]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Beside the film, because only within a file system is a replacement atomic.
        self._folder = self._cleanup.enter_context(temporary_folder(self.path))
        self._shape = shape
        name, codec, pixels, options = _STREAMS[self._suffix]
        self._stream = imageio_ffmpeg.write_frames(
            str(self._folder / name),
            (shape[1], shape[0]),
            pix_fmt_out=pixels,
            fps=float(self.fps),
            quality=None,
            codec=codec,
            macro_block_size=1,
            ffmpeg_log_level="error",
            output_params=options,
        )
        self._stream.send(None)

    def _make_gif(self, film: Path) -> Path:
        palette, gif = film.with_name("palette.png"), film.with_name("film.gif")
        self._run("-i", film, "-vf", "palettegen=stats_mode=full", palette)
        self._run("-i", film, "-i", palette, "-lavfi", "paletteuse=dither=none", gif)
        return gif

    def _run(self, *arguments: str | Path) -> str:
        command = [self._ffmpeg, "-y", "-loglevel", "error", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise OSError(f"ffmpeg could not write {self.path}: {done.stderr.strip()}")
        return done.stdout


def _find_ffmpeg(suffix: str) -> str:
    try:
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise RuntimeError(
            "Films need ffmpeg: reinstall imageio-ffmpeg, which brings one, or put one in the path."
        ) from error
    needed = {".gif": "gif"}.get(suffix, _STREAMS[suffix][1])
    if needed not in _encoders(ffmpeg):
        raise RuntimeError(
            f"{ffmpeg} has no encoder {needed!r} for {suffix}: reinstall imageio-ffmpeg, whose "
            f"ffmpeg has it, or choose another of {', '.join(SUFFIXES)}."
        )
    return ffmpeg


@lru_cache
def _encoders(ffmpeg: str) -> list[str]:
    """Returns the names of the encoders; ffmpeg lists them as `` V....D libx264  description``."""
    command = [ffmpeg, "-hide_banner", "-encoders"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return [line.split()[1] for line in listing.splitlines() if len(line.split()) > 1]
