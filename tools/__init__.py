"""Commands that are no stage of the workflow."""

import sys

if sys.argv[0] == "-m":  # a notebook can import tools.examine when it has loaded torch already
    import stages  # noqa: F401  starts a command again that Python started with NumPy
