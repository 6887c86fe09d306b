"""What one machine trains another gets: through a folder, a real sshd and moto's S3."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import Clone, make
from tests.test_workflow import changing

pytestmark = pytest.mark.slow

SSHD = shutil.which("sshd", path=f"/usr/sbin:{os.environ['PATH']}")
needs_sshd = pytest.mark.skipif(
    SSHD is None, reason="install openssh-server: sharing over SSH is tested with a real sshd"
)
ZERO_BIAS = {"all": {"weight": "ones", "bias": "zeros"}}
TWOS = {"all": {"weight": {"constant": {"val": 2.0}}, "bias": "ones"}}
TRAINED = ["check", "train@all_ones", "evaluate", "report"]
ALL_ONES = "data/runs/all_ones"

# The tests talk to 127.0.0.1 alone, so a proxy has no say.
http = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Folder:
    """A folder as a remote; a file of its name takes its place while it is down."""

    settings: tuple[str, ...] = ()
    environment: dict[str, str] = {}  # noqa: RUF012
    says_when_down = "Not a directory"

    def __init__(self, root: Path):
        self.root = root / "team"
        self.url = str(self.root)

    def start(self) -> None:
        if self.root.is_file():
            self.root.unlink()
            self.root.with_name("away").rename(self.root)

    def stop(self) -> None:
        self.root.mkdir(exist_ok=True)
        self.root.rename(self.root.with_name("away"))
        self.root.touch()

    def list_objects(self) -> list[str]:
        return [
            str(file.relative_to(self.root))
            for file in (self.root / "files").rglob("*")
            if file.is_file()
        ]

    def truncate(self, key: str) -> None:
        file = self.root / key
        content = file.read_bytes()
        mode = file.stat().st_mode  # DVC believes a file that is read-only, so it stays so
        file.chmod(0o644)
        file.write_bytes(content[:20])
        file.chmod(mode)

    def delete(self, key: str) -> None:
        (self.root / key).unlink()


class Ssh(Folder):
    """The same folder behind an sshd on a loopback port, with keys of its own."""

    def __init__(self, root: Path, *, options: str = ""):
        super().__init__(root)
        self.port = free_port()
        self.says_when_down = f"Connect call failed ('127.0.0.1', {self.port})"
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True)
        self.url = f"ssh://{user.stdout.strip()}@127.0.0.1:{self.port}{self.root}"
        for key in ("host", "user"):
            if not (root / key).exists():
                command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / key)]
                subprocess.run(command, check=True)
        self.settings = ("keyfile", str(root / "user"))
        self.config = root / f"sshd_config_{self.port}"
        self.config.write_text(
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
        self.process = None

    def start(self) -> None:
        if self.process is None:
            if os.geteuid() == 0:
                Path("/run/sshd").mkdir(exist_ok=True)  # sshd of root insists; else boot makes it
            self.process = serving([SSHD, "-D", "-e", "-f", str(self.config)], self.port)

    def stop(self) -> None:
        ended(self.process)
        self.process = None


class S3:
    """A bucket on moto's server, which forgets everything when it stops."""

    environment = {  # noqa: RUF012
        "AWS_ACCESS_KEY_ID": "anyone",
        "AWS_SECRET_ACCESS_KEY": "anything",
    }

    def __init__(self, root: Path):
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.says_when_down = f'Could not connect to the endpoint URL: "{self.address}'
        self.settings = ("endpointurl", self.address)
        self.url = "s3://initlab/team"
        self.process = None

    def start(self) -> None:
        if self.process is None:
            server = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
            self.process = serving(server, self.port)
            self.ask("PUT", "")  # the bucket

    def stop(self) -> None:
        ended(self.process)
        self.process = None

    def ask(self, method: str, key: str, content: bytes | None = None) -> bytes:
        address = f"{self.address}/initlab{key}"
        # moto looks for a signature, and believes any.
        headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/1/us-east-1/s3/aws4_request"}
        request = urllib.request.Request(address, content, headers, method=method)
        with http.open(request) as answer:
            return answer.read()

    def list_objects(self) -> list[str]:
        listing = self.ask("GET", "?list-type=2&prefix=team/files").decode()
        return [key.removeprefix("team/") for key in re.findall("<Key>(.*?)</Key>", listing)]

    def truncate(self, key: str) -> None:
        path = f"/team/{urllib.parse.quote(key)}"
        self.ask("PUT", path, self.ask("GET", path)[:20])

    def delete(self, key: str) -> None:
        self.ask("DELETE", f"/team/{urllib.parse.quote(key)}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def serving(command: list[str], port: int) -> subprocess.Popen:
    """Start a server, and wait until its port answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return process
    process.kill()
    process.wait()
    pytest.fail(f"no server came up: {' '.join(command)}")


def ended(process: subprocess.Popen | None) -> None:
    if process is not None:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(params=["folder", pytest.param("ssh", marks=needs_sshd), "s3"])
def remote(request, tmp_path):
    remote = {"folder": Folder, "ssh": Ssh, "s3": S3}[request.param](tmp_path)
    try:
        remote.start()
        yield remote
    finally:
        remote.stop()


@pytest.fixture
def machine_a(study) -> Clone:
    """A machine that has run the study and pushed it with git."""
    return with_origin(study)


def with_origin(machine: Clone) -> Clone:
    machine.run("git", "init", "--quiet", "--bare", "../origin.git")
    machine.run("git", "remote", "add", "origin", "../origin.git")
    machine.run("git", "push", "--quiet", "--set-upstream", "origin", "HEAD")
    return machine


def another_machine(machine: Clone, name: str, remote=None) -> Clone:
    """A fresh clone elsewhere: nothing in its cache, and secrets of its own."""
    origin = machine.folder.parent / "origin.git"
    folder = machine.folder.parent / name / "initlab"
    machine.run("git", "clone", "--quiet", str(origin), str(folder))
    other = Clone(folder, Path(machine.environment["MNIST_MIRROR"]))
    other.run("git", "config", "user.name", name)
    other.run("git", "config", "user.email", f"{name}@example.org")
    if remote is not None:
        give_secrets(other, remote)
    return other


def set_up(machine: Clone, remote) -> None:
    """The README's lines for a team's remote."""
    machine.run("dvc", "remote", "add", "--default", "team", remote.url)
    machine.run("dvc", "remote", "modify", "team", "verify", "true")
    machine.run("git", "commit", "--quiet", "--message", "Share with the team", ".dvc/config")
    machine.run("git", "push", "--quiet")
    give_secrets(machine, remote)


def give_secrets(machine: Clone, remote) -> None:
    machine.environment |= remote.environment
    if remote.settings:
        machine.run("dvc", "remote", "modify", "--local", "team", *remote.settings)


def commit_and_push(machine: Clone, message: str) -> None:
    machine.run("git", "commit", "--quiet", "--all", "--message", message)
    machine.run("git", "push", "--quiet")


def refused(machine: Clone, *command: str, saying: str) -> None:
    """A command fails, says why without a traceback, and no result is lost."""
    before = results(machine)
    result = machine.run(*command, expect=None)
    assert result.returncode != 0
    assert saying in result.stderr
    assert "Traceback" not in result.stderr
    assert results(machine) == before


def results(machine: Clone) -> dict[Path, bytes]:
    runs = machine.folder / "data" / "runs"
    files = [*runs.rglob("*"), machine.folder / "dvc.lock"]
    return {file: file.read_bytes() for file in files if file.is_file()}


def weights_key(machine: Clone) -> str:
    """Where a remote keeps the final weights of all_ones."""
    file = machine.folder / ALL_ONES / "weights.safetensors"
    command = ["md5sum", str(file)]
    md5 = subprocess.run(command, capture_output=True, text=True, check=True).stdout[:32]
    return f"files/md5/{md5[:2]}/{md5[2:]}"


def test_one_folder_needs_no_configuration(machine_a):
    """The first fetch finds nothing, the first share makes the folder, and B trains nothing."""
    machine_b = another_machine(machine_a, "b")
    assert "`dvc repro` makes it" in make(machine_b, "fetch").stdout

    # The default remote is beside the checkout, so B's neighbour shares with B.
    shutil.copytree(machine_a.folder, machine_b.folder.with_name("neighbour"), symlinks=True)
    neighbour = Clone(machine_b.folder.with_name("neighbour"), machine_a.folder / "data" / "mnist")
    assert "files pushed" in make(neighbour, "share").stdout
    assert (machine_b.folder.parent / "initlab-shared").is_dir()
    fetched = make(machine_b, "fetch").stdout
    assert "A       data/runs/all_ones/" in fetched
    assert "`dvc repro` makes it" not in fetched
    assert machine_b.repro() == []

    # Without `make fetch`: DVC gets what a stage is about to need.
    shutil.rmtree(machine_b.folder / "data")
    shutil.rmtree(machine_b.folder / ".dvc" / "cache")
    assert machine_b.repro("--pull") == []


@pytest.fixture(scope="module")
def tried(finished_study, tmp_path_factory) -> Clone:
    """A study in which another bias was tried, and is not committed; copy it."""
    study = finished_study.copy(tmp_path_factory.mktemp("tried") / "initlab")
    changing(study, "variants", all_ones=ZERO_BIAS)
    assert study.repro("train@all_ones") == ["check", "train@all_ones"]
    return study


def test_two_machines_train_nothing_twice(tried, tmp_path, remote):
    machine_a = with_origin(tried.copy(tmp_path / "a" / "initlab"))
    set_up(machine_a, remote)
    # A shared what it tried, and went back.
    make(machine_a, "share")
    machine_a.run("git", "checkout", "--quiet", ".")
    machine_a.run("dvc", "checkout")
    make(machine_a, "share")

    machine_b = another_machine(machine_a, "b", remote)
    make(machine_b, "fetch")
    assert machine_b.repro() == []
    assert machine_b.run("git", "status", "--porcelain").stdout == ""

    changing(machine_b, "variants", all_ones=ZERO_BIAS)
    assert machine_b.repro("--pull", "train@all_ones") == ["check"]

    changing(machine_b, "variants", all_ones=TWOS)
    assert machine_b.repro() == TRAINED
    make(machine_b, "share")
    commit_and_push(machine_b, "Try twos")

    machine_a.run("git", "pull", "--quiet")
    make(machine_a, "fetch")
    assert machine_a.repro() == []
    assert machine_a.run("git", "status", "--porcelain").stdout == ""
    assert results(machine_a).keys() == {
        machine_a.folder / file.relative_to(machine_b.folder) for file in results(machine_b)
    }


def test_a_remote_that_is_down_stops_nothing_but_sharing(machine_a, remote):
    set_up(machine_a, remote)
    machine_b = another_machine(machine_a, "b", remote)
    remote.stop()
    refused(machine_a, "dvc", "push", saying=remote.says_when_down)
    refused(machine_b, "dvc", "pull", "--run-cache", saying=remote.says_when_down)
    assert machine_a.repro() == []
    remote.start()
    machine_a.run("dvc", "push", "--run-cache")

    # It comes back: with everything, or, as S3 does here, with nothing.
    remote.stop()
    remote.start()
    machine_a.run("dvc", "push", "--run-cache")
    machine_b.run("dvc", "pull", "--run-cache")
    assert machine_b.repro() == []


def test_a_folder_that_cannot_be_written_is_refused(machine_a):
    """Not even root can make a folder in /sys."""
    machine_a.run("dvc", "remote", "add", "--local", "--default", "team", "/sys/initlab")
    refused(machine_a, "dvc", "push", "--run-cache", saying="/sys/initlab")


@needs_sshd
def test_a_read_only_server_gives_and_does_not_take(machine_a, tmp_path):
    writable, read_only = Ssh(tmp_path), Ssh(tmp_path, options="ForceCommand internal-sftp -R\n")
    try:
        read_only.start()
        set_up(machine_a, read_only)
        refused(machine_a, "dvc", "push", "--run-cache", saying="Permission denied")
        writable.start()
        machine_a.run("dvc", "remote", "modify", "--local", "team", "url", writable.url)
        machine_a.run("dvc", "push", "--run-cache")
        machine_b = another_machine(machine_a, "b", read_only)
        machine_b.run("dvc", "pull", "--run-cache")
        assert machine_b.repro() == []
        # Only the exit status of a push without --run-cache can be trusted here: DVC reports
        # a run cache that was refused as errors, and ends with 0.
        refusal = machine_b.run("dvc", "push", "--run-cache")
        assert "Permission denied" in refusal.stderr
    finally:
        writable.stop()
        read_only.stop()


def test_a_damaged_object_is_noticed_and_healed(machine_a, remote):
    set_up(machine_a, remote)
    machine_a.run("dvc", "push", "--run-cache")
    remote.truncate(weights_key(machine_a))

    machine_b = another_machine(machine_a, "b", remote)
    refused_pull = machine_b.run("dvc", "pull", "--run-cache", expect=1)
    assert f"Checkout failed for following targets:\n{ALL_ONES}" in refused_pull.stderr
    assert not (machine_b.folder / ALL_ONES).exists()  # nothing damaged came through
    assert "`dvc repro` makes it" in make(machine_b, "fetch").stdout

    # A push believes that all is well, so what is damaged has to go first.
    assert "up to date" in machine_a.run("dvc", "push").stdout
    healed = make(machine_b, "heal").stdout
    assert f"{weights_key(machine_a)}: not what its name says" in healed
    assert "2 files pushed" in machine_a.run("dvc", "push").stdout
    assert "are what their names say" in make(machine_b, "heal").stdout
    machine_b.run("dvc", "pull", "--run-cache")
    assert machine_b.repro() == []


def test_lost_objects_are_noticed_and_healed(machine_a, tmp_path):
    remote = Folder(tmp_path)
    set_up(machine_a, remote)
    machine_a.run("dvc", "push", "--run-cache")
    machine_b = another_machine(machine_a, "b", remote)
    lost = [key for key in remote.list_objects() if not key.endswith(".dir")][::2]
    for key in lost:
        remote.delete(key)
    name = "".join(lost[0].split("/")[-2:])
    refused_pull = machine_b.run("dvc", "pull", "--run-cache", expect=1)
    assert name in refused_pull.stderr
    assert "Traceback" not in refused_pull.stderr
    make(machine_a, "heal")
    machine_a.run("dvc", "push")
    machine_b.run("dvc", "pull", "--run-cache")
    assert machine_b.repro() == []


def test_a_push_that_was_killed_is_completed_by_the_next(machine_a, remote):
    set_up(machine_a, remote)
    command = ["dvc", "push", "--run-cache"]
    push = subprocess.Popen(
        command,
        cwd=machine_a.folder,
        env=machine_a.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while push.poll() is None and not remote.list_objects():
        pass
    push.send_signal(signal.SIGKILL)
    push.wait()
    # Over SSH a file grows under its final name: half a file would pass for the whole.
    make(machine_a, "heal")
    make(machine_a, "share")
    machine_b = another_machine(machine_a, "b", remote)
    machine_b.run("dvc", "pull", "--run-cache")
    assert machine_b.repro() == []


def test_two_branches_merge_without_training(machine_a):
    """A and B change a variant each; whoever merges runs `dvc repro --pull`."""
    set_up(machine_a, Folder(machine_a.folder.parent))
    machine_b = another_machine(machine_a, "b")
    main = machine_a.run("git", "branch", "--show-current").stdout.strip()
    make(machine_a, "share")
    make(machine_b, "fetch")

    machine_b.run("git", "switch", "--quiet", "--create", "twos")
    changing(machine_b, "variants", all_ones=TWOS)
    machine_b.repro()
    make(machine_b, "share")
    machine_b.run("git", "commit", "--quiet", "--all", "--message", "Try twos")
    machine_b.run("git", "push", "--quiet", "--set-upstream", "origin", "twos")

    changing(machine_a, "variants", baseline={"fc1": {"bias": "zeros"}})
    machine_a.repro()
    make(machine_a, "share")
    commit_and_push(machine_a, "Start the biases of fc1 at zero")
    lock = (machine_a.folder / "dvc.lock").read_text()
    mine = machine_a.params

    machine_a.run("git", "fetch", "--quiet")
    merge = machine_a.run("git", "merge", "origin/twos", expect=1)
    assert "Merge conflict in dvc.lock" in merge.stdout
    assert (machine_a.folder / "dvc.lock").read_text() == lock  # whole, and ours
    mine["variants"]["all_ones"] = TWOS  # what an editor does with the lines in conflict
    machine_a.params = mine
    assert "train" not in str(machine_a.repro("--pull"))
    machine_a.run("git", "add", "--all")
    machine_a.run("git", "commit", "--quiet", "--message", "Merge twos")
    machine_a.run("git", "push", "--quiet")
    make(machine_a, "share")

    machine_b.run("git", "switch", "--quiet", main)
    machine_b.run("git", "pull", "--quiet")
    make(machine_b, "fetch")
    assert machine_b.repro() == []
    assert machine_b.run("git", "status", "--porcelain").stdout == ""
    assert machine_b.params["variants"] == mine["variants"]


def test_collecting_garbage_keeps_what_branches_and_experiments_use(tried, tmp_path):
    study = tried.copy(tmp_path / "initlab")
    main = study.run("git", "branch", "--show-current").stdout.strip()
    switch(study, "--create", "other")
    study.run("git", "commit", "--quiet", "--all", "--message", "Another bias")
    switch(study, main)
    setting = "variants.all_ones.all.weight=zeros"
    study.run("dvc", "exp", "run", "--name", "tried", "-S", setting, "train@all_ones")
    study.run("git", "checkout", "--quiet", ".")
    changing(study, "variants", all_ones=TWOS)
    assert "train@all_ones" in study.repro("train@all_ones")
    study.run("git", "checkout", "--quiet", ".")
    study.run("dvc", "checkout")

    recipe = ["dvc", "gc", "--all-branches", "--all-tags", "--all-experiments"]
    study.run(*recipe, "--dry", "--force")
    before = cached(study)
    study.run(*recipe, "--force")
    assert cached(study) < before

    switch(study, "other")
    assert study.repro("train@all_ones") == []
    switch(study, main)
    study.run("dvc", "exp", "apply", "tried")
    assert study.repro("train@all_ones") == []
    # What is neither committed nor an experiment is gone.
    changing(study, "variants", all_ones=TWOS)
    assert "train@all_ones" in study.repro("train@all_ones", "--dry")


def switch(study: Clone, *branch: str) -> None:
    study.run("git", "switch", "--quiet", *branch)
    study.run("dvc", "checkout")


def cached(study: Clone) -> set[Path]:
    return set((study.folder / ".dvc" / "cache" / "files").rglob("*"))
