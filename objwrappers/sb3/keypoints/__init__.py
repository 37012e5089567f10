"""Encoders of keypoints: convolutions over features, and a graph network."""

from objwrappers.sb3.keypoints.extractors import KeypointCNN, KeypointGNN

__all__ = ["KeypointCNN", "KeypointGNN"]
