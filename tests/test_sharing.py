"""Results travel between machines, as docs/sharing.md describes: by a folder, sshd, moto's S3."""

import getpass
import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.conftest import Clone, make
from tools import share as sharing

pytestmark = pytest.mark.slow

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
needs_sshd = pytest.mark.skipif(SSHD is None, reason="install openssh-server: no such command")
ZERO_BIAS = {"all": {"weight": "ones", "bias": "zeros"}}
ALL_ONES = "data/runs/all_ones"
INCOMPLETE = "Not everything is here"


Remote = tuple[str, dict[str, str]]  # an address, and settings of `dvc remote modify`


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def ssh(root: Path) -> Iterator[Remote]:
    """A folder behind an sshd with its own keys."""
    for key in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / key)]
        subprocess.run(command, check=True)
    port = free_port()
    options = [
        f"ListenAddress=127.0.0.1:{port}", f"HostKey={root}/host", "PidFile=none",
        f"AuthorizedKeysFile={root}/user.pub", "PasswordAuthentication=no", "UsePAM=no",
        "StrictModes=no",  # temporary folders lack the permissions of a home
        "Subsystem=sftp internal-sftp",
    ]  # fmt: skip
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd requires it of root
    command = [SSHD, "-D", "-f", "/dev/null", *(f"-o{option}" for option in options)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            await_server(port)
            url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{root}/team"
            yield url, {"keyfile": str(root / "user")}
        finally:
            process.terminate()


def await_server(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("the server did not start")


@contextmanager
def s3(_: Path) -> Iterator[Remote]:
    """A bucket on moto's server."""
    import botocore.session  # these two take seconds
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        session = botocore.session.get_session()
        session.set_credentials("anyone", "anything")
        client = session.create_client("s3", "us-east-1", endpoint_url=address)
        client.create_bucket(Bucket="initlab")
        client.close()
        keys = {"access_key_id": "anyone", "secret_access_key": "anything"}
        yield "s3://initlab/team", {"endpointurl": address, **keys}
    finally:
        server.stop()


def publish(machine: Clone, remote: Remote | None = None) -> None:
    """Name the team's remote, and push to a new origin with git."""
    if remote:
        url, settings = remote
        machine.run("dvc", "remote", "add", "--default", "team", url)
        for name, value in {"verify": "true", **settings}.items():
            machine.run("dvc", "remote", "modify", "team", name, value)
        machine.run("git", "commit", "--quiet", "--message", "Name a remote", ".dvc/config")
    machine.run("git", "init", "--quiet", "--bare", "../origin.git")
    machine.run("git", "remote", "add", "origin", "../origin.git")
    machine.run("git", "push", "--quiet", "--set-upstream", "origin", "HEAD")


def cloned(machine: Clone) -> Clone:
    """Another machine: a fresh clone with an empty cache."""
    folder = machine.folder.parent / "b" / "initlab"
    machine.run("git", "clone", "--quiet", "../origin.git", str(folder))
    return Clone(folder, machine.environment["MNIST_MIRROR"])


def assert_fetches_all(machine: Clone) -> None:
    assert INCOMPLETE not in make(machine, "fetch").stdout
    assert machine.repro() == []
    assert machine.is_clean()


def test_neighbouring_checkouts_share_without_configuration(study):
    publish(study)
    machine_b = cloned(study)
    assert INCOMPLETE in make(machine_b, "fetch").stdout
    neighbour = study.copy(machine_b.folder.with_name("neighbour"))
    neighbour.change("variants", all_ones=ZERO_BIAS)
    neighbour.repro("train@all_ones")
    assert "files pushed" in make(neighbour, "share").stdout
    neighbour.run("git", "checkout", "--quiet", ".")
    neighbour.run("dvc", "checkout")
    make(neighbour, "share")

    assert_fetches_all(machine_b)
    machine_b.change("variants", all_ones=ZERO_BIAS)
    make(machine_b, "fetch")
    assert machine_b.repro("train@all_ones") == []
    revision = "with Repo() as r, r.switch('HEAD'): print(r.config['remote']['shared']['url'])"
    url = machine_b.run("python", "-c", f"from dvc.repo import Repo\n{revision}").stdout.strip()
    assert url == str(machine_b.folder.with_name("initlab-shared"))


def test_the_run_cache_of_other_inputs_is_not_copied(study, tmp_path):
    publish(study, (str(tmp_path / "team"), {}))
    [entry, *_] = (study.folder / ".dvc" / "cache" / "runs").glob("*/*/*")
    for key in ("1" * 64, "2" * 64):
        other = entry.parents[2] / key[:2] / key / entry.name
        other.parent.mkdir(parents=True)
        shutil.copy(entry, other)
    make(study, "share")
    assert len([*(tmp_path / "team" / "runs").glob("*/*/*")]) == 2  # of the two trainings
    assert make(study, "share").stdout == "Everything is up to date.\n"


@pytest.mark.parametrize("outer", [".git", ".dvc", None])
def test_a_parent_folder_that_cannot_hold_results_is_refused(outer, tmp_path, monkeypatch):
    project = tmp_path / "parent" / "initlab"
    project.mkdir(parents=True)
    if outer:
        (project.parent / outer).mkdir()
    else:
        monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    monkeypatch.chdir(project)
    reason = f"is inside the repository {project.parent}" if outer else "cannot be created"
    with Repo.init(no_scm=True) as repo, pytest.raises(SystemExit, match=reason):
        sharing.choose_remote(repo)
    assert not (project / ".dvc" / "config.local").exists()


def test_a_teams_remote_replaces_the_neighbour(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Repo.init(no_scm=True) as repo:
        sharing.choose_remote(repo)
        assert repo.config["core"]["remote"] == "shared"
        with repo.config.edit("repo") as config:
            config["core"]["remote"] = "team"
            config["remote"]["team"] = {"url": str(tmp_path / "team")}
        sharing.choose_remote(repo)
        assert repo.config["core"]["remote"] == "team"


@pytest.mark.extra
@pytest.mark.parametrize("server", [pytest.param(ssh, marks=needs_sshd), s3])
def test_a_server_hands_over_all_shared_results(study, tmp_path, server):
    with server(tmp_path) as remote:
        publish(study, remote)
        assert "files pushed" in make(study, "share").stdout
        machine_b = cloned(study)
        assert_fetches_all(machine_b)
        assert "delete" not in make(machine_b, "repair").stdout


def test_an_unreachable_server_stops_nothing_but_sharing(study):
    port = free_port()
    study.run("dvc", "remote", "add", "--default", "team", f"ssh://me@127.0.0.1:{port}/team")
    for target in ("share", "fetch"):
        result = make(study, target, expect=2)
        assert f"Connect call failed ('127.0.0.1', {port})" in result.stderr
        assert "Traceback" not in result.stderr
    assert study.repro() == []


def cut(file: Path) -> None:
    content, mode = file.read_bytes(), file.stat().st_mode
    file.chmod(0o644)
    file.write_bytes(content[:20])
    file.chmod(mode)  # DVC does not check a file that is read-only


@pytest.mark.parametrize("damage", [cut, Path.unlink])
def test_a_damaged_object_is_found_and_repaired(study, tmp_path, damage):
    team = tmp_path / "team"
    publish(study, (str(team), {}))
    make(study, "share")
    weights = (study.folder / ALL_ONES / "weights.safetensors").read_bytes()
    md5 = hashlib.md5(weights, usedforsecurity=False).hexdigest()
    damage(team / "files" / "md5" / md5[:2] / md5[2:])

    machine_b = cloned(study)
    fetch = make(machine_b, "fetch", expect=None)
    assert INCOMPLETE in fetch.stdout or "files failed to download" in fetch.stderr
    assert "Traceback" not in fetch.stderr
    assert not (machine_b.folder / ALL_ONES / "weights.safetensors").exists()
    # A push does not replace an object that exists, so the damaged one must go first.
    assert "up to date" in study.run("dvc", "push").stdout
    before = set(team.rglob("*"))
    assert "to delete: " in make(machine_b, "repair").stdout
    assert set(team.rglob("*")) == before
    assert "deleted " in make(machine_b, "repair", "DELETE=yes").stdout
    assert "2 files pushed" in study.run("dvc", "push").stdout
    assert "delete" not in make(machine_b, "repair").stdout
    assert_fetches_all(machine_b)


def share(machine: Clone, message: str) -> None:
    make(machine, "share")
    machine.run("git", "add", "--all")
    machine.run("git", "commit", "--quiet", "--message", message)
    machine.run("git", "push", "--quiet", "origin", "HEAD")


def test_merging_two_branches_trains_nothing(study, tmp_path):
    publish(study, (str(tmp_path / "team"), {}))
    machine_b = cloned(study)
    make(study, "share")
    study.run("git", "switch", "--quiet", "--create", "theirs")
    study.change("variants", all_ones=ZERO_BIAS)
    study.repro("train@all_ones")
    share(study, "Initialize the biases to zero")
    machine_b.change("variants", baseline={"fc1": {"bias": "zeros"}})
    machine_b.repro("train@baseline")
    share(machine_b, "Initialize the biases of fc1 to zero")
    lock = (machine_b.folder / "dvc.lock").read_text()
    params = machine_b.params

    machine_b.run("git", "fetch", "--quiet", "origin")
    merge = machine_b.run("git", "merge", "origin/theirs", expect=1)
    assert "Merge conflict in dvc.lock" in merge.stdout
    assert (machine_b.folder / "dvc.lock").read_text() == lock  # whole, and of this branch
    report = machine_b.run("git", "check-attr", "merge", "reports/index.html").stdout
    assert report == "reports/index.html: merge: unset\n"  # as for dvc.lock
    machine_b.params = params  # an editor resolves the conflict in params.yaml
    machine_b.change("variants", all_ones=ZERO_BIAS)
    make(machine_b, "fetch")
    assert machine_b.repro() == ["evaluate", "report"]
