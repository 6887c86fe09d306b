"""The built-in fully connected network: its arithmetic in C, and the Python around it."""
