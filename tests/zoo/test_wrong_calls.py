"""Wrong calls of programs: each ends in one line that names the value and the cure, with no trace.

Those of Python are in tests/attacks/test_wrong_calls.py.
"""

import re
import shlex

import pytest

FRAMES, KEYPOINTS = "--env ObjFrames-Pong-v0", "--env ObjKeypoints-Pong-v0"
TRAIN = f"train --algo ppo {KEYPOINTS} -n 100"
PAIRS = "takes key:value, got"
NOBODY = r"nowhere holds no ppo agent of ObjFrames-Pong-v0 .*Train one: python zoo/train.py"
NO_HUB = "'nowhere' is neither a folder nor a hub repository"
NO_MODEL = "Unknown perception model 'foo'. There are"
NO_GAME = "Unknown game 'Ponng'. Did you mean 'Pong'"

CALLS = {
    # Agents
    "train --algo pppo --env ObjKeypoints-Pong-v0": "no hyperparameters for --algo pppo .* qrdqn",
    "train --algo ppo --env ObjKeypoints-Ponng-v0": "Did you mean 'ObjKeypoints-Pong-v0'",
    "train --algo ppo --env AtariHead-MsPacman-v0": "AtariHead-MsPacman-v0 in .*Nothing learns by",
    f"train --algo a2c {KEYPOINTS}": "for ObjKeypoints-Pong-v0 in .*--algo bc or dqn or ppo or",
    f"train --algo sac {KEYPOINTS}": "for ObjKeypoints-Pong-v0 in .*--algo bc or dqn or ppo or",
    f"train --algo bc {FRAMES}": "arguments are required: --trials",
    "train --algo bc --env ObjFrames-MsPacman-v0 --trials nowhere": "no file or folder nowhere",
    f"{TRAIN} --env-kwargs noise": f"{PAIRS} 'noise'",
    f"{TRAIN} --env-kwargs noise:all": "Unknown noise 'all'. There are none, vertical",
    f"{TRAIN} --env-kwargs foo:1": "Unknown option 'foo'. There are model, weights",
    f"{TRAIN} --env-kwargs weights:nowhere": NO_HUB,
    f"{TRAIN} -i nowhere.zip": "-i nowhere.zip: there is no such agent; give the .zip",
    f"{TRAIN} -i nowhere": "-i nowhere: there is no such agent; give the .zip",
    f"{TRAIN} -params n_steps": f"{PAIRS} 'n_steps'",
    f"{TRAIN} -params nsteps:5": "Unknown hyperparameter of ppo 'nsteps'. Did you mean 'n_steps'",
    f"{TRAIN} -params n_steps:x": "n_steps must be a positive integer, got 'x'",
    f"{TRAIN} -params gamma:x": "gamma must be a finite number, got 'x'",
    f"{TRAIN} -params n_envs:0": "n_envs must be a positive integer, got 0",
    f"{TRAIN} -params n_envs:2.5": "n_envs must be a positive integer, got 2.5",
    f"{TRAIN} -params learning_rate:x": "a schedule like lin_3e-4, got 'x'",
    f"{TRAIN} -params policy:MlpPolicy": "use `MultiInputPolicy` .* not MlpPolicy",
    f"{TRAIN} -params policy:foo.Bar": "no policy 'foo.Bar': No module named 'foo'",
    f"{TRAIN} -conf nowhere.yml": "no file nowhere.yml",
    f"{TRAIN} -conf file": "--conf-file file: neither .yml nor .py, nor a package",
    f"{TRAIN} -conf bad.yml": "bad.yml is no YAML: .* line 1",
    f"{TRAIN} --device gpu": "no device 'gpu' here: pass auto, cpu or cuda",
    f"{TRAIN} --vec-env foo": "invalid choice: 'foo'",
    f"{TRAIN} --network cnn": "These networks look at images",
    f"{TRAIN} --gym-packages nowhere": "--gym-packages nowhere: No module named",
    f"{TRAIN} --foo": "unrecognized arguments: --foo",
    f"{TRAIN} -f file": "file.* is no folder|File exists: 'file|Not a directory: 'file",
    f"train {FRAMES} -n ten": "invalid int value: 'ten'",
    f"train {FRAMES} -n 0": "-n must be at least 1, or -1 .* got 0",
    f"train {FRAMES} --network foo -n 9": "Unknown network 'foo'. There are cnn",
    f"enjoy --algo ppo {FRAMES} -f nowhere --no-render": NOBODY,
    f"enjoy --algo ppo {FRAMES} --exp-id 99 --no-render": "in run 99",
    f"enjoy --algo ppo {FRAMES} --load-checkpoint 7 --no-render": "rl_model_7_steps.zip",
    f"enjoy --algo random {FRAMES} -n 0 --no-render": "must be at least 1, got 0 and 1",
    f"evaluate --algo ppo {FRAMES} -f nowhere": NOBODY,
    "evaluate --algo random --env Ponng": "unknown env 'Ponng'. Did you mean 'Pong-v",
    f"evaluate --algo random {FRAMES} --episodes 0": "must be at least 1, got 0",
    f"evaluate --algo random {FRAMES} --seeds -1": "must not be negative, got -1",
    f"evaluate --algo random {FRAMES} --epsilon 2": "a share, from 0 to 1, got 2.0",
    f"evaluate --algo random {FRAMES} --json file/x.json": "file is no folder",
    f"evaluate --algo random {FRAMES} --json /proc/no/x.json": "nothing may be written to /proc",
    f"pack --algo ppo {FRAMES} -f nowhere -o out": NOBODY,
    f"pack --algo ppo {FRAMES} --mantissa-bits 99 -o out": "from 1 to 22, got 99",
    f"compare_saliency --algo ppo {FRAMES} -f nowhere": NOBODY,
    "plot_curves --group a nowhere -o c.png": "No 0.monitor.csv below nowhere; give the -f",
    # Films
    f"record {KEYPOINTS} -o film.xyz -n 10": "end with one of .mp4, .mkv, .gif, got 'film.xyz'",
    f"record {KEYPOINTS} -o file/film.mp4 -n 10": "file is no folder",
    f"record {KEYPOINTS} -o film.mp4 -n 0": "must be at least 1, got 0",
    f"record {KEYPOINTS} -o film.mp4 --fps 0": "fps must be positive and finite, got 0.0",
    f"record {KEYPOINTS} -o film.mp4 --saliency attention": "of a trained agent: give --algo",
    # Recordings
    "collect": "one of the arguments --game --task is required",
    "collect --game Ponng": NO_GAME,
    "collect --game Pong -n 0": "must be at least 1, got 0",
    "collect --game Pong -n 9 --iid 2": "a probability, above 0 and at most 1, got 2.0",
    "collect --game Pong -n 9 --noise foo": "Unknown noise 'foo'. There are none",
    "collect --game Pong -n 9 --folder file": "file.* is no folder|Not a directory|File exists",
    "collect --task reacher-foo": "Unknown task 'reacher-foo'. Did you mean 'reacher-hard'",
    "collect --task reacher-hard -n 1 --contexts foo": "Unknown context 'foo'. There are default",
    "collect --task reacher-hard -n 1 --image-size 0": "image_size must be .* at least 1, got 0",
    "download --game foo": "Unknown game of Atari-HEAD 'foo'. There are alien",
    "download --game ms_pacman --verify": "no file or folder .*atari_head",
    # Perception
    "pretrain --model motion": "Give a game or a folder of images, got neither",
    "pretrain --model motoin --game Pong": "model 'motoin'. Did you mean 'motion'",
    "pretrain --model motion --game Ponng": NO_GAME,
    "pretrain --model motion --game Pong -n 0": "n_timesteps must be .* at least 1, got 0",
    "pretrain --model motion --game Pong -params foo:1": "Unknown hyperparameter 'foo'. There are",
    "pretrain --model motion --game Pong --entry foo": "'foo'. There are default, Pong",
    "pretrain --model motion --game Pong --output file/w": "file is no folder",
    "pretrain --model motion --game Pong --frames-folder nowhere": "No frames in nowhere: .*zoo/",
    "pretrain --model motion --game Pong --jobs 2": "--jobs goes together with --each",
    "pretrain --model motion --images nowhere": "no folder of images nowhere",
    "pretrain --model student --game Pong": "got model 'student' and teacher None: --model student",
    "pretrain --model student --teacher foo --game Pong": "'foo' is neither a folder nor a hub",
    "score --model motion --game Pong --weights nowhere": NO_HUB,
    "score --model foo --game Pong": NO_MODEL,
    "score --model motion --game Ponng": NO_GAME,
    "roles --model foo --game Pong": NO_MODEL,
    "classify --game Pong --model space_time --shots 0": "shots must be at least 1, got 0",
    "clone --env ObjFrames-MsPacman-v0 --method foo": "invalid choice: 'foo'",
    "compare --game Pong --model motion --weights nowhere -o c.png": NO_HUB,
    "compare --game Pong --columns 0 -o c.png": "--columns must be at least 1, got 0",
    "gallery --game Pong -n 0 -o g.md": "frames must be at least 1, got 0",
    "gallery --game Pong --jobs 0 -o g.md": "jobs must be at least 1, got 0",
    "benchmark --num-envs 0": "must be at least 1, got 0",
    # Grids
    "leaderboard nowhere": "no file nowhere, nor a board of that name. There are ladder",
    "leaderboard --only foo=1": "Unknown axis 'foo'. There are game",
    "leaderboard --only game": "--only takes axis=value,value, got 'game'",
    "leaderboard --jobs 0": "jobs must be at least 1, got 0",
    "sweep nowhere.yml": "no file nowhere.yml, nor a sweep of that name. There are agents",
    "sweep space_time --sets foo --dry-run": "Unknown set 'foo'. There are standard",
}


THERE = ("cache", "file", "bad.yml")


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_call_is_one_line_and_leaves_nothing(call, run_zoo, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "bad.yml").write_text("{a: [")
    program, *arguments = shlex.split(call)
    failed = run_zoo(program, *arguments, ok=False)
    assert "Traceback" not in failed.stderr
    *_, told = failed.stderr.strip().splitlines()
    assert re.search(CALLS[call], told), told
    left = [path.name for path in tmp_path.iterdir() if path.name not in THERE]
    assert not left and (tmp_path / "file").read_text() == "mine"
