"""Spreads the study's trainings over many processes or machines with Dask."""
