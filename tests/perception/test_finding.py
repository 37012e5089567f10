"""Weights are found by what they were trained on, whatever stands beside them."""

import json
import os
import shutil
import warnings

import pytest

from objwrappers import files
from objwrappers.perception import loading
from objwrappers.perception.loading import BUNDLED, find_weights, load_model, weights_name
from objwrappers.perception.motion_keypoints import MotionKeypoints


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "objwrappers" / "weights"


def save(folder, task="Pong", noise="none", count=3):
    model = MotionKeypoints(num_keypoints=count, width=8)
    model.record = {"trained_on": {"task": task, "noise": noise, "channels": "RGB"}}
    model.save_pretrained(folder)
    return folder


def test_a_folders_name_is_no_matter(cache):
    save(cache / "motion-MsPacman-both", "Pong", "none")
    other = save(cache / "mine", "MsPacman", "both")
    assert find_weights("motion", "Pong") == cache / "motion-MsPacman-both"
    assert find_weights("motion", "MsPacman", "both") == other
    assert find_weights("motion", "MsPacman") == BUNDLED / "motion-MsPacman"


def test_of_several_the_usual_name_is_taken_and_then_the_first(cache):
    first, second = save(cache / "a"), save(cache / "z")
    assert find_weights("motion", "Pong") == first
    usual = save(cache / "motion-Pong")
    assert find_weights("motion", "Pong") == usual
    shutil.rmtree(usual)
    shutil.rmtree(first)
    assert find_weights("motion", "Pong") == second


def test_bars_are_asked_for_first_and_none_with_a_warning(cache):
    with_bars = save(cache / "bars", noise="vertical")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_weights("motion", "Pong", "vertical") == with_bars
        assert find_weights("motion", "Pong") == BUNDLED / "motion-Pong"
    with pytest.warns(UserWarning, match=r"motion-Pong was trained without bars.*--noise both"):
        assert find_weights("motion", "Pong", "both") == BUNDLED / "motion-Pong"


def test_what_is_missing_is_told_with_the_command_and_the_call(cache):
    with pytest.raises(FileNotFoundError) as error:
        find_weights("motion", "Tennis", "both")
    assert "python zoo/pretrain.py --model motion --game Tennis --noise both" in str(error.value)
    assert 'objwrappers.pretrain("motion", "Tennis", noise="both")' in str(error.value)
    with pytest.raises(
        FileNotFoundError, match=r"zoo/pretrain.py --model student --teacher motion --game Tennis"
    ):
        find_weights("student", "Tennis")


def old_form(folder, **entries):
    """A config.json as it was before weights said what they were trained on."""
    config = {"model": "motion", "num_keypoints": 3, "sigma": 0.08, "width": 8, **entries}
    (folder / "config.json").write_text(json.dumps(config))


def test_old_folders_are_found_and_read(cache):
    folder = save(cache / "motion-Pong")
    old_form(folder, game="Pong", constancy=0.0, training={"seed": 1})
    assert find_weights("motion", "Pong") == folder
    model = load_model("motion", "Pong", device="cpu")
    assert model.num_keypoints == 3
    assert model.record == {
        "trained_on": {"task": "Pong", "noise": "none", "channels": "RGB"},
        "training": {"seed": 1},
    }
    old_form(folder, game="Pong", noise="both")
    assert find_weights("motion", "Pong", "both") == folder
    assert find_weights("motion", "Pong") == BUNDLED / "motion-Pong"
    # Saved again, they are as today's.
    load_model("motion", "Pong", device="cpu", noise="both").save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    assert config["trained_on"]["noise"] == "both" and len(config["sha256"]) == 64


