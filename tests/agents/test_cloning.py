"""Imitators from end to end: trained, read without pickles, played, and gone on with by PPO."""

import json
import warnings

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

import objwrappers
from objwrappers.agents import clone, cloning, load_agent
from objwrappers.agents.cloning import read_hyperparams
from objwrappers.agents.demonstrations import demonstrations, split_frames
from objwrappers.agents.envs import make_env
from objwrappers.datasets.atari_head import human_recording, read_trials, write_synthetic
from objwrappers.datasets.atari_head.synthetic import SyntheticTrial
from objwrappers.metrics.actions import action_figures
from objwrappers.perception.gaze.deconv import DeconvGaze
from objwrappers.perception.motion_keypoints import MotionKeypoints
from objwrappers.sb3.cloning.training import predict

ENV = "ObjFrames-MsPacman-v0"
TINY = {"batch_size": 16, "eval_freq": 2}
FRAMES = 200


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A trial's recording."""
    folder = tmp_path_factory.mktemp("head")
    write_synthetic(folder, trials=[SyntheticTrial(202, "JAW")], frames=FRAMES)
    (trial,) = read_trials(folder)
    return human_recording(trial, folder / "recording").folder


@pytest.fixture(scope="module")
def gaze(tmp_path_factory):
    """Untrained weights of a gaze model."""
    folder = tmp_path_factory.mktemp("gaze") / "weights"
    torch.manual_seed(3)
    DeconvGaze().save_pretrained(folder)
    return folder


@pytest.fixture
def train(recording, tmp_path):
    """Imitates for two steps; further options as of ``clone``."""

    def run(env_id=ENV, **options):
        hyperparams = {**TINY, **options.pop("hyperparams", {})}
        options = {"n_timesteps": 2, "device": "cpu", "log_folder": tmp_path / "logs", **options}
        return clone(env_id, recording, hyperparams=hyperparams, **options)

    return run


def config_of(archive):
    return json.loads((archive.parent / "config.json").read_text())


@pytest.mark.parametrize("method", ["plain", "agil", "channel", "mask", "cgl", "gabril"])
def test_an_imitator_is_an_agent_of_ppos_kind(train, tmp_path, method, gaze):
    sees = method in ("agil", "channel", "mask")
    archive = train(method=method, gaze_weights=gaze if sees else None)
    assert archive == tmp_path / "logs" / "bc" / f"{ENV}_1" / f"{ENV}.zip"
    assert [path.name for path in archive.parent.iterdir() if "checkpoint" in path.name] == []
    kwargs = {"folder": tmp_path / "logs", "device": "cpu", "num_envs": 2}
    agent, env = load_agent("bc", ENV, **kwargs)
    peer = PPO.load(archive, device="cpu")
    observation = env.reset()
    for _ in range(3):
        actions, _ = agent.predict(observation, deterministic=True)
        np.testing.assert_array_equal(actions, peer.predict(observation, deterministic=True)[0])
        observation, *_ = env.step(actions)
    env.close()
    if sees:
        trained = DeconvGaze.from_pretrained(gaze).state_dict()
        for name, tensor in agent.policy.features_extractor.gaze.state_dict().items():
            torch.testing.assert_close(tensor, trained[name], rtol=0, atol=0)


def test_ppo_goes_on_with_an_imitator(train, gaze):
    archive = train(method="mask", gaze_weights=gaze)
    env = make_env(ENV, 2, seed=0)
    model = PPO.load(
        archive, env, device="cpu", n_steps=8, batch_size=16, n_epochs=1, learning_rate=1e-3
    )
    before = {name: one.clone() for name, one in model.policy.state_dict().items()}
    model.learn(16)
    after = model.policy.state_dict()
    changed = {name for name, one in after.items() if not torch.equal(one, before[name])}
    assert "action_net.weight" in changed and "value_net.weight" in changed
    assert not {name for name in changed if ".gaze." in name}
    env.close()


def test_config_tells_what_was_learned_from_and_how_well(train, recording):
    archive = train(hyperparams={"balance": "weights"})
    config = config_of(archive)
    assert config["imitation"]["split"] == "tail"
    assert [*config["imitation"]["trials"]] == ["202_JAW_1000202_Jan-02-13-04-05"]
    assert config["hyperparams"]["balance"] == "weights" and config["trained_timesteps"] == 2
    assert config["test"].keys() == {"agent", "majority", "last frame", "last step"}
    assert config["validation"]["step"] == 2
    actions = np.asarray(human_recording(recording).actions)
    train_part = actions[:159][actions[:159] >= 0]
    majority = np.bincount(train_part).argmax()
    test_part = actions[179 + 16 : 199]
    expected = (test_part[test_part >= 0] == majority).mean()
    assert config["test"]["majority"]["accuracy"] == pytest.approx(expected)


