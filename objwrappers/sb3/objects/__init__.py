"""Encoders of objects as the player sees them."""

from objwrappers.sb3.objects.extractors import ObjectView

__all__ = ["ObjectView"]
