"""What one machine trains another gets, as docs/sharing.md says: a folder, sshd, moto's S3."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import Clone, make

pytestmark = pytest.mark.slow

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
needs_sshd = pytest.mark.skipif(
    SSHD is None, reason="install openssh-server: sharing over SSH is tested with a real sshd"
)
ZERO_BIAS = {"all": {"weight": "ones", "bias": "zeros"}}
TWOS = {"all": {"weight": {"constant": {"val": 2.0}}, "bias": "ones"}}
ALL_ONES = "data/runs/all_ones"
INCOMPLETE = "Not everything is here"


class Folder:
    """A folder as a remote."""

    settings: tuple[str, ...] = ()  # what everybody has to set for themselves
    environment: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, root: Path):
        self.root = root / "team"
        self.url = str(self.root)

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass


class Server:
    """A remote behind a process of its own, on a loopback port."""

    command: list[str]

    def __init__(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
        self.process = None

    def start(self) -> None:
        # Where there is such a command it ends in any case, should nobody be left to stop it.
        limit = ["timeout", "600"] if shutil.which("timeout") else []
        command = [*limit, *self.command]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **quiet)
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.05)
        self.stop()
        pytest.fail(f"no server came up: {' '.join(command)}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
            self.process = None


class Ssh(Server, Folder):
    """A folder behind an sshd with keys of its own."""

    def __init__(self, root: Path, options: str = ""):
        Server.__init__(self)
        Folder.__init__(self, root)
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True)
        self.url = f"ssh://{user.stdout.strip()}@127.0.0.1:{self.port}{self.root}"
        for key in ("host", "user"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / key)]
            subprocess.run(command, check=True)
        self.settings = ("keyfile", str(root / "user"))
        config = root / "sshd_config"
        config.write_text(
            f"ListenAddress 127.0.0.1:{self.port}\n"
            f"HostKey {root / 'host'}\n"
            f"AuthorizedKeysFile {root / 'user.pub'}\n"
            "PidFile none\n"
            "StrictModes no\n"  # the folders of tests are not what it asks of a home
            "UsePAM no\n"
            "PasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\n"
            "Subsystem sftp internal-sftp\n"
            f"{options}"
        )
        self.command = [SSHD, "-D", "-e", "-f", str(config)]

    def start(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd of root insists; else boot makes it
        super().start()


class S3(Server):
    """A bucket on moto's server."""

    environment = {  # noqa: RUF012
        "AWS_ACCESS_KEY_ID": "anyone",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "NO_PROXY": "127.0.0.1",
    }

    def __init__(self, root: Path):
        super().__init__()
        self.url = "s3://initlab/team"
        self.address = f"http://127.0.0.1:{self.port}"
        self.settings = ("endpointurl", self.address)
        self.command = [
            sys.executable,
            "-m",
            "moto.server",
            "-H",
            "127.0.0.1",
            "-p",
            f"{self.port}",
        ]

    def start(self) -> None:
        super().start()
        # moto looks for a signature, and believes any.
        headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/1/us-east-1/s3/aws4_request"}
        bucket = urllib.request.Request(f"{self.address}/initlab", headers=headers, method="PUT")
        without_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        without_proxy.open(bucket).close()


@pytest.fixture(params=[pytest.param("ssh", marks=needs_sshd), "s3"])
def server(request, tmp_path):
    """A remote behind a server."""
    remote = {"ssh": Ssh, "s3": S3}[request.param](tmp_path)
    try:
        remote.start()
        yield remote
    finally:
        remote.stop()


@pytest.fixture
def sshd(tmp_path):
    """A remote over SSH that is not started yet."""
    remote = Ssh(tmp_path)
    yield remote
    remote.stop()


@pytest.fixture(scope="module")
def tried(finished_study, tmp_path_factory) -> Clone:
    """A study in which another bias was tried, and is not committed; copy it."""
    study = finished_study.copy(tmp_path_factory.mktemp("tried") / "initlab")
    change(study, all_ones=ZERO_BIAS)
    assert study.repro("train@all_ones") == ["check", "train@all_ones"]
    return study


@pytest.fixture
def machine_a(study) -> Clone:
    """A machine that has run the study and pushed it with git."""
    return with_origin(study)


