"""Writes films frame by frame: memory does not grow with their length.

* :class:`VideoWriter`: MP4 (H.264), MKV (FFV1, lossless) or GIF, by imageio-ffmpeg's ffmpeg
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import imageio_ffmpeg
import numpy as np

__all__ = ["SUFFIXES", "VideoWriter"]

SUFFIXES = (".mp4", ".mkv", ".gif")
_ENCODERS = {".mp4": "libx264", ".mkv": "ffv1", ".gif": "gif"}

# yuv420p is what browsers play; it needs even sides, so odd ones get a black line.
_MP4 = ["-an", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p"]
_MP4 += ["-vcodec", "libx264", "-crf", "18", "-movflags", "+faststart"]
_FFV1 = ["-an", "-vcodec", "ffv1", "-level", "3", "-pix_fmt", "bgr0"]
# One palette for a whole GIF makes it ten times smaller than one for each frame, and asks for
# two passes: frames first go to a lossless film on disk.
_LOSSLESS = ["-an", "-vcodec", "qtrle", "-pix_fmt", "rgb24"]
_PALETTE = ["-vf", "palettegen=stats_mode=full"]
_GIF = ["-lavfi", "paletteuse=dither=none"]


class VideoWriter:
    """Writes frames into a film; the file appears when the ``with`` block ends without an error.

    Until then frames go to a temporary folder beside it, and a film that was there before stays.

    Example:
        >>> with VideoWriter("pong.mp4", fps=15) as video:
        ...     video.append(env.render())

    Args:
        path: Ends with ``.mp4``, ``.mkv`` or ``.gif``; its folder is made.
        fps: Frames per second. Players show GIFs at no more than 50.

    Attributes:
        frames: Frames written.

    Raises:
        ValueError: Another suffix, or a rate that is not positive.
        RuntimeError: There is no ffmpeg, or it lacks the encoder.
    """

    def __init__(self, path: str | Path, fps: float = 15) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in SUFFIXES:
            raise ValueError(
                f"A film's name must end with one of {', '.join(SUFFIXES)}, got {str(path)!r}."
            )
        if not fps > 0:
            raise ValueError(f"fps must be positive, got {fps}.")
        self.fps = fps
        self.frames = 0
        self._ffmpeg = _find_ffmpeg(self.path.suffix.lower())
        self._shape: tuple[int, ...] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._messages: IO[bytes] | None = None

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
        if self._process is None:
            self._start(frame.shape)
        elif frame.shape != self._shape:
            raise ValueError(
                f"All frames of a film have one size: frame {self.frames} is {frame.shape}, "
                f"the first was {self._shape}."
            )
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(np.ascontiguousarray(frame).data)
        except BrokenPipeError as error:
            raise OSError(f"ffmpeg stopped writing {self.path}: {self._read_messages()}") from error
        self.frames += 1

    def close(self) -> None:
        """Finishes the film and puts it in its place.

        Raises:
            ValueError: No frame was written.
            OSError: ffmpeg failed, because the disk is full, say.
        """
        if self._process is None:
            raise ValueError(f"No frame was written to {self.path}.")
        assert self._process.stdin is not None and self._folder is not None
        try:
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                pass  # its exit code says so below
            if self._process.wait() != 0:
                raise OSError(f"ffmpeg could not write {self.path}: {self._read_messages()}")
            suffix = self.path.suffix.lower()
            film = self._folder / f"film{suffix}"
            if suffix == ".gif":
                film = self._make_gif(self._folder)
            os.replace(film, self.path)
        finally:
            self.discard()

    def discard(self) -> None:
        """Stops and removes the temporary files; what stood in the film's place stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            assert self._process.stdin is not None
            try:
                self._process.stdin.close()
            except BrokenPipeError:
                pass
        if self._messages is not None:
            self._messages.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._process = self._messages = self._folder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _start(self, shape: tuple[int, ...]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Beside the film, because only within a file system is a replacement atomic.
        self._folder = Path(tempfile.mkdtemp(dir=self.path.parent, prefix=f".{self.path.name}."))
        # A file, because a pipe that nobody reads would make ffmpeg wait.
        self._messages = tempfile.TemporaryFile()
        self._shape = shape
        height, width = shape[:2]
        command = [self._ffmpeg, "-y", "-loglevel", "error", "-f", "rawvideo"]
        command += ["-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(self.fps), "-i", "-"]
        options, film = {
            ".gif": (_LOSSLESS, "film.mov"),
            ".mkv": (_FFV1, "film.mkv"),
            ".mp4": (_MP4, "film.mp4"),
        }[self.path.suffix.lower()]
        command += [*options, str(self._folder / film)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._messages
        )

    def _make_gif(self, folder: Path) -> Path:
        film, palette, gif = (str(folder / name) for name in ("film.mov", "palette.png", "f.gif"))
        for inputs, filters, output in (
            (["-i", film], _PALETTE, palette),
            (["-i", film, "-i", palette], _GIF, gif),
        ):
            command = [self._ffmpeg, "-y", "-loglevel", "error", *inputs, *filters, output]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise OSError(f"ffmpeg could not write {self.path}: {done.stderr.strip()}")
        return Path(gif)

    def _read_messages(self) -> str:
        if self._process is not None:
            self._process.wait()
        if self._messages is None:
            return "no message"
        self._messages.seek(0)
        return self._messages.read().decode(errors="replace").strip() or "no message"


def _find_ffmpeg(suffix: str) -> str:
    try:
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise RuntimeError(
            "Films need ffmpeg: reinstall imageio-ffmpeg, which brings one, or put one in the path."
        ) from error
    needed = _ENCODERS[suffix]
    if needed not in _encoders(ffmpeg):
        raise RuntimeError(
            f"{ffmpeg} has no encoder {needed!r} for {suffix}: reinstall imageio-ffmpeg, whose "
            "ffmpeg has it, or choose another of " + ", ".join(SUFFIXES) + "."
        )
    return ffmpeg


@lru_cache
def _encoders(ffmpeg: str) -> list[str]:
    """Returns the names of the encoders; ffmpeg lists them as `` V....D libx264  description``."""
    command = [ffmpeg, "-hide_banner", "-encoders"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return [line.split()[1] for line in listing.splitlines() if len(line.split()) > 1]
