"""Distributes the study's trainings over processes or machines with Dask."""
