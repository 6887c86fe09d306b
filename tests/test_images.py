"""The page's pictures of units."""

import numpy as np

from stages.rendering import images


def test_units_that_differ_by_little_are_told_from_those_that_differ():
    noise = np.array([[100, 101], [101, 100], [100, 100]])
    assert images.nearly_alike(noise)
    assert not images.nearly_alike(np.array([[100, -100], [-100, 100], [90, -90]]))
    assert not images.nearly_alike(np.zeros((2, 3), dtype=int))


def test_differences_from_the_mean_are_exact_and_add_up_to_nothing():
    levels = np.array([[[1, 2], [4, 2], [1, 2]]])
    found = images.from_mean(levels)
    assert found.tolist() == [[[-3, 0], [6, 0], [-3, 0]]]  # three times 1 − 2, 4 − 2, 1 − 2


def test_a_difference_from_the_mean_is_seen_where_a_weight_hides_it():
    levels = np.full((1, 4, images.SIDE**2), 100)
    levels[0, 2] += 2
    limit = np.abs(images.from_mean(levels)).max()
    seen, hidden = images.shades(images.from_mean(levels)[0], limit), images.shades(levels[0], 102)
    step = images.SIDE + images.GAP
    assert hidden[0, 0] == hidden[0, 2 * step]
    assert seen[0, 0] < images.LEVELS < seen[0, 2 * step]


def test_what_is_too_small_for_a_picture_is_not_called_zero():
    blank = np.zeros((4, 9), dtype=int)
    assert images.described(blank) == "4 blank images: all weights are exactly 0"
    assert "exactly" not in images.described(blank, relative=True)
