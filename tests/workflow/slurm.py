"""A real Slurm on this machine: Debian's daemons with one node, all in a temporary folder."""

import getpass
import os
import platform
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun")
_PATIENCE_S = 60.0
_FIELDS = "state:20,numcpus:10,minmemory:10,tres-per-job:20,comment:80"

_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
MinJobAge=3600
GresTypes=gpu
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=16000 Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
# A pretended GPU.
_GRES = "NodeName={host} Name=gpu File=/dev/zero\n"


@dataclass(frozen=True)
class Submission:
    """What Slurm says of one submission: what it asked for, and what became of it."""

    state: str
    cpus: int
    memory_mb: int
    gpus: str
    """As in `gres:gpu:1`; may be empty."""
    name: str
    """As the executor calls it: after the rule, or after the group and its rules."""


@contextmanager
def slurm(folder: Path) -> Iterator[Path]:
    """A running Slurm with an idle node of two CPUs, 16 GB and a pretended GPU.

    Yields `folder`, which holds its configuration and logs; the environment is that of its users
    until the end, when all its processes are gone.
    """
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    folder.chmod(0o755)  # munged insists
    host = platform.node().split(".")[0]
    user, ports = getpass.getuser(), _free_ports(2)
    conf = folder / "slurm.conf"
    conf.write_text(_CONF.format(host=host, user=user, folder=folder, ports=ports))
    (folder / "gres.conf").write_text(_GRES.format(host=host))
    _write_srun(folder / "bin/srun", conf)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(conf))
        patch.setenv("PATH", f"{folder}/bin{os.pathsep}{os.environ['PATH']}")
        daemons = [_munged(folder)]
        try:
            _until(lambda: (folder / "munge.socket").exists(), folder)
            daemons += [_start(folder, "slurmctld", "-D"), _start(folder, "slurmd", "-D")]
            _until(lambda: _said("sinfo", "-h", "-o", "%T") == "idle", folder)
            yield folder
        finally:
            _stop(daemons)


def submissions() -> list[Submission]:
    """All that were ever sent to the Slurm that runs, in their order."""
    told = _said("squeue", "-h", "--states=all", "--sort=i", "-O", _FIELDS)
    return [_submission(*line.split()) for line in told.splitlines()]


def _submission(state: str, cpus: str, memory: str, gpus: str, name: str) -> Submission:
    megabytes = int(memory.removesuffix("M"))
    return Submission(state, int(cpus), megabytes, gpus.replace("N/A", ""), name)


def _write_srun(path: Path, conf: Path) -> None:
    # The executor's job step drops SLURM_CONF from the environment of the `srun` in it.
    path.write_text(f'#!/bin/sh\nSLURM_CONF="{conf}" exec "{shutil.which("srun")}" "$@"\n')
    path.chmod(0o755)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _munged(folder: Path) -> subprocess.Popen[bytes]:
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
    options = [f"--{name}={folder}/munge.{end}" for name, end in files.items()]
    return _start(folder, "munged", "--foreground", "--force", *options)


def _start(folder: Path, program: str, *options: str) -> subprocess.Popen[bytes]:
    with open(folder / f"{program}.log", "wb") as log:
        return subprocess.Popen([program, *options], stdout=log, stderr=subprocess.STDOUT)


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.stdout.strip()


def _until(holds: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            logs = "\n".join(log.read_text()[-1000:] for log in folder.glob("*.log"))
            raise TimeoutError(f"Slurm did not start:\n{logs}")
        time.sleep(0.1)


def _stop(daemons: list[subprocess.Popen[bytes]]) -> None:
    """End the jobs, then the daemons, the newest first."""
    _said("scancel", f"--user={getpass.getuser()}")
    deadline = time.monotonic() + _PATIENCE_S
    while _said("squeue", "-h") and time.monotonic() < deadline:
        time.sleep(0.1)
    for daemon in reversed(daemons):
        daemon.terminate()
        daemon.wait(_PATIENCE_S)