def change(study: Clone, **variants) -> None:
    study.params = study.params | {"variants": study.params["variants"] | variants}


def with_origin(machine: Clone) -> Clone:
    machine.run("git", "init", "--quiet", "--bare", "../origin.git")
    machine.run("git", "remote", "add", "origin", "../origin.git")
    machine.run("git", "push", "--quiet", "--set-upstream", "origin", "HEAD")
    return machine


def another_machine(machine: Clone, remote=None) -> Clone:
    """A fresh clone in a folder of its own, with an empty cache and secrets of its own."""
    folder = machine.folder.parent / "b" / "initlab"
    machine.run("git", "clone", "--quiet", "../origin.git", str(folder))
    other = Clone(folder, Path(machine.environment["MNIST_MIRROR"]))
    other.run("git", "config", "user.name", "b")
    other.run("git", "config", "user.email", "b@example.org")
    if remote is not None:
        give_secrets(other, remote)
    return other


def set_up(machine: Clone, remote) -> None:
    """The lines for a team's remote."""
    machine.run("dvc", "remote", "add", "--default", "team", remote.url)
    machine.run("dvc", "remote", "modify", "team", "verify", "true")
    machine.run("git", "commit", "--quiet", "--message", "Share with the team", ".dvc/config")
    machine.run("git", "push", "--quiet")
    give_secrets(machine, remote)


def give_secrets(machine: Clone, remote) -> None:
    machine.environment |= remote.environment
    if remote.settings:
        machine.run("dvc", "remote", "modify", "--local", "team", *remote.settings)


def is_clean(machine: Clone) -> bool:
    return machine.run("git", "status", "--porcelain").stdout == ""


def refused(machine: Clone, target: str, saying: str) -> None:
    """A make target fails, says why without a traceback, and no result is lost."""
    before = results(machine)
    result = make(machine, target, expect=None)
    assert result.returncode != 0
    assert saying in result.stderr
    assert "Traceback" not in result.stderr
    assert results(machine) == before


def results(machine: Clone) -> dict[Path, bytes]:
    runs = machine.folder / "data" / "runs"
    files = [*runs.rglob("*"), machine.folder / "dvc.lock"]
    return {file: file.read_bytes() for file in files if file.is_file()}


def test_one_folder_needs_no_configuration(tried, tmp_path):
    """What A tried and left B does not train, with `make fetch` or without it."""
    machine_a = with_origin(tried.copy(tmp_path / "initlab"))
    machine_b = another_machine(machine_a)
    assert INCOMPLETE in make(machine_b, "fetch").stdout

    # The default remote is beside the checkout, so B's neighbour shares with B.
    neighbour = machine_a.copy(machine_b.folder.with_name("neighbour"))
    assert "files pushed" in make(neighbour, "share").stdout
    assert (machine_b.folder.parent / "initlab-shared").is_dir()
    neighbour.run("git", "checkout", "--quiet", ".")
    neighbour.run("dvc", "checkout")
    make(neighbour, "share")

    fetched = make(machine_b, "fetch").stdout
    assert f"A       {ALL_ONES}/" in fetched
    assert INCOMPLETE not in fetched
    assert machine_b.repro() == []
    assert is_clean(machine_b)
    change(machine_b, all_ones=ZERO_BIAS)
    assert machine_b.repro("--pull", "train@all_ones") == ["check"]

    # DVC gets what a stage is about to need.
    shutil.rmtree(machine_b.folder / "data")
    shutil.rmtree(machine_b.folder / ".dvc" / "cache")
    machine_b.run("git", "checkout", "--quiet", ".")
    assert machine_b.repro("--pull") == []


def test_a_server_gives_what_another_machine_shared(machine_a, server):
    set_up(machine_a, server)
    assert "files pushed" in make(machine_a, "share").stdout
    machine_b = another_machine(machine_a, server)
    assert INCOMPLETE not in make(machine_b, "fetch").stdout
    assert cached(machine_b, "runs") == cached(machine_a, "runs")  # what was tried and left
    assert machine_b.repro() == []
    assert is_clean(machine_b)


