"""Demonstrations and a context translation made up for tests."""

import numpy as np

from objwrappers.datasets.demonstrations import KIND, context_bytes
from objwrappers.datasets.recordings import Recording, RecordingWriter

FACTS = {
    "task": "reacher-hard",
    "kind": KIND,
    "policy": "made up",
    "horizon": 3,
    "action_repeat": 2,
    "contexts": ["light", "light"],
    "cameras": [0],
    "seed": 0,
}


def made_up_arrays(episodes=2, views=2, length=4, seed=0, first=0):
    """Frames (t, V, 8, 8, 3), starts and arrays of one block; every number is another one."""
    rng = np.random.default_rng(seed)
    steps = episodes * length
    once = np.repeat(rng.normal(size=(episodes, 1, 5)), length, 0)
    numbers = np.repeat(first + np.arange(episodes), length)
    contexts = [
        context_bytes({"thickness": 1 + episode, "camera_roll": view / 10})
        for episode in range(episodes)
        for _ in range(length)
        for view in range(views)
    ]

    def same_in_views(array):
        return np.repeat(array.reshape(steps, 1, *array.shape[1:]), views, 1)

    arrays = {
        "physics": same_in_views(rng.normal(size=(steps, 7))),
        "task": np.repeat(once, views, 1),
        "observation": same_in_views(rng.normal(size=(steps, 6)).astype(np.float32)),
        "action": same_in_views(rng.uniform(-1, 1, (steps, 2)).astype(np.float32)),
        "reward": same_in_views(rng.uniform(0, 2, steps).astype(np.float32)),
        "number": same_in_views(numbers),
        "context": np.stack(contexts).reshape(steps, views, -1),
    }
    frames = rng.integers(0, 256, (steps, views, 8, 8, 3), np.uint8)
    starts = np.repeat(np.arange(steps)[:, None] % length == 0, views, 1)
    return frames, starts, arrays


def write_made_up(folder, blocks=2, facts=None, **options):
    """Writes a recording of them."""
    with RecordingWriter(folder, FACTS | (facts or {})) as writer:
        for block in range(blocks):
            writer.append(*made_up_arrays(seed=block, first=2 * block, **options))
    return Recording(folder)


def demonstrate(folder, horizon=6, **options):
    """Records twenty demonstrations of reacher-hard, 16 pixels wide."""
    from objwrappers.pretraining.demonstrate import collect_demonstrations

    return collect_demonstrations(
        *("reacher-hard", folder, 20), horizon=horizon, image_size=16, min_return=0.0, **options
    )


def write_translation(folder, image_size=16):
    """Writes a context translation that learned nothing, but knows how its features vary."""
    import torch

    from objwrappers.perception.context_translation import ContextTranslation

    torch.manual_seed(0)
    model = ContextTranslation(image_size=image_size, feature_dim=8)
    side = (image_size, image_size, 3)
    model.prepare(torch.randint(256, (4, 3, *side), dtype=torch.uint8))
    model.settle(lambda count: None)
    model.record = {"trained_on": {"task": "reacher-hard", "noise": "none", "channels": "RGB"}}
    model.save_pretrained(folder)
    return folder