def test_figures_are_those_of_the_agent_that_was_kept(train, recording):
    archive = train()
    policy = PPO.load(archive, device="cpu").policy
    play = human_recording(recording)
    data = demonstrations(play, ENV, {})
    frames, _ = split_frames([play], "auto", 16)
    steps = frames["test"][0]
    steps = steps[data.actions[steps] >= 0]
    found = action_figures(predict(policy, data, steps), data.actions[steps])
    assert found == pytest.approx(config_of(archive)["test"]["agent"])


def test_confounded_play_is_learned_from_and_played(train, tmp_path):
    train(env_kwargs={"confounded": True})
    _, env = load_agent("bc", ENV, folder=tmp_path / "logs", device="cpu")
    env.reset()
    observation, *_ = env.step(np.array([2]))
    assert (observation[0, -1, :4, 18:27] == 255).all()
    assert not observation[0, -1, :4, :18].any() and not observation[0, -1, :4, 27:].any()
    env.close()


def test_keypoints_are_imitated_with_their_stack(train, tmp_path):
    torch.manual_seed(0)
    MotionKeypoints(num_keypoints=3, width=8).save_pretrained(tmp_path / "weights")
    env_id = "ObjKeypoints-MsPacman-v0"
    train(env_id, env_kwargs={"weights": str(tmp_path / "weights")})
    agent, env = load_agent("bc", env_id, folder=tmp_path / "logs", device="cpu")
    observation = env.reset()
    assert observation["keypoints"].shape == (1, 3, 8)
    actions, _ = agent.predict(observation)
    assert actions.shape == (1,)
    env.close()


def test_an_imitator_keeps_the_model_that_it_learned_from(train, tmp_path):
    env_id = "ObjKeypoints-MsPacman-v0"
    assert config_of(train(env_id))["env_kwargs"]["model"] == "light"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of other models than in its training
        _, env = load_agent("bc", env_id, folder=tmp_path / "logs", device="cpu")
    env.close()


def test_a_training_that_was_cut_off_goes_on_in_its_folder(train, tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cloning, "save_agent", killed)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train()
    runs = tmp_path / "logs" / "bc"
    assert [run.name for run in runs.iterdir()] == [f"{ENV}_1"]
    # Other settings are another training.
    with pytest.raises(KeyboardInterrupt):
        train(seed=1)
    assert sorted(run.name for run in runs.iterdir()) == [f"{ENV}_1", f"{ENV}_2"]
    monkeypatch.undo()
    assert train(seed=1).parent.name == f"{ENV}_2"
    assert train(seed=1).parent.name == f"{ENV}_3"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"env_id": "CartPole-v1"}, "CartPole-v1 is no id of this package"),
        ({"env_id": "ObjFrames-Pong-v0"}, "is play of MsPacman, not of Pong"),
        ({"method": "agl"}, "Unknown method 'agl'. Did you mean 'agil'"),
        ({"hyperparams": {"bach_size": 3}}, "Unknown hyperparameter 'bach_size'. Did you mean"),
        ({"env_id": "ObjKeypoints-MsPacman-v0", "method": "cgl"}, "'cgl' is of GazePolicy"),
        ({"gaze_weights": "x"}, "'plain' needs no gaze model in play"),
        ({"env_kwargs": {"noise": "both"}}, "People saw no bars"),
        ({"hyperparams": {"policy": "objwrappers.sb3.policies.FLS"}}, "Unknown policy of bc"),
    ],
)
def test_what_cannot_be_imitated_is_told(train, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        train(**options)
    assert not (tmp_path / "logs").exists()


def test_missing_gaze_weights_and_trials_come_with_a_cure(train, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(FileNotFoundError, match=r"pretrain\.py --family gaze --model gcu"):
        train(method="agil", hyperparams={"gaze": "gcu"})
    with pytest.raises(FileNotFoundError, match="nowhere"):
        clone(ENV, tmp_path / "nowhere")


def test_who_looks_for_an_imitator_elsewhere_is_told_where_they_are_made(tmp_path):
    with pytest.raises(ValueError, match=r"objwrappers\.clone\(env_id, trials\)"):
        objwrappers.train(ENV, "bc")
    with pytest.raises(FileNotFoundError, match=r"python zoo/clone\.py --trials atari_head --env"):
        load_agent("bc", ENV, folder=tmp_path)


def test_an_ids_own_hyperparameters_win_over_those_of_its_family(tmp_path):
    path = tmp_path / "bc.yml"
    path.write_text(f"ObjFrames: {{policy: a, patience: 3}}\n{ENV}: {{policy: b, patience: 4}}\n")
    assert read_hyperparams(ENV, {}, path)[0]["policy"] == "b"
    chosen, settings = read_hyperparams("ObjFrames-Pong-v0", {"batch_size": 7}, path)
    assert (chosen["policy"], chosen["method"]) == ("a", "plain")
    assert (settings.patience, settings.batch_size) == (3, 7)
    with pytest.raises(ValueError, match=r"no hyperparameters for ObjScene-Pong-v0: there are"):
        read_hyperparams("ObjScene-Pong-v0", {}, path)
