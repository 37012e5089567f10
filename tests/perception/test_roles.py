"""Roles on disk: what was saved is what is read, and nothing else is taken for them."""

import json
import re

import numpy as np
import pytest
import torch

from objwrappers.perception.roles import Roles, find_roles

FACTS = {"family": "scenes", "model": "motion", "digest": "a" * 64}


def some_roles(player: int | None = 1, height: int = 12, width: int = 10) -> Roles:
    roles = Roles(2, ("danger 1", "player"), (2, 1), (1, 2), player, height, width)
    roles.classifier.weight.copy_(torch.tensor([[1.0, 0], [0, 1], [0, -1]]))
    roles.harm = torch.tensor([0.75, 0])
    roles.worth = torch.tensor([-1.0, 0])
    roles.agency = torch.tensor([0.0, 0.5])
    whole = np.zeros((height, width, 3), np.uint8)
    whole[:, 5:] = 228, 111, 111
    walls, vanishing = np.zeros((2, height, width), bool)
    walls[:, 8:], vanishing[3, 5:7] = True, True
    roles.set_scenery(whole, walls, vanishing)
    return roles


def test_what_is_read_is_what_was_saved(tmp_path):
    roles = some_roles()
    trained_on = {"task": "Pong", "noise": "none", "channels": "RGB"}
    roles.save(tmp_path / "roles", **FACTS, trained_on=trained_on, training={"seed": 3})
    read = Roles.load(tmp_path / "roles", FACTS["digest"])
    assert read.player == 1
    assert read.frame_size == (12, 10)
    assert read.classifier.labels == ("danger 1", "player")
    assert (read.classifier.rows, read.classifier.looks) == ((2, 1), (1, 2))
    for key, value in roles.state_dict().items():
        assert torch.equal(read.state_dict()[key], value), key
    for name in ("whole", "walls", "vanishing"):
        np.testing.assert_array_equal(getattr(read, name), getattr(roles, name))
    assert read.whole[0].tolist() == [[0, 0, 0]] * 5 + [[228, 111, 111]] * 5
    assert (read.walls.sum(), read.vanishing.sum()) == (24, 2)
    assert read.record == {
        "model": "motion",
        "weights_digest": FACTS["digest"],
        "trained_on": trained_on,
        "training": {"seed": 3},
    }
    assert read.command == "python zoo/roles.py --model motion --game Pong --steps 6000"


def test_a_class_of_two_looks_has_the_score_of_the_better_one():
    classifier = some_roles().classifier
    what = torch.tensor([[3.0, 1.0], [1.0, -4.0], [1.0, 4.0]])
    assert classifier(what).tolist() == [[3, 1], [1, 4], [1, 4]]


def test_rare_colours_of_many_become_the_nearest():
    roles = some_roles(height=20, width=20)
    whole = np.zeros((20, 20, 3), np.uint8)
    whole.reshape(-1, 3)[:300, 0] = np.arange(300) // 2 + 100  # 150 reds, two pixels each
    whole.reshape(-1, 3)[:300, 1] = np.arange(300) % 2  # 300 colours, and black
    roles.set_scenery(whole, *np.zeros((2, 20, 20), bool))
    assert np.abs(roles.whole.astype(int) - whole).max() <= 30
    assert (roles.whole == whole).all(-1).sum() >= 255


def test_the_digest_is_of_what_an_agent_sees():
    roles, other = some_roles(), some_roles()
    other.harm = torch.tensor([0.5, 0.1])  # who harms, and who does not
    other.worth += 1
    assert other.digest == roles.digest
    for change in ({"harm": torch.tensor([0.1, 0])}, {"player": 0}, {"scenery": roles.scenery + 1}):
        other = some_roles()
        for name, value in change.items():
            setattr(other, name, value)
        assert other.digest != roles.digest, change


def test_read_roles_know_whose_they_are(tmp_path):
    some_roles().check_belongs("b" * 64)  # nothing is known of where these are from
    some_roles().save(tmp_path / "roles", **FACTS)
    with pytest.raises(ValueError, match="made for other weights"):
        Roles.load(tmp_path / "roles").check_belongs("b" * 64)


def test_other_weights_do_not_take_them(tmp_path):
    some_roles().save(tmp_path / "roles", **FACTS)
    with pytest.raises(ValueError, match=r"other weights, of digest a{12}, but these have b{12}"):
        Roles.load(tmp_path / "roles", "b" * 64)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"family": "keypoints"}, "is of keypoints 'motion', not roles"),
        ({"player": 2}, "player must be a class from 0 to 1, got 2"),
        ({"player": "0"}, "player must be of type"),
        ({"rows": None}, "rows must be of type"),
        ({"height": 10**6}, "1 to 1024 pixels a side, got 1000000 by 10"),
        ({"looks": [1, 9]}, "size mismatch"),
        ({"looks": [1]}, "looks must be a number of at least 1 for each of 2 labels"),
    ],
)
def test_damage_is_named(tmp_path, change, words):
    some_roles().save(tmp_path / "roles", **FACTS)
    path = tmp_path / "roles" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=re.escape(words)):
        Roles.load(tmp_path / "roles")


def test_a_config_without_classes_is_damaged(tmp_path):
    some_roles().save(tmp_path / "roles", **FACTS)
    path = tmp_path / "roles" / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({key: config[key] for key in config if key != "labels"}))
    with pytest.raises(ValueError, match="is damaged: it lacks labels"):
        Roles.load(tmp_path / "roles")


def test_missing_roles_name_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    words = "python zoo/roles.py --model motion --game Kangaroo --noise both"
    with pytest.raises(FileNotFoundError, match=words):
        find_roles("motion", "Kangaroo", "both")
    words = r'--weights mine \(in Python: .*"Kangaroo", "motion", weights="mine"\)\)'
    with pytest.raises(FileNotFoundError, match=words):
        find_roles("motion", "Kangaroo", weights="mine")


def test_the_cache_goes_before_what_is_bundled_and_foreign_classes_name_the_command(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "objwrappers" / "weights" / "anything"
    trained_on = {"task": "Pong", "noise": "none", "channels": "RGB"}
    some_roles().save(folder, **FACTS, trained_on=trained_on)
    assert find_roles("motion", "Pong", digest=FACTS["digest"]).frame_size == (12, 10)
    with pytest.raises(ValueError, match=r"other weights.*python zoo/roles.py --model motion"):
        find_roles("motion", "Pong", digest="c" * 64)


def test_of_several_those_of_the_weights_are_found(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for height, digest, name in ((12, "a", "scenes-roles-motion-Pong"), (14, "b", "another")):
        some_roles(height=height).save(
            tmp_path / "objwrappers" / "weights" / name,
            **{**FACTS, "digest": digest * 64},
            trained_on={"task": "Pong", "noise": "none", "channels": "RGB"},
        )
    for height, digest in ((12, "a"), (14, "b")):
        assert find_roles("motion", "Pong", digest=digest * 64).frame_size == (height, 10)


def test_the_bundled_roles_of_breakout_know_its_bricks():
    for noise in ("none", "both"):
        roles = find_roles("motion", "Breakout", noise)
        bricks = np.zeros((210, 160), bool)
        bricks[57:93, 8:152] = True
        np.testing.assert_array_equal(roles.vanishing, bricks)
        assert roles.walls[17:32].all() and not roles.walls[100:180, 20:140].any()
