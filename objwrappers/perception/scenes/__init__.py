"""Scenes: what all models of objects share, and the one that subtracts backgrounds."""
