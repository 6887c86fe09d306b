"""What a Dask nanny does before it starts a worker. No more is imported there."""

from distributed import Nanny, NannyPlugin


class Pins(NannyPlugin):
    """Starts the worker anew, with variables set before it loads any library.

    So it computes as the stages do, and runs the code that was sent last.
    """

    name = "initlab-pins"
    restart = True

    def __init__(self, environment: dict[str, str]):
        self.environment = environment

    def setup(self, nanny: Nanny) -> None:
        nanny.pre_spawn_env.update(self.environment)
        nanny.env.update(self.environment)
