"""Gaze models scored on made-up trials, whose gaze follows a square."""

import cv2
import gymnasium as gym
import numpy as np
import pytest
import torch
from looking_agents import COLUMNS, MS_PACMAN, ROWS, linear_agent, write_agent
from stable_baselines3 import A2C

from objwrappers.agents.onlookers import load_onlooker
from objwrappers.datasets.atari_head.moments import frames_seen
from objwrappers.datasets.atari_head.synthetic import (
    SYNTHETIC_TRIALS,
    SyntheticTrial,
    write_synthetic,
)
from objwrappers.datasets.gaze import GazePlay
from objwrappers.metrics.gaze_baselines import mean_gaze_map
from objwrappers.metrics.saliency import nss
from objwrappers.perception.gaze.deconv import DeconvGaze
from objwrappers.sb3.policies import FLSPolicy
from objwrappers.scoring.gaze import (
    GAZE_HEADS,
    PUBLISHED_HEADS,
    open_play,
    score_gaze,
    undefined_counts,
)
from objwrappers.scoring.gaze_moments import moments_seen
from objwrappers.scoring.gaze_pictures import _apart

pytestmark = pytest.mark.filterwarnings("ignore:Not all of a trial could be used")


@pytest.fixture
def trials(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return write_synthetic(tmp_path / "data", trials=SYNTHETIC_TRIALS[:2], frames=90)


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    model = DeconvGaze()
    model.record = {"trained_on": {"task": "MsPacman", "noise": "none", "channels": "grey"}}
    model.save_pretrained(tmp_path / "weights")
    return tmp_path / "weights"


def test_a_table_beside_baselines(trials, weights):
    table = score_gaze(trials, weights=[weights], first=60, trained=50, device="cpu")
    rows = {row["gaze"]: row for row in table["MsPacman"]}
    assert [*rows] == [
        *("(even)", "(centre)", "(mean gaze)", "(what moves)", "(previous gaze)"),
        str(weights),
    ]
    assert all(key in row for row in rows.values() for key in GAZE_HEADS)
    even, before = rows["(even)"], rows["(previous gaze)"]
    assert even["nss"] == 0 and even["auc"] == even["shuffled_auc"] == pytest.approx(0.5)
    # Between one frame and the next people look at the same place.
    assert before["nss"] > 5 and before["kl"] < even["kl"] and before["auc"] > 0.95
    assert rows["(mean gaze)"]["information_gain"] == 0 < before["information_gain"]
    plays = [GazePlay.of(recording) for recording in open_play(trials)]
    scored = [(play, np.flatnonzero(play.numbers >= 60)) for play in plays]
    frames = sum(len(steps) for _, steps in scored)
    for row in rows.values():
        assert row["used"] + row["undefined"] == frames and row["undefined"] > 0
        figure = row["figures"]["nss"]
        assert (figure["used"], figure["undefined"]) == (row["used"], row["undefined"])
    model = DeconvGaze.from_pretrained(weights)
    by_hand = torch.cat(
        [
            nss(
                model(play.stacks(steps, 4))["heatmap"].detach(),
                play.gaze[torch.from_numpy(steps)].counts(),
            )
            for play, steps in scored
        ]
    )
    assert rows[str(weights)]["nss"] == pytest.approx(float(by_hand.nanmean()))


def test_by_the_official_split_whole_trials_are_scored(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    chosen = (SyntheticTrial(61), SyntheticTrial(203))
    path = write_synthetic(tmp_path / "data", trials=chosen, frames=90)
    tested = next(r for r in open_play(path, "MsPacman") if r.name.startswith("61_"))
    rows = score_gaze(path, game="MsPacman", split="official", device="cpu")["MsPacman"]
    assert all(row["used"] + row["undefined"] == len(tested) for row in rows)
    alone = score_gaze(tested.folder, first=1, trained=0, device="cpu")["MsPacman"]
    by_name = [{row["gaze"]: row["nss"] for row in some} for some in (rows, alone)]
    assert by_name[0]["(what moves)"] == by_name[1]["(what moves)"]
    # The mean gaze is of the other trial.
    other = next(r for r in open_play(path, "MsPacman") if r.name.startswith("203_"))
    maps, weight = GazePlay.of(other).gaze.maps()
    mean = mean_gaze_map([(maps, weight)])
    expected = nss(mean.expand(len(tested), -1, -1), GazePlay.of(tested).gaze.counts())
    assert by_name[0]["(mean gaze)"] == pytest.approx(float(expected.nanmean()))
    with pytest.raises(ValueError, match=r"split='official' leaves nothing of .* to score"):
        score_gaze(other.folder, split="official", device="cpu")


def test_a_trials_recording_is_scored_too(trials):
    recording = open_play(trials, "MsPacman")[0]
    assert len(open_play(recording.folder)) == 1
    table = score_gaze(recording.folder, first=80, last=85, trained=0, device="cpu")
    row = table["MsPacman"][2]
    assert row["used"] + row["undefined"] == 6
    # Without frames to learn from, mean gaze is even.
    assert row["kl"] == pytest.approx(table["MsPacman"][0]["kl"])
    with pytest.raises(ValueError, match="no frames numbered 200 to its end: its last one is"):
        score_gaze(recording.folder, first=200, device="cpu")
    missing = undefined_counts(table)["MsPacman"]
    # Without frames to learn from the mean gaze is even, too, and nothing correlates with it.
    assert [one["gaze"] for one in missing] == ["(even)", "(mean gaze)"]
    assert (missing[0]["nss"], missing[0]["correlation"]) == (row["undefined"], 6)
    with pytest.raises(ValueError, match="Unknown perception model 'transporter'"):
        score_gaze(recording.folder, "transporter", first=80, device="cpu")


def frames_of(path):
    film = cv2.VideoCapture(str(path))
    return [int(film.get(getattr(cv2, f"CAP_PROP_FRAME_{name}"))) for name in ("COUNT", "WIDTH")]


def test_pictures_and_films(trials, weights, tmp_path):
    sheet, film = tmp_path / "sheet.png", tmp_path / "film.mp4"
    options = {"weights": [weights], "trained": 50, "device": "cpu"}
    score_gaze(trials, **options, first=60, picture=sheet, film=film)
    picture = cv2.imread(str(sheet))
    # Of 30 frames two are 30 apart at most.
    assert picture.shape[0] == 3 * (20 + 630) + 2 * 4 and picture.shape[1] < 3 * 484
    assert _apart(np.arange(100), np.array([50, 51, 20, 21, 85, 99, 79])) == [50, 20, 85]
    assert frames_of(film) == [len(GazePlay.of(open_play(trials)[0]).numbers) - 59, 480]
    for name, message in (("picture", "none.mp4"), ("film", "none.png")):
        with pytest.raises(ValueError, match=message):
            score_gaze(trials, **options, first=60, **{name: message})
        with pytest.raises(ValueError, match="show a model or an agent"):
            score_gaze(trials, first=60, **{name: message})


def seen_by_hand(recording, first, lag=0):
    """Counts gaze by cells at the moments of an agent, as the specification has them."""
    numbers = [n for n in recording.numbers if n >= first and (n - first) % 4 == 0]
    numbers = [n for n in numbers if n < recording.numbers[-1]]
    steps = {int(n): step for step, n in enumerate(recording.numbers)}
    found = []
    for n in numbers:
        seen = [1 + frame - lag for frame in frames_seen(n - 1)]
        own = [recording.gaze_of(steps[f]) for f in seen if f in steps]
        found.append(np.concatenate([np.zeros((0, 2)), *own]))
    return found


RECTANGLE = np.zeros((84, 84))
RECTANGLE[ROWS, COLUMNS] = 1


def nss_by_hand(saliency, samples, cell):
    z = (saliency - saliency.mean()) / saliency.std()
    on_screen = [p for p in samples if 0 <= p[0] < 160 and 0 <= p[1] < 210]
    return np.mean([z[cell(p)] for p in on_screen]) if on_screen else np.nan


@pytest.fixture
def one_trial(monkeypatch, tmp_path):
    """A trial that is one episode, as its labels tell of none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return write_synthetic(tmp_path / "one", trials=SYNTHETIC_TRIALS[:1], frames=90, form="tar")


def test_an_agent_s_saliency_by_hand(one_trial, tmp_path):
    agent = write_agent(linear_agent(), tmp_path / "linear")
    options = {"agents": [agent], "methods": ["gradient"], "first": 41, "trained": 40}
    rows = score_gaze(one_trial, **options, device="cpu")["MsPacman"]
    assert rows[-1]["gaze"] == "linear gradient"
    recording = open_play(one_trial)[0]
    samples = seen_by_hand(recording, 41)
    own = [
        nss_by_hand(RECTANGLE, s, lambda p: (int(p[1] * 0.4), int(p[0] * 0.525))) for s in samples
    ]
    assert rows[-1]["nss"] == pytest.approx(np.nanmean(own), abs=1e-6)
    assert rows[-1]["used"] + rows[-1]["undefined"] == len(samples) == 12
    # Inside the rectangle by a share h of the samples, one has an AUC of h against even pixels.
    assert rows[0]["nss"] == 0 and np.ptp(own) > 0.1
    # With the gaze of the newest observation alone, something else.
    newest = score_gaze(one_trial, **options, gaze_of="newest", device="cpu")["MsPacman"]
    assert newest[-1]["nss"] != pytest.approx(rows[-1]["nss"], abs=1e-3)
    assert newest[4]["nss"] > rows[4]["nss"], "where people looked before the newest frames is near"


def test_gaze_follows_the_square_on_the_very_frames_that_are_seen(one_trial, tmp_path):
    # In made-up trials people look at a square that moves by four pixels a frame.
    onlooker = load_onlooker(trials=one_trial, **write_agent(linear_agent(), tmp_path / "linear"))
    recording = open_play(one_trial)[0]
    play, sight = GazePlay.of(recording), onlooker.look(recording.name, 20)
    onlooker.close()
    away = []
    for lag in (0, 1, -1):
        moments = moments_seen(play, {"a": sight}, "newest", lag)
        errors = []
        for place in np.flatnonzero(moments.seen):
            newest = sight.observations[place, -1, :70].astype(float)
            rows, columns = np.nonzero(newest > 200)  # the square is the brightest
            middle = np.array([(columns.mean() + 0.5) / 0.525, (rows.mean() + 0.5) / 0.4])
            gaze = moments.gaze[torch.tensor([place])]
            points = gaze.points[gaze.on_screen].numpy()
            errors.append(np.linalg.norm(points.mean(0) - middle))
        away.append(np.mean(errors))
    assert away[0] < 2 < min(away[1:]), away


def test_as_published_by_hand(one_trial, tmp_path):
    agent = write_agent(linear_agent(), tmp_path / "linear")
    options = {"agents": [agent], "methods": ["gradient"], "first": 1, "trained": 0}
    table = score_gaze(one_trial, **options, as_published=True, device="cpu")
    assert {key for row in table["MsPacman"] for key in row["figures"]} == {
        *("nss", "kl", "shuffled_auc")
    }
    row = table["MsPacman"][-1]
    assert all(key in row for key in PUBLISHED_HEADS)
    native = cv2.resize(RECTANGLE, (160, 210), interpolation=cv2.INTER_LINEAR)
    samples = seen_by_hand(open_play(one_trial)[0], 1, lag=1)
    assert not len(samples[0]), "before the first frame nobody looked"
    own = [nss_by_hand(native, s, lambda p: (round(p[1]), round(p[0]))) for s in samples]
    assert row["nss"] == pytest.approx(np.nanmean(own), abs=1e-5)
    assert np.isnan(own[0]) and row["figures"]["nss"]["undefined"] == np.isnan(own).sum()
    # Blurred gaze reaches beyond the rectangle, where there is no saliency.
    assert row["figures"]["kl"]["used"] == 0 and np.isnan(row["kl"])
    even = table["MsPacman"][0]["figures"]
    assert (even["nss"]["used"], even["shuffled_auc"]["used"]) == (0, 0)
    assert even["kl"]["used"] == row["used"]


def test_even_attention_looks_centred_as_published_alone(one_trial, tmp_path):
    env, kwargs = gym.make(MS_PACMAN), {"network": "cnn_sparse_fls"}
    agent = A2C(FLSPolicy, env, seed=0, device="cpu", policy_kwargs=kwargs)
    for attention in agent.policy.features_extractor.attentions.values():
        torch.nn.init.zeros_(attention.layers[-1].weight)
    options = {"methods": ["attention"], "first": 41, "trained": 40, "device": "cpu"}
    options["agents"] = [write_agent(agent, tmp_path / "even")]
    row = score_gaze(one_trial, **options)["MsPacman"][-1]
    assert row["gaze"] == "even attention"
    assert row["nss"] == 0 and row["auc"] == pytest.approx(0.5)
    *_, row, even = score_gaze(one_trial, **options, as_published=True)["MsPacman"]
    assert (row["gaze"], even["gaze"]) == ("even attention", "even even attention")
    # Of seven cells in a row, each sees 36 pixels, and begins eight after the one before.
    first = 8 * np.arange(7)[:, None]
    covered = ((np.arange(84) >= first) & (np.arange(84) < first + 36)).sum(0).astype(float)
    native = cv2.resize(np.outer(covered, covered), (160, 210), interpolation=cv2.INTER_LINEAR)
    samples = seen_by_hand(open_play(one_trial)[0], 41, lag=1)
    by_hand = [nss_by_hand(native, s, lambda p: (round(p[1]), round(p[0]))) for s in samples]
    for one in (row, even):
        assert one["nss"] == pytest.approx(np.nanmean(by_hand), abs=1e-5)
    assert even["nss"] > 0.5, "the squares walk about the middle"


def test_several_are_filmed_side_by_side(one_trial, weights, tmp_path):
    agents = [write_agent(linear_agent(), tmp_path / name) for name in ("one", "two")]
    film = tmp_path / "film.mp4"
    options = {"agents": agents, "weights": [weights], "first": 61, "device": "cpu"}
    table = score_gaze(
        one_trial, **options, methods=["gradient", "integrated_gradients"], film=film
    )
    names = [row["gaze"] for row in table["MsPacman"]][5:]
    assert names == [
        *(str(weights), "one gradient", "one integrated_gradients"),
        *("two gradient", "two integrated_gradients"),
    ]
    moments = table["MsPacman"][0]["used"] + table["MsPacman"][0]["undefined"]
    assert frames_of(film) == [moments, 5 * 320]


def test_what_cannot_be_scored_is_told(one_trial, tmp_path):
    agent = write_agent(linear_agent(), tmp_path / "linear")

    def score(path=one_trial, agents=(agent,), **options):
        return score_gaze(path, agents=agents, first=61, device="cpu", **options)

    with pytest.raises(ValueError, match="a recording made of a trial; agents are shown the trial"):
        score(open_play(one_trial)[0].folder)
    with pytest.raises(ValueError, match="The published procedure is of what agents see"):
        score(agents=(), as_published=True)
    with pytest.raises(ValueError, match="Unknown gaze_of 'nearest'"):
        score(gaze_of="nearest")
    with pytest.raises(ValueError, match="has no attention of its own"):
        score(methods=["attention"])
    with pytest.raises(ValueError, match=r"The agent .*a2c/ObjFrames-MsPacman-v0_1 is given more"):
        score(agents=(agent, agent))
    with pytest.raises(
        ValueError, match="The trials are of MsPacman, the agent is of ObjFrames-Se"
    ):
        score(game="MsPacman", agents=[{**agent, "env_id": "ObjFrames-Seaquest-v0"}])
    other = write_agent(linear_agent(stack_num=2), tmp_path / "short", stack_num=2)
    with pytest.raises(ValueError, match="short sees other frames at once"):
        score(agents=(agent, other), methods=["gradient"])
    points = "ObjKeypoints-MsPacman-v0"
    agent = A2C("MultiInputPolicy", gym.make(points, device="cpu"), device="cpu")
    with pytest.raises(ValueError, match="Saliency is of policies on images"):
        score(agents=[write_agent(agent, tmp_path / "points", points)])
