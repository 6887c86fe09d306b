"""The workers: who may be given tasks, who is refused, who came and went."""

import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from distributed import CancelledError, Client, Future

from stages.training.initialization import first_line
from tools.distribute import task
from tools.distribute.send import Call

TRIES = 3  # a worker that ends as often while it is asked will always do so


class LostError(Exception):
    """The scheduler is gone."""


@contextmanager
def reached() -> Iterator[None]:
    """For what asks the scheduler; raises LostError where that does not answer."""
    try:
        yield
    except (OSError, TimeoutError, CancelledError):
        raise LostError from None


class Crew:
    """Asks every worker once whether it is fit. Dask then knows it, by a resource that it has."""

    def __init__(self, client: Client, wanted: task.Wanted, say: Callable[[str], None]):
        self.resource = f"initlab-{wanted.sent[:12]}"
        self._client, self._say = client, say
        self._call = pickle.dumps(Call(task.admit, wanted, self.resource))
        # By its folder: every start of a worker has a new one, and can have an old address.
        self._asked: dict[str, Future | None] = {}  # None: and its refusal was told
        self._fit: dict[str, str] = {}
        self._tries: Counter[str] = Counter()
        self._waited = False

    def look(self) -> tuple[int, bool]:
        """How many workers are fit, and whether one is new; a line for each refused or gone.

        Raises LostError.
        """
        with reached():
            # Not scheduler_info(): the client's own, by now and then, has no workers in it.
            workers = self._client.sync(self._client.scheduler.identity)["workers"]
        if not (workers or self._fit or self._waited):
            self._say("no worker is here yet; waiting for the first")
            self._waited = True
        fit = {}
        for address, worker in workers.items():
            folder, name = worker["local_directory"], f"worker {worker['name']}"
            at = name if worker["name"] == address else f"{name} at {address}"
            nanny, asked = worker["nanny"] or address, self._asked.get(folder)
            if self.resource in worker["resources"]:
                fit[folder] = name
                self._tries[nanny] = 0
            elif folder not in self._asked:
                self._ask(address, folder, nanny, at)
            elif asked and asked.status == "error":
                self._say(f"{at}: refused: {reason(asked)}")
                self._asked[folder] = None
        for folder in self._fit.keys() - fit.keys():
            self._say(f"{self._fit[folder]}: is gone; what it was at is done again elsewhere")
        new = bool(fit.keys() - self._fit.keys())
        self._fit = fit
        return len(fit), new

    def _ask(self, address: str, folder: str, nanny: str, at: str) -> None:
        self._tries[nanny] += 1
        if self._tries[nanny] <= TRIES:
            key = f"{self.resource}-{folder}"
            self._asked[folder] = self._client.submit(
                pickle.loads, self._call, key=key, workers=[address]
            )
        elif self._tries[nanny] == TRIES + 1:
            self._say(f"{at}: refused: it ended {TRIES} times while it was asked")


def reason(future: Future) -> str:
    """Why a worker was refused."""
    match future.exception():
        case task.UnfitError() as error:
            return str(error)
        case ImportError() as error:  # a nanny puts the code there
            return f"it cannot load what was sent ({error}); start it with a nanny, as is usual"
        case error:
            return first_line(error)
