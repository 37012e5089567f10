"""Who is who in a game, learned without labels from a short random play."""

from objwrappers.pretraining.roles.learning import LearnedRoles, learn_roles

__all__ = ["LearnedRoles", "learn_roles"]