@needs_sshd
def test_a_server_that_is_down_stops_nothing_but_sharing(machine_a, sshd):
    set_up(machine_a, sshd)
    down = f"Connect call failed ('127.0.0.1', {sshd.port})"
    refused(machine_a, "share", saying=down)
    refused(machine_a, "fetch", saying=down)
    assert machine_a.repro() == []
    sshd.start()
    assert "files pushed" in make(machine_a, "share").stdout


@needs_sshd
def test_a_read_only_server_gives_and_does_not_take(machine_a, tmp_path):
    read_only = Ssh(tmp_path, options="ForceCommand internal-sftp -R\n")
    try:
        read_only.start()
        set_up(machine_a, read_only)
        refused(machine_a, "share", saying="Permission denied")
        # Who may write has the same folder without the server, as a remote of their own.
        folder = Folder(tmp_path).url
        machine_a.run("dvc", "remote", "add", "--local", "--default", "mine", folder)
        make(machine_a, "share")

        machine_b = another_machine(machine_a, read_only)
        assert INCOMPLETE not in make(machine_b, "fetch").stdout
        assert machine_b.repro() == []
        # A run cache that is refused is told as errors, and DVC ends with 0.
        assert "Permission denied" in make(machine_b, "share").stderr
    finally:
        read_only.stop()


def cut(file: Path) -> None:
    content, mode = file.read_bytes(), file.stat().st_mode
    file.chmod(0o644)
    file.write_bytes(content[:20])
    file.chmod(mode)  # DVC believes a file that is read-only


@pytest.mark.parametrize(
    ("damage", "pull_says", "fetch_says", "reason"),
    [
        (
            cut,
            f"Checkout failed for following targets:\n{ALL_ONES}",
            INCOMPLETE,
            "not what its name says",
        ),
        (
            Path.unlink,
            "failed to transfer 'MD5'",
            "files failed to download",
            "names a file that is missing or damaged",
        ),
    ],
    ids=["damaged", "lost"],
)
def test_an_object_that_is_not_whole_is_noticed_and_repaired(
    machine_a, tmp_path, damage, pull_says, fetch_says, reason
):
    remote = Folder(tmp_path)
    set_up(machine_a, remote)
    make(machine_a, "share")
    weights = (machine_a.folder / ALL_ONES / "weights.safetensors").read_bytes()
    md5 = hashlib.md5(weights, usedforsecurity=False).hexdigest()
    damage(remote.root / "files" / "md5" / md5[:2] / md5[2:])

    machine_b = another_machine(machine_a)
    pull = machine_b.run("dvc", "pull", expect=1)
    assert pull_says.replace("MD5", md5) in pull.stderr
    assert "Traceback" not in pull.stderr
    assert not (machine_b.folder / ALL_ONES / "weights.safetensors").exists()
    fetch = make(machine_b, "fetch", expect=None)
    assert fetch_says in fetch.stdout + fetch.stderr

    # A push believes that all is well, so what is damaged has to go first.
    assert "up to date" in machine_a.run("dvc", "push").stdout
    before = set(remote.root.rglob("*"))
    shown = make(machine_b, "repair").stdout
    assert "to delete: " in shown and reason in shown and "Nothing was deleted" in shown
    assert set(remote.root.rglob("*")) == before
    assert reason in machine_b.run("make", "repair", "DELETE=yes").stdout
    assert "2 files pushed" in machine_a.run("dvc", "push").stdout
    assert "are what their names say" in make(machine_b, "repair").stdout
    assert INCOMPLETE not in make(machine_b, "fetch").stdout
    assert machine_b.repro() == []


@needs_sshd
def test_a_share_that_was_killed_is_completed_by_the_next(machine_a, sshd):
    sshd.start()
    set_up(machine_a, sshd)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    share = ["dvc", "push", "--run-cache"]
    with subprocess.Popen(
        share, cwd=machine_a.folder, env=machine_a.environment, **quiet
    ) as process:
        while process.poll() is None and not any((sshd.root / "files").rglob("*")):
            time.sleep(0.01)
        process.kill()
    # Over SSH a file grows under its final name: half a file would pass for the whole.
    make(machine_a, "repair")
    machine_a.run("make", "repair", "DELETE=yes")
    make(machine_a, "share")
    assert "are what their names say" in make(machine_a, "repair").stdout
    machine_b = another_machine(machine_a, sshd)
    assert INCOMPLETE not in make(machine_b, "fetch").stdout
    assert machine_b.repro() == []


