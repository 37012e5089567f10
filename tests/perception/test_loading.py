"""Where weights are found; errors that name the file."""

import hashlib
import json
import shutil
import warnings

import pytest
import torch

from objwrappers.perception import storage
from objwrappers.perception.loading import BUNDLED, load_model
from objwrappers.perception.roles import Roles


def load(folder, **options):
    return load_model("motion", game="Pong", weights=folder, device="cpu", **options)


def edit(folder, **changes):
    """Changes config.json; None removes an entry."""
    config = json.loads((folder / "config.json").read_text())
    for key, value in changes.items():
        config[key] = value
    changed = {key: value for key, value in config.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(changed))


def test_cut_off_weights_are_named(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(
        ValueError, match=r"model.safetensors does not hold the weights of a motion"
    ):
        load(folder)


def test_weights_of_another_size_are_named(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_keypoints": 4}))
    with pytest.raises(ValueError, match="size mismatch"):
        load(folder)


def test_weights_of_another_model_are_named_with_the_cure(folder):
    with pytest.raises(
        ValueError, match=r"weights of 'motion', not of 'transporter'.*model='motion'"
    ):
        load_model("transporter", game="Pong", weights=folder)


@pytest.mark.parametrize("text", ["{", "[]", "", '"motion"'])
def test_a_damaged_config_is_named(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config.json is damaged"):
        load(folder)


@pytest.mark.parametrize(
    "argument, value, message",
    [
        ("num_keypoints", "many", "num_keypoints must be of type int, got 'many'"),
        ("num_keypoints", 2.0, "num_keypoints must be of type int, got 2.0"),
        ("num_keypoints", True, "num_keypoints must be of type int, got True"),
        ("num_keypoints", None, "num_keypoints must be of type int, got None"),
        ("num_keypoints", [3], r"num_keypoints must be of type int, got \[3\]"),
        ("num_keypoints", 10**9, "num_keypoints must be at most 1024, got 1000000000"),
        ("num_keypoints", 10**400, "num_keypoints must be a finite number of at most 2.53"),
        ("num_keypoints", -(10**60), "num_keypoints must be a finite number of at most 2.53"),
        ("num_keypoints", 0, "num_keypoints must be an integer of at least 1, got 0"),
        ("sigma", "x", "sigma must be of type float, got 'x'"),
        ("sigma", 0, "sigma must be a positive number, got 0"),
        ("width", 0, "channels must be an integer of at least 1, got 0"),
        ("width", "wide", "width must be of type int, got .wide."),
    ],
)
def test_a_config_with_nonsense_arguments_is_named(folder, argument, value, message):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, argument: value}))
    with pytest.raises(ValueError, match=message):
        load(folder)


@pytest.mark.parametrize("name", ["nope", "./nope", "/no/such", "a/b/c"])
def test_what_is_no_repository_is_not_asked_for(name):
    with pytest.raises(FileNotFoundError, match="neither a folder nor a hub repository, user/name"):
        load_model("motion", game="Pong", weights=name)


def test_a_foreign_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"not a weights folder: no config.json"):
        load(tmp_path)