BROKEN = {
    "garbage": lambda folder: (folder / "config.json").write_bytes(b"\xff\x00"),
    "deep": lambda folder: (folder / "config.json").write_text("[" * 2000),
    "pipe": lambda folder: os.mkfifo(folder / "config.json"),
    "folder": lambda folder: (folder / "config.json").mkdir(),
    "loop": lambda folder: (folder / "config.json").symlink_to(folder / "config.json"),
    "facts": lambda folder: (folder / "config.json").write_text('{"trained_on": 3}'),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_folder_in_the_cache_is_passed_over_with_a_warning(cache, kind):
    (cache / "motion-Pong").mkdir(parents=True)
    BROKEN[kind](cache / "motion-Pong")
    with pytest.warns(UserWarning, match=r"passed over: .*motion-Pong.config.json"):
        assert load_model("motion", "Pong", device="cpu").num_keypoints == 6


def test_files_hidden_folders_and_empty_ones_are_no_matter(cache):
    save(cache / ".motion-Pong.abc")
    (cache / "empty").mkdir()
    (cache / "notes.txt").write_text("mine")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_weights("motion", "Pong") == BUNDLED / "motion-Pong"


def test_a_cache_that_is_no_folder_or_may_not_be_read_breaks_nothing(cache, monkeypatch):
    cache.parent.mkdir(parents=True)
    cache.write_text("a file")
    with pytest.warns(UserWarning, match="weights is passed over: "):
        assert find_weights("motion", "Pong") == BUNDLED / "motion-Pong"
    cache.unlink()
    save(cache / "motion-Pong")
    listed = type(cache).iterdir

    def iterdir(path):
        if path == cache:
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(type(cache), "iterdir", iterdir)
    with pytest.warns(UserWarning, match="weights is passed over: .*Permission denied"):
        assert find_weights("motion", "Pong") == BUNDLED / "motion-Pong"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("locked", ["objwrappers", "objwrappers/weights/motion-Pong"])
def test_a_locked_cache_breaks_nothing(cache, tmp_path, locked):
    save(cache / "motion-Pong")
    (tmp_path / locked).chmod(0)
    try:
        with pytest.warns(UserWarning, match="passed over"):
            assert find_weights("motion", "Pong") == BUNDLED / "motion-Pong"
    finally:
        (tmp_path / locked).chmod(0o755)


def test_a_replacement_that_was_cut_off_is_undone(cache):
    folder = save(cache / "motion-Pong")
    os.rename(folder, files._outdated(folder))  # killed between the two renames
    assert find_weights("motion", "Pong") == folder
    assert [path.name for path in cache.iterdir()] == ["motion-Pong"]


def test_names_of_folders():
    assert weights_name("motion", "Pong") == "motion-Pong"
    assert weights_name("motion", "Pong", "both") == "motion-Pong-both"
    assert weights_name("motion", "Pong", family="scene") == "scene-motion-Pong"


def test_weights_of_another_game_are_told(folder):
    with pytest.warns(UserWarning, match="was trained on Pong, not MsPacman"):
        load_model("motion", "MsPacman", weights=folder, device="cpu")


def test_whose_weights_they_are(folder):
    assert loading.family_and_model_of(folder) == ("keypoints", "motion")
    assert loading.model_of(BUNDLED / "permakey-MsPacman") == "permakey"


def save_joint(folder, tasks, noise="none"):
    model = MotionKeypoints(num_keypoints=2, width=8)
    task = "-".join(tasks)
    trained_on = {"task": task, "tasks": tasks, "noise": noise, "channels": "RGB"}
    model.record = {"trained_on": trained_on}
    model.save_pretrained(folder)
    return folder


def test_weights_of_several_games_are_found_by_each_after_those_of_one(cache):
    joint = save_joint(cache / "a", ["Pong", "Tennis"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_weights("motion", "Tennis") == joint
        assert load_model("motion", "Tennis", device="cpu").num_keypoints == 2
        # Bundled weights of Pong alone fit better than the cache's joint ones.
        assert find_weights("motion", "Pong") == BUNDLED / "motion-Pong"
        noisy = save_joint(cache / "b", ["Pong", "Tennis"], "both")
        assert find_weights("motion", "Pong", "both") == noisy
    with pytest.raises(FileNotFoundError):
        find_weights("motion", "Pong-Tennis-Boxing")
    with pytest.warns(UserWarning, match="was trained on Pong, Tennis, not Boxing"):
        load_model("motion", "Boxing", weights=joint, device="cpu")


def test_tasks_that_are_no_names_are_damage(cache):
    joint = save_joint(cache / "a", ["Pong", "Tennis"])
    config = json.loads((joint / "config.json").read_text())
    config["trained_on"]["tasks"] = ["Pong", 3]
    (joint / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        ValueError, match=r"damaged: tasks must be a list of names, got \['Pong', 3"
    ):
        load_model("motion", "Pong", weights=joint, device="cpu")
