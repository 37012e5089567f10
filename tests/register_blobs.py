"""Makes the scene model of the tests known to programs: ``--gym-packages register_blobs``."""

from objwrappers.perception.registry import MODELS, ModelEntry

MODELS["scenes"]["blobs"] = ModelEntry("scenes:Blobs", "")