def test_a_pickle_beside_the_config_is_never_read(folder, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    torch.save(Bomb(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises((ValueError, FileNotFoundError)):
        load(folder)
    assert not (tmp_path / "exploded").exists()


def test_weights_trained_under_the_noise_come_first(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.warns(UserWarning, match="trained without bars.*--game Pong --noise both"):
        clean = load_model("motion", game="Pong", device="cpu", noise="both")
    assert clean.num_keypoints == 6
    edit(folder, trained_on={"task": "Pong", "noise": "both", "channels": "RGB"})
    shutil.copytree(folder, tmp_path / "cache" / "objwrappers" / "weights" / "any name")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_model("motion", "Pong", device="cpu", noise="both").num_keypoints == 3
        assert load_model("motion", "Pong", device="cpu").num_keypoints == 6
    with pytest.raises(FileNotFoundError, match="--model motion --game Tennis --noise vertical"):
        load_model("motion", "Tennis", noise="vertical")


def test_users_cache_comes_before_the_bundled_weights(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bundled = load_model("motion", game="Pong", device="cpu")
    assert bundled.num_keypoints == 6
    shutil.copytree(folder, tmp_path / "objwrappers" / "weights" / "motion-Pong")
    assert load_model("motion", game="Pong", device="cpu").num_keypoints == 3


def test_a_hub_repository_is_downloaded_file_by_file(folder, monkeypatch):
    asked = []

    def download(repo_id, filename, revision=None, **_):
        asked.append((repo_id, filename, revision))
        return str(folder / filename)

    monkeypatch.setattr(storage, "hf_hub_download", download)
    monkeypatch.setattr(storage, "_hub_answers", lambda *_: True)
    assert load("someone/keypoints@v1").num_keypoints == 3
    assert {(name, revision) for _, name, revision in asked} == {
        ("config.json", "v1"),
        ("model.safetensors", "v1"),
    }
    assert {repository for repository, *_ in asked} == {"someone/keypoints"}


def test_an_unreachable_repository_is_named(monkeypatch):
    def offline(*_, **__):
        raise storage.LocalEntryNotFoundError("offline")

    monkeypatch.setattr(storage, "hf_hub_download", offline)
    monkeypatch.setattr(storage, "_hub_answers", lambda *_: True)
    with pytest.raises(FileNotFoundError, match="weights='no/where' is neither a folder nor"):
        load("no/where")


GAMES = {
    "motion": ["MsPacman", "Seaquest", "Frostbite", "SpaceInvaders", "BattleZone", "Enduro"],
    "transporter": ["MsPacman", "Seaquest", "Frostbite", "SpaceInvaders", "Enduro"],
    "permakey": ["MsPacman", "Seaquest", "Frostbite"],
    "light": ["MsPacman", "Seaquest", "Frostbite", "SpaceInvaders", "BattleZone", "Enduro"],
}
SCENE_GAMES = ["Pong", "MsPacman", "SpaceInvaders", "Boxing"]


def missing(names):
    return [name for name in names if not (BUNDLED / name / "config.json").exists()]


@pytest.mark.parametrize("model", GAMES)
def test_keypoints_of_the_games_shown_are_bundled(model):
    assert missing(f"{model}-{game}" for game in GAMES[model]) == []


@pytest.mark.parametrize("model", ["motion", "permakey"])
def test_keypoints_under_bars_of_three_games_are_bundled(model):
    assert missing(f"{model}-{game}-both" for game in GAMES["permakey"]) == []


@pytest.mark.parametrize("model", ["space_time", "motion"])
def test_scenes_of_four_games_are_bundled_with_names(model):
    names = [f"scenes-{model}-{game}" for game in SCENE_GAMES]
    assert missing(names) == []
    for name in names:
        config = json.loads((BUNDLED / name / "config.json").read_text())
        assert config["labels"]
        assert config["classifier"]["shots"] == 256


def test_human_gaze_of_ms_pacman_is_bundled():
    assert missing(["gaze-motion-MsPacman"]) == []


def test_bundled_weights_together_are_within_25_mib():
    assert sum(path.stat().st_size for path in BUNDLED.rglob("*")) <= 25 * 2**20


FOLDERS = [p.parent for p in BUNDLED.glob("*/config.json")]
ROLES = [folder for folder in FOLDERS if folder.name.startswith("scenes-roles-")]


@pytest.mark.parametrize("folder", ROLES, ids=lambda p: p.name)
def test_bundled_roles_are_small_have_a_player_and_fit_the_weights_beside_them(folder):
    model, game, *noise = folder.name.removeprefix("scenes-roles-").split("-")
    assert (folder / "model.safetensors").stat().st_size <= 80_000
    name = "-".join(["scenes", model, game, *noise])
    scene = load_model(model, game, BUNDLED / name, "cpu", family="scenes")
    roles = Roles.load(folder, scene.digest)
    assert roles.classifier.labels[roles.player] == "player"
    assert roles.record["trained_on"] == scene.record["trained_on"]
    assert roles.record["training"]["command"].startswith(f"python zoo/roles.py --game {game}")
    assert roles.walls.any()
    assert roles.agency.argmax() == roles.player


@pytest.mark.parametrize("folder", [f for f in FOLDERS if f not in ROLES], ids=lambda p: p.name)
def test_bundled_weights_are_small_and_say_how_they_were_made(folder):
    parts = folder.name.split("-")
    family = parts.pop(0) if parts[0] in ("scenes", "gaze") else "keypoints"
    name, game, *noise = parts
    large = family == "gaze" or name in ("permakey", "space_time")
    assert (folder / "model.safetensors").stat().st_size <= (2 * 2**20 if large else 300_000)
    config = json.loads((folder / "config.json").read_text())
    training = config["training"]
    assert (config["family"], config["model"]) == (family, name)
    assert config["trained_on"] == {
        "task": game,
        "noise": noise[0] if noise else "none",
        "channels": "grey" if family == "gaze" else "RGB",
    }
    content = (folder / "model.safetensors").read_bytes()
    assert config["sha256"] == hashlib.sha256(content).hexdigest()
    assert not {"game", "noise", "constancy"} & config.keys()
    learns = f"--model {name} --game {game}"
    assert training["command"].startswith("python zoo/pretrain.py ")
    assert learns in training["command"]
    # Those of many games were made by --each, which says how to make one by itself.
    if name != "light":
        assert f"--output objwrappers/perception/weights/{folder.name}" in training["command"]
    assert {"frames", "steps", "batch_size", "seed", "validation"} <= training.keys()
    model = load_model(name, game=game, weights=folder, device="cpu", family=family)
    assert model.observation_space


def test_whether_the_hub_answers_is_asked_again_after_a_minute(monkeypatch):
    asked = []

    def connect(address, timeout):
        asked.append(address)
        raise OSError

    monkeypatch.setattr(storage, "getproxies", dict)
    monkeypatch.setattr(storage.socket, "create_connection", connect)
    monkeypatch.setattr(storage.constants, "ENDPOINT", "https://hub.invalid")
    for seconds in (600, 630, 659, 661):
        monkeypatch.setattr(storage.time, "monotonic", lambda now=seconds: float(now))
        with pytest.raises(FileNotFoundError, match=r"https://hub.invalid does not answer"):
            storage.locate("somebody/weights", "config.json")
    assert asked == [("hub.invalid", 443)] * 2
