from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from objwrappers.rendering import video
from objwrappers.rendering.video import VideoWriter

BLACK = np.zeros((36, 48, 3), np.uint8)


def read(path: Path) -> tuple[dict, np.ndarray]:
    reader = imageio_ffmpeg.read_frames(str(path))
    meta = next(reader)
    width, height = meta["size"]
    frames = [np.frombuffer(data, np.uint8).reshape(height, width, 3) for data in reader]
    return meta, np.stack(frames)


def film() -> list[np.ndarray]:
    """Ten frames: a white square goes right over red."""
    frames = []
    for step in range(10):
        frame = BLACK.copy()
        frame[..., 0] = 200
        frame[10:20, 4 * step : 4 * step + 8] = 255
        frames.append(frame)
    return frames


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [(".mp4", 30), (".mkv", 0), (".gif", 0), (".MP4", 30)]
)
def test_what_was_written_is_read_back(tmp_path: Path, suffix: str, tolerance: int) -> None:
    path = tmp_path / "new" / "folder" / f"film{suffix}"
    with VideoWriter(path, fps=10) as writer:
        for frame in film():
            writer.append(frame)
    assert writer.frames == 10
    meta, frames = read(path)
    assert meta["size"] == (48, 36) and meta["fps"] == 10
    error = np.abs(frames.astype(int) - np.stack(film()))
    # Chroma at half resolution blurs the square's edges in MP4.
    assert frames.shape == (10, 36, 48, 3) and error.mean() <= tolerance / 10
    assert np.abs(frames[9, 15, 40].astype(int) - 255).max() <= tolerance
    assert np.abs(frames[9, 30, 5].astype(int) - [200, 0, 0]).max() <= tolerance
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_odd_sizes_get_one_line_in_mp4_and_none_in_gif(tmp_path: Path) -> None:
    for name, size in (("a.mp4", (16, 22)), ("a.gif", (15, 21))):
        with VideoWriter(tmp_path / name) as writer:
            writer.append(np.full((21, 15, 3), 255, np.uint8))
        assert read(tmp_path / name)[0]["size"] == size


def test_memory_does_not_grow_with_the_film(tmp_path: Path) -> None:
    frame = np.zeros((210, 160, 3), np.uint8)
    with VideoWriter(tmp_path / "long.gif") as writer:
        writer.append(frame)
        tracemalloc.start()
        for _ in range(300):
            writer.append(frame)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 3 * frame.nbytes


def test_an_error_leaves_the_old_film_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), VideoWriter(path) as writer:
        writer.append(BLACK)
        raise KeyError
    with pytest.raises(ValueError, match="No frame was written"), VideoWriter(path):
        pass
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


LITTLE_ROOM = """
import resource, sys
import numpy as np
from objwrappers.rendering.video import VideoWriter

# A child that may write no file above so many bytes, as on a full disk.
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
rng = np.random.default_rng(0)
try:
    with VideoWriter(sys.argv[1]) as writer:
        for _ in range(20):
            writer.append(rng.integers(0, 256, (120, 160, 3), np.uint8))
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize("room", [1_000, 50_000, 200_000])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".gif"])
def test_a_full_disk_is_an_error_and_leaves_the_old_film(
    tmp_path: Path, suffix: str, room: int
) -> None:
    path = tmp_path / f"film{suffix}"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", LITTLE_ROOM, str(path), str(room)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # Noise takes more room than this in all three formats.
    assert "ffmpeg" in done.stdout and str(path) in done.stdout
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_encoder_that_fails_without_a_word_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = imageio_ffmpeg.get_ffmpeg_exe()
    fake = tmp_path / "ffmpeg"
    # Takes all frames, writes a film of the first one only, and says that all is well.
    fake.write_text(
        f"#!{sys.executable}\n"
        "import subprocess, sys\n"
        "*given, output = sys.argv[1:]\n"
        "one = ['-frames:v', '1'] if 'rawvideo' in given else []\n"
        f"done = subprocess.run([{real!r}, *given, *one, output])\n"
        "if one: sys.stdin.buffer.read()\n"
        "sys.exit(done.returncode)\n"
    )
    fake.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(fake))
    path = tmp_path / "film.mkv"
    path.write_bytes(b"old")
    writer = VideoWriter(path)
    for _ in range(3):
        writer.append(BLACK)
    with pytest.raises(OSError, match=r"ffmpeg could not write .*film.mkv: 1 of 3 frames"):
        writer.close()
    assert path.read_bytes() == b"old" and {p.name for p in tmp_path.iterdir()} == {
        "ffmpeg",
        "film.mkv",
    }


def test_an_ffmpeg_that_stops_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(fake))
    monkeypatch.setattr(video, "_encoders", lambda ffmpeg: ["libx264"])
    writer = VideoWriter(tmp_path / "film.mp4")
    with pytest.raises(OSError, match=r"ffmpeg stopped writing .*film.mp4 at frame \d+"):
        for _ in range(1000):
            writer.append(BLACK)
    writer.discard()
    assert list(tmp_path.iterdir()) == [fake]


def test_a_killed_process_leaves_the_old_film(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")
    code = (
        "import os, sys, numpy as np\n"
        "from objwrappers.rendering.video import VideoWriter\n"
        "writer = VideoWriter(sys.argv[1])\n"
        "for _ in range(5): writer.append(np.zeros((36, 48, 3), np.uint8))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -9 and path.read_bytes() == b"old"


@pytest.mark.parametrize("name", ["film.avi", "film", "mp4"])
def test_unknown_suffix(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=rf"must end with one of .mp4, .mkv, .gif, got '.*{name}'"):
        VideoWriter(tmp_path / name)


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_bad_rate(tmp_path: Path, fps: float) -> None:
    with pytest.raises(ValueError, match="fps must be positive"):
        VideoWriter(tmp_path / "film.mp4", fps)


def test_frames_of_one_size_and_dtype(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "film.gif")
    with pytest.raises(ValueError, match="got float64"):
        writer.append(BLACK / 255)
    with pytest.raises(ValueError, match=r"shape \(36, 48\)"):
        writer.append(BLACK[..., 0])
    writer.append(BLACK)
    with pytest.raises(ValueError, match=r"frame 1 is \(35, 48, 3\), the first was \(36, 48, 3\)"):
        writer.append(BLACK[1:])
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def test_missing_codec_and_missing_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "_encoders", lambda ffmpeg: ["gif"])
    VideoWriter("film.gif")
    with pytest.raises(RuntimeError, match=r"no encoder 'libx264' for .mp4"):
        VideoWriter("film.mp4")

    def missing() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", missing)
    with pytest.raises(RuntimeError, match="Films need ffmpeg: reinstall imageio-ffmpeg"):
        VideoWriter("film.gif")
