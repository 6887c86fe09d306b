"""The settings of params.yaml: what is allowed, and the plans that they stand for."""
