"""Makes a trained agent small enough to ship.

    python zoo/pack.py --algo ppo --env ObjFrames-Breakout-v0 -f logs -o zoo/agents/cnn_sparse_fls

The agent stays a Stable-Baselines3 archive that ``load``, zoo/enjoy.py and zoo/record.py read. Its
optimiser forgets its moments, its weights are rounded to ``--mantissa-bits`` and compressed:
a ninth of the size. Score the packed agent, not the one before. Beside it go ``config.json``,
with how it was made, the scores of its training, and what RL Zoo reads.

Agents are pickles in part; packing one runs none of their code.
"""

from __future__ import annotations

import argparse
import io
import json
import shlex
import shutil
import zipfile
from pathlib import Path
from typing import Any

import torch
import yaml
from common import LOG_FOLDER, VECTOR_ONLY, fail, without
from players import CONFIG_NAME, runs_with_agents

from objwrappers.files import write_folder_atomically

WEIGHTS, OPTIMIZER = "policy.pth", "policy.optimizer.pth"
FLOAT32_BITS = 23
# What the training's last step left behind, and where on its machine it wrote.
FORGOTTEN = (
    *("_last_obs", "_last_episode_starts", "_last_original_obs", "ep_info_buffer"),
    "tensorboard_log",
)
FOLDERS = ("-f", "--log-folder", "-tb", "--tensorboard-log")


def rounded(weights: torch.Tensor, bits: int) -> torch.Tensor:
    """Rounds float32 numbers to so many bits of mantissa, to the nearest."""
    if weights.dtype != torch.float32:
        return weights
    dropped = FLOAT32_BITS - bits
    integers = weights.contiguous().view(torch.int32)
    half = 1 << (dropped - 1)
    return ((integers + half) & -(1 << dropped)).view(torch.float32)


def pack(source: Path, target: Path, bits: int) -> None:
    """Writes the small archive."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as new:
        for name in old.namelist():
            content = old.read(name)
            if name in (WEIGHTS, OPTIMIZER):
                state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
                if name == WEIGHTS:
                    state = {key: rounded(value, bits) for key, value in state.items()}
                else:
                    state["state"] = {}
                buffer = io.BytesIO()
                torch.save(state, buffer)
                content = buffer.getvalue()
            elif name == "data":
                data = json.loads(content)
                content = json.dumps({**data, **dict.fromkeys(FORGOTTEN & data.keys())}).encode()
            new.writestr(name, content)


def without_folders(command: str) -> str:
    """Removes from a training's command where it wrote, which is of no use elsewhere."""
    words = iter(shlex.split(command))
    kept = []
    for word in words:
        if word in FOLDERS:
            next(words, None)
        elif not word.startswith(tuple(f"{name}=" for name in FOLDERS)):
            kept.append(word)
    return shlex.join(kept)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; the words are RL Zoo's."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--algo", default="ppo")
    add("--env", required=True, help="env id, ObjFrames-Breakout-v0")
    add("-f", "--folder", default=LOG_FOLDER, help="log folder of the agent's training")
    add("--exp-id", type=int, default=0, help="run in it (default: the latest)")
    add("-o", "--output", type=Path, required=True, help="log folder of packed agents")
    add("--mantissa-bits", type=int, default=6, help="of 23 (default: 6)")
    return parser.parse_args()


def main() -> None:
    """Packs, and says what was written."""
    args = parse_arguments()
    if not 0 < args.mantissa_bits < FLOAT32_BITS:
        fail(f"--mantissa-bits must be from 1 to {FLOAT32_BITS - 1}, got {args.mantissa_bits}.")
    runs = runs_with_agents(args.algo, args.env, args.folder)
    number = args.exp_id or (runs[-1] if runs else 0)
    if number not in runs:
        fail(f"{args.folder} holds no {args.algo} agent of {args.env} with this --exp-id.")
    run = Path(args.folder, args.algo, f"{args.env}_{number}")
    try:
        config: dict[str, Any] = json.loads((run / CONFIG_NAME).read_text())
    except (OSError, ValueError) as error:
        fail(f"{run / CONFIG_NAME} cannot be read: {error}")
    env_kwargs = without(config["env_kwargs"], VECTOR_ONLY)
    output = args.output / args.algo / f"{args.env}_1"
    if output.exists():
        fail(f"{output} exists; remove it first.")
    output.parent.mkdir(parents=True, exist_ok=True)
    with write_folder_atomically(output) as folder:
        pack(run / f"{args.env}.zip", folder / f"{args.env}.zip", args.mantissa_bits)
        config["command"] = without_folders(config["command"])
        config["packed"] = {"mantissa_bits": args.mantissa_bits}
        (folder / CONFIG_NAME).write_text(json.dumps(config, indent=2) + "\n")
        (folder / args.env).mkdir()
        hyperparams = {**config["hyperparams"], "env_kwargs": env_kwargs}
        (folder / args.env / "config.yml").write_text(yaml.safe_dump(hyperparams))
        for name in ("0.monitor.csv", f"{args.env}/vecnormalize.pkl"):
            if (run / name).exists():
                shutil.copy(run / name, folder / name)
    size = (output / f"{args.env}.zip").stat().st_size
    before = (run / f"{args.env}.zip").stat().st_size
    print(f"Wrote {output}: {size / 2**20:.1f} MiB instead of {before / 2**20:.1f}.")
    agent = f"--algo {args.algo} --env {args.env} -f {args.output}"
    print(f"Score it: python zoo/evaluate.py {agent}")


if __name__ == "__main__":
    main()
