import json
import shlex

from objwrappers.datasets.atari_head.synthetic import SYNTHETIC_TRIALS, write_synthetic

TINY = ["batch_size:4", "eval_freq:2", "checkpoint_every:2"]


def test_trials_are_learned_from_and_scored_on(run_zoo, tmp_path):
    write_synthetic(tmp_path / "data", trials=SYNTHETIC_TRIALS[:1], frames=90)
    options = ["--model", "deconv", "--trials", "data", "--flow", "-n", 2, "--no-progress"]
    result = run_zoo("pretrain", *options, "-params", *TINY)
    (line,) = (line for line in result.stdout.splitlines() if line.startswith("Next: "))
    program, *words = shlex.split(line.removeprefix("Next: "))[1:]
    assert (program, words[:2]) == ("zoo/score_gaze.py", ["--trials", "data"])
    more = ["--first", 80, "--trained", 50, "--json", "table.json", "--picture", "sheet.png"]
    lines = run_zoo("score_gaze", *words, *more).stdout.splitlines()
    assert lines[0].split()[:5] == ["game", "noise", "gaze", "NSS", "AUC"]
    rows = json.loads((tmp_path / "table.json").read_text())["table"]["MsPacman"]
    assert [row["gaze"] for row in rows][-2:] == ["(previous gaze)", "deconv"]
    for row, line in zip(rows, lines[1:7], strict=True):
        assert f"{row['nss']:.3f}" in line and line.split()[-2] == str(row["used"])
    assert (tmp_path / "sheet.png").stat().st_size > 1000
    error = run_zoo("score_gaze", "--trials", "data", "--film", "a.mp4", ok=False).stderr
    assert "--picture and --film show a model" in error
    error = run_zoo("score_gaze", "--trials", "nowhere", ok=False).stderr
    assert "There is no file or folder nowhere" in error and "Traceback" not in error
    error = run_zoo("score", "--game", "MsPacman", "--model", "deconv", ok=False).stderr
    assert error == "error: gaze models are scored by python zoo/score_gaze.py.\n"
