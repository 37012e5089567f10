"""RL Zoo's own programs, as they are, on an id of each family and the hyperparameters here."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest
import rl_zoo3

ROOT = Path(__file__).parents[2]
GUIDED = ("relations:True", "map:True")
"""RL Zoo's evaluation does not read the env_kwargs of a file: they are said once more."""

STATE = ('observe:"state"',)
ON_POLICY = ("n_envs:1", "n_steps:32", "batch_size:32", "n_epochs:1")
OFF_POLICY = ("n_envs:1", "buffer_size:500", "learning_starts:50")


@dataclass(frozen=True)
class Case:
    """A training so short that nothing is learned.

    Attributes:
        algo: Of RL Zoo.
        env_id: Of a family.
        params: Sizes of the training.
        evaluated: What evaluation has to be told.
        steps: Of training; an evaluation is after half of them.
    """

    algo: str
    env_id: str
    params: tuple[str, ...]
    evaluated: tuple[str, ...] = ()
    steps: int = 64

    @property
    def common(self):
        return ["--algo", self.algo, "--env", self.env_id, "--gym-packages", "objwrappers"]

    @property
    def trained(self):
        told = ["--eval-env-kwargs", *self.evaluated] if self.evaluated else []
        hyperparams = ["-conf", ROOT / "hyperparams" / f"{self.algo}.yml", "--seed", 1]
        return [*self.common, *hyperparams, "-params", *self.params, *told]


QUICK = (
    Case("ppo", "ObjFrames-Pong-v0", ON_POLICY),
    Case("sac", "IfO-reacher-hard-v0", OFF_POLICY, steps=120),
)
CASES = (
    *QUICK,
    Case("a2c", "ObjFrames-MsPacman-v0", ON_POLICY[:2]),
    Case("dqn", "ObjFrames-Breakout-v0", OFF_POLICY),
    Case("qrdqn", "ObjFrames-SpaceInvaders-v0", OFF_POLICY),
    Case("ppo", "ObjKeypoints-Pong-v0", ON_POLICY, GUIDED),
    Case("dqn", "ObjKeypoints-Frostbite-v0", OFF_POLICY),
    Case("qrdqn", "ObjKeypoints-MsPacman-v0", OFF_POLICY),
    Case("ppo", "ObjScene-Pong-v0", ON_POLICY, ('model:"motion"', *GUIDED)),
    Case("dqn", "ObjScene-Breakout-v0", OFF_POLICY, ('model:"motion"', *GUIDED)),
    Case("qrdqn", "ObjScene-Boxing-v0", OFF_POLICY, ('model:"motion"', *GUIDED)),
    Case("ppo", "ObjRAM-Pong-v0", ON_POLICY),
    Case("ppo", "ObjGaze-MsPacman-v0", ON_POLICY),
    Case("sac", "Control-reacher-hard-v0", OFF_POLICY, STATE, steps=120),
    Case("tqc", "Control-reacher-easy-v0", OFF_POLICY, STATE, steps=120),
)


@pytest.fixture
def run_rl_zoo(run_program):
    """Runs ``python -m rl_zoo3.<module> ...`` from an empty folder."""
    folder = Path(rl_zoo3.__file__).parent
    return lambda module, *arguments, **kwargs: run_program(
        folder / f"{module}.py", *arguments, **kwargs
    )


def trained_and_played_on(case, run_rl_zoo, folder):
    every = ["--eval-freq", case.steps // 2, "--eval-episodes", 1, "-n", case.steps]
    run_rl_zoo("train", *case.trained, *every)
    archive = folder / "logs" / case.algo / f"{case.env_id}_1" / f"{case.env_id}.zip"
    assert archive.is_file() and (archive.parent / "best_model.zip").is_file()
    played = run_rl_zoo("enjoy", *case.common, "-f", "logs", "-n", 40, "--no-render")
    assert f"{case.env_id}_1/{case.env_id}.zip" in played.stdout
    run_rl_zoo("train", *case.trained, "--eval-freq", -1, "-n", case.steps, "-i", archive)
    assert (folder / "logs" / case.algo / f"{case.env_id}_2" / archive.name).is_file()


@pytest.mark.parametrize("case", QUICK, ids=lambda case: case.env_id)
def test_its_programs_train_play_and_go_on(case, run_rl_zoo, tmp_path):
    trained_and_played_on(case, run_rl_zoo, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.algo} {case.env_id}")
def test_its_programs_train_play_and_go_on_everywhere(case, run_rl_zoo, tmp_path):
    trained_and_played_on(case, run_rl_zoo, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.algo} {case.env_id}")
def test_it_optimises_hyperparameters_and_goes_on(case, run_rl_zoo, tmp_path):
    search = [
        *("-optimize", "--n-trials", 1, "--sampler", "random", "--n-evaluations", 1),
        *("--eval-episodes", 1, "--n-startup-trials", 1, "--no-optim-plots", "-n", case.steps),
        *("--storage", f"sqlite:///{tmp_path}/study.db", "--study-name", "study"),
    ]
    for _ in range(2):
        told = run_rl_zoo("train", *case.trained, *search).stdout
    assert "Number of finished trials:  2" in told
    with sqlite3.connect(tmp_path / "study.db") as study:
        states = [state for (state,) in study.execute("SELECT state FROM trials")]
    assert states == ["COMPLETE", "COMPLETE"]


def test_an_evaluation_that_is_not_told_says_what_to_tell_it(run_rl_zoo):
    case = Case("ppo", "ObjKeypoints-Pong-v0", ON_POLICY)
    often = ["--eval-freq", 32, "--eval-episodes", 1, "-n", 64]
    failed = run_rl_zoo("train", *case.trained, *often, ok=False)
    assert "the env_kwargs of the training" in failed.stderr
    assert "--eval-env-kwargs" in failed.stderr
