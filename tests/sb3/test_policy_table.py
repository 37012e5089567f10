"""Names that files may give, and those that they may not."""

import pytest
from stable_baselines3 import PPO

from objwrappers.sb3 import policies
from objwrappers.sb3.policy_table import POLICIES, policy_named

OURS = "objwrappers.sb3.policies."


def test_names_are_those_of_the_algorithms_and_ours():
    assert policy_named("ppo", "MlpPolicy") is PPO.policy_aliases["MlpPolicy"]
    assert policy_named("rdqn", "MultiInputLstmPolicy").__module__.startswith("objwrappers.sb3")
    ours = {one for names in POLICIES.values() for one in names if one.startswith(OURS)}
    assert ours == {OURS + one for one in policies.__all__}
    for algo, name in (
        ("ppo", "os.system"),
        ("ppo", f"{OURS}FLSQPolicy"),
        ("dqn", f"{OURS}KeypointGNNLstmPolicy"),
        ("ppo", "objwrappers.sb3.policies._Encoded"),
        ("ppo", None),
    ):
        with pytest.raises(ValueError, match="Unknown policy of"):
            policy_named(algo, name)
    with pytest.raises(ValueError, match=r"Unknown algorithm 'pppo'\. Did you mean 'ppo'\?"):
        policy_named("pppo", "MlpPolicy")
