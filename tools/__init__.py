"""Commands that are no stage of the workflow."""

import stages  # noqa: F401  starts a command again that Python started with NumPy