def test_two_branches_merge_without_training(tried, finished_study, tmp_path):
    """A and B changed a variant each; whoever merges runs `dvc repro --pull`."""
    machine_a = with_origin(tried.copy(tmp_path / "a" / "initlab"))
    set_up(machine_a, Folder(tmp_path))
    main = machine_a.run("git", "branch", "--show-current").stdout.strip()
    machine_b = finished_study.copy(tmp_path / "b" / "initlab")
    machine_b.run("git", "remote", "add", "origin", "../../a/origin.git")
    machine_b.run("git", "pull", "--quiet", "origin", main)

    machine_a.run("git", "switch", "--quiet", "--create", "theirs")
    share(machine_a, "Start the biases at zero")
    change(machine_b, baseline={"fc1": {"bias": "zeros"}})
    machine_b.repro("train@baseline")
    share(machine_b, "Start the biases of fc1 at zero")
    lock = (machine_b.folder / "dvc.lock").read_text()
    params = machine_b.params

    machine_b.run("git", "fetch", "--quiet", "origin")
    merge = machine_b.run("git", "merge", "origin/theirs", expect=1)
    assert "Merge conflict in dvc.lock" in merge.stdout
    assert (machine_b.folder / "dvc.lock").read_text() == lock  # whole, and ours
    drawn = machine_b.run("git", "check-attr", "merge", "reports/index.html").stdout
    assert drawn == "reports/index.html: merge: unset\n"  # as for dvc.lock
    machine_b.params = params  # what an editor does with the lines in conflict
    change(machine_b, all_ones=ZERO_BIAS)
    assert machine_b.repro("--pull") == ["check", "evaluate", "report"]
    machine_b.run("git", "add", "--all")
    machine_b.run("git", "commit", "--quiet", "--message", "Merge theirs")
    make(machine_b, "share")
    machine_b.run("git", "push", "--quiet", "origin", main)

    # Somebody else has trained something.
    machine_a.run("git", "switch", "--quiet", main)
    machine_a.run("git", "pull", "--quiet")
    make(machine_a, "fetch")
    assert machine_a.repro() == []
    assert is_clean(machine_a)
    assert machine_a.params == machine_b.params


def share(machine: Clone, message: str) -> None:
    make(machine, "share")
    machine.run("git", "commit", "--quiet", "--all", "--message", message)
    machine.run("git", "push", "--quiet", "origin", "HEAD")


def test_making_room_keeps_what_branches_and_experiments_use(tried, tmp_path):
    study = tried.copy(tmp_path / "initlab")
    main = study.run("git", "branch", "--show-current").stdout.strip()
    study.run("dvc", "exp", "save", "--name", "tried")
    study.run("git", "checkout", "--quiet", ".")
    # To check is enough for a result that only a branch has, and for one that nobody keeps.
    study.run("git", "switch", "--quiet", "--create", "other")
    change(study, all_ones=TWOS)
    study.repro("check")
    study.run("git", "commit", "--quiet", "--all", "--message", "Twos")
    change(study, all_ones={})
    study.repro("check")
    study.run("git", "checkout", "--quiet", ".")
    switch(study, main)

    before = cached(study)
    recipe = ["dvc", "gc", "--all-branches", "--all-tags", "--all-experiments"]
    study.run(*recipe, "--dry", "--force")
    assert cached(study) == before
    study.run(*recipe, "--force")
    assert cached(study) < before
    study.run("dvc", "exp", "apply", "tried")
    assert study.repro("train@all_ones") == []
    study.run("git", "checkout", "--quiet", ".")
    switch(study, "other")
    assert study.repro("check") == []


def switch(study: Clone, branch: str) -> None:
    study.run("git", "switch", "--quiet", branch)
    study.run("dvc", "checkout", "--allow-missing")  # of train@all_ones nothing is there on other


def cached(machine: Clone, kind: str = "files") -> set[Path]:
    """The results in the cache, or the entries of the run cache ("runs")."""
    cache = machine.folder / ".dvc" / "cache"
    return {path.relative_to(cache) for path in (cache / kind).rglob("*") if path.is_file()}
