"""All claims of the lecture "Weight Initializations: A Surprising Demo", in its order.

Places are its sections.
"""

from stages.analysis.claims.demonstration import DEMONSTRATION, SOURCE
from stages.analysis.claims.explanation import EXPLANATION

__all__ = ["LECTURE", "SOURCE"]

LECTURE = (*DEMONSTRATION, *EXPLANATION)
