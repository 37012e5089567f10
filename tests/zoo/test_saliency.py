import json
import shlex

import cv2
import pytest
from looking_agents import MS_PACMAN, linear_agent, write_agent

from objwrappers.datasets.atari_head.synthetic import SYNTHETIC_TRIALS, write_synthetic

TINY = ["batch_size:4", "eval_freq:2", "checkpoint_every:2"]


def test_trials_are_learned_from_and_scored_on(run_zoo, tmp_path):
    write_synthetic(tmp_path / "data", trials=SYNTHETIC_TRIALS[:1], frames=90)
    options = ["--model", "deconv", "--trials", "data", "--flow", "-n", 2, "--no-progress"]
    result = run_zoo("pretrain", *options, "-params", *TINY)
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("Next: "))
    program, *words = shlex.split(line.removeprefix("Next: "))[1:]
    assert (program, words[:2]) == ("zoo/saliency.py", ["--trials", "data"])
    more = ["--first", 80, "--trained", 50, "--json", "table.json", "--picture", "sheet.png"]
    lines = run_zoo("saliency", *words, *more).stdout.splitlines()
    assert lines[0].split()[:5] == ["game", "noise", "gaze", "NSS", "AUC"]
    rows = json.loads((tmp_path / "table.json").read_text())["table"]["MsPacman"]
    assert [row["gaze"] for row in rows][-2:] == ["(previous gaze)", "deconv"]
    for row, line in zip(rows, lines[1:7], strict=True):
        assert f"{row['nss']:.3f}" in line and line.split()[-2] == str(row["used"])
    assert (tmp_path / "sheet.png").stat().st_size > 1000
    error = run_zoo("score", "--game", "MsPacman", "--model", "deconv", ok=False).stderr
    assert error == "error: gaze models are scored by python zoo/saliency.py.\n"


def test_agents_are_scored_and_filmed(run_zoo, tmp_path):
    write_synthetic(tmp_path / "data", trials=SYNTHETIC_TRIALS[:1], frames=60, form="tar")
    for name in ("one", "two"):
        write_agent(linear_agent(), tmp_path / name)
    words = ["--trials", "data", "--algo", "a2c", "--env", MS_PACMAN, "-f", "one", "two"]
    words += ["--device", "cpu", "--first", 41, "--trained", 40, "--methods", "gradient"]
    more = ["--as-published", "--json", "table.json", "--film", "film.mp4"]
    lines = run_zoo("saliency", *words, *more).stdout.splitlines()
    assert lines[0].split()[2:] == ["gaze", "NSS", "KL", "shuffled", "frames", "no", "gaze"]
    found = json.loads((tmp_path / "table.json").read_text())
    assert [agent["folder"] for agent in found["options"]["agents"]] == ["one", "two"]
    rows = found["table"]["MsPacman"]
    assert [row["gaze"] for row in rows[5:]] == ["one gradient", "two gradient"]
    for row, line in zip(rows, lines[1:8], strict=True):
        assert f"{row['nss']:.3f}" in line and line.split()[-2] == str(row["used"])
    # A second table tells where a figure is missing: an even map's, the divergence of the agents'.
    head = lines.index("frames without a figure, where these are not those without gaze")
    assert lines[head + 1].split() == ["game", "noise", "gaze", "NSS", "KL", "shuffled"]
    moments, without = rows[0]["used"] + rows[0]["undefined"], rows[0]["undefined"]
    counts = [line.split()[2:] for line in lines[head + 2 :] if line.startswith("MsPacman")]
    assert counts[0] == ["(even)", str(moments), str(without), str(moments)]
    assert counts[-1] == ["two", "gradient", str(without), str(moments), str(without)]
    film = cv2.VideoCapture(str(tmp_path / "film.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == rows[0]["used"] + rows[0]["undefined"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--trials", "nowhere", "--first", "1"], "There is no file or folder nowhere"),
        (["--algo", "a2c"], "an agent is told by both --algo and --env"),
        (["--algo", "a2c", "--env", "ObjFrames-MsPacmn-v0"], "unknown env 'ObjFrames-MsPacmn-v0'"),
        (["--film", "a.mp4"], "A picture and a film show a model or an agent: give one."),
    ],
)
def test_bad_input_is_one_line(run_zoo, words, message):
    error = run_zoo("saliency", "--trials", "data", "--device", "cpu", *words, ok=False).stderr
    assert error.strip().splitlines()[-1].startswith("error: ")
    assert message in error and "Traceback" not in error
