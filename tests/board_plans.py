"""A plan of two columns, and records as if its cells had been run."""

CONTENT = {
    "title": "Two columns",
    "games": ["Pong", "MsPacman"],
    "budgets": [1000, 4000],
    "seeds": [1, 2],
    "noises": ["none", "both"],
    "episodes": 4,
    "reference": "pixels",
    "notes": ["Measured twice."],
    "observations": {
        "pixels": {"env": "ObjFrames-{game}-v0", "hyperparams": {"n_steps": 64}},
        "objects": {
            "label": "objects | all",
            "env": "ObjScene-{game}-v0",
            "env_kwargs": {"model": "motion"},
            "games": ["Pong"],
            "noises": ["none"],
        },
    },
}


def record_of(cell, score, **changes):
    """A record of a cell, 10 steps a processor second."""
    steps = cell.budget
    curve = [[steps * (i + 1) // 20, score * (i + 1) / 20, 2] for i in range(20)] if steps else []
    return {
        **cell.coordinates,
        "facts": cell.facts,
        "score": score,
        "deviation": 0.0,
        "episodes": cell.episodes,
        "curve": curve,
        "steps": steps,
        "processor_s": steps / 10,
        "wall_s": steps / 20,
        "cores": 2,
        "threads": 1,
        "versions": {"torch": "2.9"} if steps else {},
        **changes,
    }
