"""Learning curves read from monitors' files."""

import numpy as np

from objwrappers.agents.curves import read_curve, read_games


def test_steps_are_those_of_all_envs_where_the_file_tells_them(tmp_path):
    file = tmp_path / "0.monitor.csv"
    file.write_text("#{}\nr,l,t,steps\n1,10,0.1,20\n3,20,0.2,45\n")
    steps, scores = read_games(tmp_path)
    np.testing.assert_array_equal(steps, [20, 45])
    np.testing.assert_array_equal(scores, [1, 3])
    # Older files do not; lengths of the games that ended are what is known.
    file.write_text("#{}\nr,l,t\n1,10,0.1\n3,20,0.2\n")
    steps, _ = read_games(tmp_path)
    np.testing.assert_array_equal(steps, [10, 30])


def test_a_curve_is_a_running_mean(tmp_path):
    (tmp_path / "0.monitor.csv").write_text("#{}\nr,l,t\n1,10,0.1\n3,20,0.2\n8,20,0.3\n")
    steps, means = read_curve(tmp_path, 2)
    np.testing.assert_array_equal(steps, [10, 30, 50])
    np.testing.assert_array_equal(means, [1, 2, 5.5])
