"""Made-up trials in each form, and the real one where it is there."""

from pathlib import Path

import pytest

from objwrappers.datasets.atari_head import write_synthetic

ROOT = Path(__file__).parents[3]
PLACES = [folder / "shared" / "data" / "atari_head" for folder in (ROOT, ROOT.parent)]


@pytest.fixture(scope="session")
def real_data():
    """The folder with trial 593 of Ms. Pac-Man, as far as it is public."""
    for place in PLACES:
        if (place / "meta_data.csv").is_file():
            return place
    pytest.skip(f"no data in {' or '.join(map(str, PLACES))}")


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory):
    """Form → folder of the four made-up trials, which must not be written to."""
    folder = tmp_path_factory.mktemp("synthetic")
    return {form: write_synthetic(folder / form, form=form) for form in ("zip", "tar", "folder")}
