"""Makes a trained agent small enough to ship.

    python zoo/pack.py --algo ppo --env ObjFrames-Breakout-v0 -f logs -o zoo/agents/cnn_sparse_fls

The agent stays a Stable-Baselines3 archive that ``load``, zoo/enjoy.py and zoo/record.py read. Its
optimiser forgets its moments, its weights are rounded to ``--mantissa-bits`` and compressed:
a ninth of the size. Score the packed agent, not the one before. Beside it go ``config.json``,
with how it was made, the scores of its training, and what RL Zoo reads. Packing runs no pickle.
"""

from __future__ import annotations

import argparse

from objwrappers.agents.packing import pack
from objwrappers.agents.runs import LOG_FOLDER
from objwrappers.command_line import output_folder, run_program


def main() -> None:
    """Packs, and says what was written."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--algo", default="ppo")
    add("--env", required=True, help="env id, ObjFrames-Breakout-v0")
    add("-f", "--folder", default=LOG_FOLDER, help="log folder of the agent's training")
    add("--exp-id", type=int, default=0, help="run in it (default: the latest)")
    add("-o", "--output", type=output_folder, required=True, help="log folder of packed agents")
    add("--mantissa-bits", type=int, default=6, help="of 23 (default: 6)")
    options = vars(parser.parse_args())
    algo, env_id = options.pop("algo"), options.pop("env")
    written, share = run_program(pack, algo, env_id, **options)
    size = written.stat().st_size / 2**20
    print(f"Wrote {written.parent}: {size:.1f} MiB, {share:.2f} of the size before.")
    agent = f"--algo {algo} --env {env_id} -f {options['output']}"
    print(f"Score it: python zoo/evaluate.py {agent}")


if __name__ == "__main__":
    main()
