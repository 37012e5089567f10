"""Records frames of a game for pretraining, by a random policy or a trained agent."""

import sys

sys.exit("under construction")
