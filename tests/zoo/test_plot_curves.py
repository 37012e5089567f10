from pathlib import Path

import cv2


def write_run(folder: Path, scores: list[int]) -> None:
    folder.mkdir(parents=True)
    rows = "".join(f"{score},100,{i}.0\n" for i, score in enumerate(scores))
    (folder / "0.monitor.csv").write_text("#{}\nr,l,t\n" + rows)


def test_a_picture_of_several_seeds(run_zoo, tmp_path):
    write_run(tmp_path / "a" / "run", [10, 20, 30])
    write_run(tmp_path / "b" / "run", [20, 30, 40, 50])
    run_zoo("plot_curves", "a", "b", "--random", 15, "-o", "curve.png")
    assert cv2.imread(str(tmp_path / "curve.png")).shape == (432, 720, 3)


def test_several_runs_in_one_folder_are_named(run_zoo, tmp_path):
    write_run(tmp_path / "a" / "run_1", [1])
    write_run(tmp_path / "a" / "run_2", [1])
    assert "a holds several runs" in run_zoo("plot_curves", "a", ok=False).stderr
    assert "No 0.monitor.csv below b" in run_zoo("plot_curves", "b", ok=False).stderr


def test_groups_have_a_curve_each(run_zoo, tmp_path):
    for i, scores in enumerate([[10, 20], [20, 30], [40, 50]]):
        write_run(tmp_path / f"run{i}", scores)
    options = ["--group", "cnn", "run0", "run1", "--group", "fls", "run2", "-o", "two.png"]
    run_zoo("plot_curves", *options)
    picture = cv2.imread(str(tmp_path / "two.png")).reshape(-1, 3)
    # matplotlib's first two colours, BGR.
    assert all(
        (picture == colour).all(-1).sum() > 50 for colour in ([180, 119, 31], [14, 127, 255])
    )
    assert "give runs, or --group" in run_zoo("plot_curves", "--group", "cnn", ok=False).stderr
