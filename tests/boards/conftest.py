"""Plans on disk."""

import pytest
import yaml
from board_plans import CONTENT

from objwrappers.boards.plan import read_plan


@pytest.fixture
def write_plan(tmp_path):
    """Writes a plan; keywords replace its keys, None takes one away."""

    def write(**changes):
        content = {key: v for key, v in {**CONTENT, **changes}.items() if v is not None}
        path = tmp_path / "two.yml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return write


@pytest.fixture
def make_plan(write_plan):
    return lambda **changes: read_plan(write_plan(**changes))
