"""The page's pictures of units."""

import numpy as np

from stages.rendering import images


def test_difference_from_the_mean_is_exact_and_visible_where_a_weight_hides_it():
    levels = np.full((1, 4, images.SIDE**2), 100)
    levels[0, 2] += 2
    differences = images.from_mean(levels)
    assert differences[0, :, 0].tolist() == [-2, -2, 6, -2]  # four times −0.5 and 1.5
    step = images.SIDE + images.GAP
    hidden = images.shades(levels[0], 102)
    assert hidden[0, 0] == hidden[0, 2 * step]
    shown = images.shades(differences[0], 6)
    assert shown[0, 0] < images.LEVELS < shown[0, 2 * step]
