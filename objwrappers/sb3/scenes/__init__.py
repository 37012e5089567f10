"""Encoders of the objects of a scene."""

from objwrappers.sb3.scenes.extractors import SceneRows

__all__ = ["SceneRows"]
