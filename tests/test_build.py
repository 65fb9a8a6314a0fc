"""The one command: its live view, its errors, and that nothing is ever to be unlocked by hand."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import needs
from voiceface.building.failures import failure_lines
from voiceface.building.progress import Job, Progress, last_line, reason
from voiceface.building.view import span
from voiceface.sources import Video, write_videos

_BUILD = [sys.executable, "-c", "import sys; from voiceface.build import build; "]
_BUILD[-1] += "from voiceface.cli import main; sys.exit(main(['build', *sys.argv[1:]]))"

SNAKEFILE = """
import csv
configfile: "config.yaml"
VIDEOS = [row["video"] for row in csv.DictReader(open("manifests/videos.csv"))]
rule all:
    default_target: True
    input: "data/manifest"
rule speech:
    output: "data/speech/{video}"
    log: "logs/speech/{video}.log"
    shell: "python job.py {wildcards.video} {output} &> {log}"
rule faces:
    input: "data/speech/{video}"
    output: "data/faces/{video}"
    log: "logs/faces/{video}.log"
    shell: "(echo looking; touch {output}) &> {log}"
rule manifest:
    input: expand("data/faces/{video}", video=VIDEOS)
    output: "data/manifest"
    log: "logs/manifest.log"
    shell: "touch {output} &> {log}"
"""

JOB = """
import os, sys, time
video, output = sys.argv[1:3]
if os.path.exists("bad") and video == "file-a1":
    print("voiceface: file-a1: no sound in it; take it out", file=sys.stderr)
    print("some later line", file=sys.stderr)
    sys.exit(1)
print("at work", flush=True)
while os.path.exists("wait"):
    time.sleep(0.02)
open(output, "w").close()
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project with a Snakefile of three stages, three videos of 60 s, and jobs that obey files:
    `bad` makes one fail, `wait` makes them wait."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "job.py").write_text(JOB)
    (tmp_path / "config.yaml").write_text("{}\n")
    (tmp_path / "profiles/default").mkdir(parents=True)
    profile = "scheduler: greedy\nnolock: true\nrerun-incomplete: true\nkeep-going: true\n"
    (tmp_path / "profiles/default/config.yaml").write_text(profile)
    videos = [
        Video(f"file-a{number}", "ann", "", "", "x.mp4", "", 60.0, "", "", "", "listed", "x.mp4")
        for number in range(3)
    ]
    write_videos(tmp_path / "manifests/videos.csv", videos)
    yield tmp_path
    (tmp_path / "wait").unlink(missing_ok=True)
    until(lambda: not jobs_in(tmp_path))


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [*_BUILD, "--cores=2", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, text=True)


def built(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Build; returns the exit status and what was printed."""
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def jobs_in(folder: Path) -> list[psutil.Process]:
    """The processes at work in the folder, whosever they are."""
    return [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(folder)]


def at_work(folder: Path) -> bool:
    return any((folder / "logs/speech").glob("*.log")) and any(
        "at work" in log.read_text() for log in (folder / "logs/speech").glob("*.log")
    )


def test_each_stage_is_told_with_its_counts_and_a_finished_build_does_nothing(
    project: Path,
) -> None:
    status, out, err = built(project)
    assert (status, err) == (0, "")
    assert "to do: speech 3, faces 3, manifest 1" in out
    for line in (
        r"speech: done 3/3 in \d+ s, \d+× real time",
        r"faces: done 3/3",
        "manifest: done",
    ):
        assert re.search(line, out)
    status, out, _ = built(project)
    assert status == 0
    assert "nothing is to be done" in out


def test_a_failed_job_is_one_line_and_the_rest_goes_on(project: Path) -> None:
    (project / "bad").touch()
    status, out, err = built(project)
    assert status == 1
    assert err == (
        "voiceface: speech of file-a1: file-a1: no sound in it; take it out"
        " (logs/speech/file-a1.log)\n"
    )
    assert "Traceback" not in out
    assert (project / "data/faces/file-a2").exists()
    (project / "bad").unlink()
    status, out, err = built(project)
    assert (status, err) == (0, "")
    assert "to do: speech 1, faces 1, manifest 1" in out


@pytest.mark.parametrize(
    ("snakefile", "error"),
    [
        ("rule broken:\n    output\n", "voiceface: .*Snakefile.*"),
        ('rule all:\n    input: "no/such"\n', "voiceface: Missing input files.*no/such.*"),
        (
            "from snakemake.exceptions import WorkflowError\n"
            "raise WorkflowError('config.yaml: models: none; name one')\n",
            "voiceface: config.yaml: models: none; name one",
        ),
    ],
)
def test_a_broken_workflow_is_one_line(project: Path, snakefile: str, error: str) -> None:
    (project / "Snakefile").write_text(snakefile)
    status, _, err = built(project)
    assert status == 1
    assert re.fullmatch(f"{error}\n", err)
    assert "Traceback" not in err


def test_a_folder_that_can_t_be_written_is_one_line(project: Path) -> None:
    assert built(project)[0] == 0
    bound = ["mount", "--bind", "data/speech", "data/speech"]
    mounted = subprocess.run(bound, cwd=project, capture_output=True, check=False).returncode == 0
    needs(mounted, "the right to mount a folder")
    try:
        protect = ["mount", "-o", "remount,ro,bind", "data/speech"]
        subprocess.run(protect, cwd=project, check=True)
        text = SNAKEFILE.replace("video} {output}", "video} {output} again")
        (project / "Snakefile").write_text(text)
        status, _, err = built(project)
    finally:
        subprocess.run(["umount", "data/speech"], cwd=project, check=True)
    assert status == 1
    assert re.fullmatch(
        r"voiceface: data/speech/file-a\d: is write-protected; make it readable and writable .*\n",
        err,
    )


def test_a_wrong_config_stops_before_any_work(project: Path) -> None:
    (project / "config.yaml").write_text("faces:\n  sise: 64\n")
    status, out, err = built(project)
    assert (status, out) == (1, "")
    assert err == (
        "voiceface: config.yaml: faces.sise: unknown key; see config.yaml for those there are\n"
    )


def test_settings_of_another_file_are_laid_over(project: Path) -> None:
    (project / "other.yaml").write_text("faces:\n  size: 64\n")
    (project / "config.yaml").write_text("faces:\n  margin: 0.1\n")
    text = SNAKEFILE + "\nprint('seen', sorted(config['faces'].items()))\n"
    (project / "Snakefile").write_text(text)
    status, _, err = built(project, "--configfile=other.yaml")
    assert (status, err) == (0, "")
    seen = (project / "logs/build.log").read_text()
    assert "seen [('margin', 0.1), ('size', 64)]" in seen


def test_a_profile_says_on_how_many_cores(project: Path) -> None:
    (project / "site.yaml").write_text("cores: 1\n")
    (project / "Snakefile").write_text(SNAKEFILE + "\nprint('cores:', workflow.cores)\n")
    subprocess.run([*_BUILD, "--profile=site.yaml"], cwd=project, check=True)
    assert "cores: 1" in (project / "logs/build.log").read_text()


def test_after_a_kill_the_next_build_needs_no_unlocking(project: Path) -> None:
    (project / "wait").touch()
    process = start(project)
    until(lambda: at_work(project))
    process.kill()
    process.communicate()
    (project / "wait").unlink()
    status, _, err = built(project)
    assert (status, err) == (0, "")
    assert (project / "data/manifest").exists()


def test_after_all_is_killed_at_once_the_next_build_goes_on(project: Path) -> None:
    (project / "wait").touch()
    process = start(project)
    until(lambda: at_work(project))
    for one in jobs_in(project):
        with contextlib.suppress(
            psutil.NoSuchProcess
        ):  # it may end with its parent before its turn
            one.kill()
    process.communicate()
    (project / "wait").unlink()
    status, _, err = built(project)
    assert (status, err) == (0, "")


def test_a_killed_build_leaves_no_process_behind(project: Path) -> None:
    (project / "wait").touch()
    process = start(project)
    until(lambda: at_work(project))
    process.kill()
    process.communicate()
    until(lambda: not jobs_in(project))


def test_when_snakemake_alone_is_killed_its_jobs_go_too_and_a_line_says_so(project: Path) -> None:
    (project / "wait").touch()
    process = start(project)
    until(lambda: at_work(project))
    [snakemake] = [p for p in jobs_in(project) if "voiceface.building.events" in p.cmdline()]
    snakemake.kill()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == (
        "voiceface: Snakemake was killed (SIGKILL), as the system does when memory runs out;"
        " `voiceface build --cores=1` runs one job at a time\n"
    )
    assert not jobs_in(project)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_all_cleanly_and_the_next_build_goes_on(
    project: Path, number: signal.Signals
) -> None:
    (project / "wait").touch()
    process = start(project)
    until(lambda: at_work(project))
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == ""
    assert "stopped; `voiceface build` goes on from here" in out
    assert not jobs_in(project)
    assert not list((project / "data/speech").glob("*"))
    (project / "wait").unlink()
    assert built(project)[0] == 0


def test_a_second_build_at_the_same_time_says_so_in_one_line(project: Path) -> None:
    (project / "wait").touch()
    first = start(project)
    until(lambda: at_work(project))
    status, out, err = built(project)
    assert (status, out) == (1, "")
    assert re.fullmatch(
        rf"voiceface: another build is running in this folder \(process {first.pid}\); .*\n", err
    )
    (project / "wait").unlink()
    assert first.wait(30) == 0


def test_on_a_terminal_the_view_shows_the_running_jobs_last_line(project: Path) -> None:
    (project / "wait").touch()
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, 0x5414, b"\x28\x00\x78\x00\x00\x00\x00\x00")  # TIOCSWINSZ: 40 × 120
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [*_BUILD, "--cores=2"], cwd=project, env=environment, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    while process.poll() is None or shown == b"":
        try:
            shown += os.read(ours, 65536)
        except OSError:
            break
        if b"at work" in shown:
            (project / "wait").unlink(missing_ok=True)
    os.close(ours)
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert re.search(r"▸ speech of file-a\d \(\d+ s\): at work", text)
    assert re.search(r"speech\s+━+\s+3/3\s+\d+× real time", text)


def event(name: str, number: int, rule: str = "speech", video: str = "a") -> dict[str, object]:
    """As Snakemake's events come."""
    wildcards = {"video": video}
    return {"event": name, "jobid": number, "job_id": number, "rule_name": rule, "log": [],
            "wildcards": wildcards}  # fmt: skip


def test_speed_and_time_to_go_follow_from_the_finished_jobs() -> None:
    progress = Progress({"a": 100.0, "b": 100.0}, cores=2, speeds={"faces": 8.0})
    progress.apply({"event": "run_info", "stats": {"speech": 4, "faces": 4, "all": 1, "total": 9}})
    progress.apply(event("job_info", 1), now=0.0)
    progress.apply(event("job_info", 2, video="b"), now=0.0)
    progress.apply(event("job_finished", 1), now=10.0)
    progress.apply(event("job_finished", 2), now=10.0)
    speech, faces = progress.stages["speech"], progress.stages["faces"]
    assert progress.throughput(speech, now=10.0) == pytest.approx(20.0)
    assert progress.to_go_s(speech, now=10.0) == pytest.approx(10.0)  # 2 × 10 s on two cores
    assert progress.to_go_s(faces, now=10.0) == pytest.approx(16.0)  # from an earlier build
    assert progress.all_to_go_s(now=10.0) == (pytest.approx(26.0), True)
    assert progress.measured() == {"speech": 10.0, "faces": 8.0}


def test_a_job_that_succeeds_at_a_new_try_is_no_failure() -> None:
    progress = Progress({}, cores=1)
    progress.apply({"event": "run_info", "stats": {"speech": 1}})
    progress.apply(event("job_info", 1), now=0.0)
    progress.apply(event("job_error", 1), now=1.0)
    assert [job.name for job in progress.failed.values()] == ["speech of a"]
    progress.apply(event("job_info", 1), now=2.0)
    progress.apply(event("job_finished", 1), now=3.0)
    assert not progress.failed
    assert progress.stages["speech"].done == 1


def test_a_log_gives_its_last_line_and_its_error(tmp_path: Path) -> None:
    log = tmp_path / "log"
    progress = Progress({}, cores=1, failed={1: Job("speech", "a", log, 0.0)})

    def why() -> str:
        (line,) = failure_lines(progress, Path("logs/build.log"))
        return line.removeprefix("speech of a: ").removesuffix(f" ({log})")

    assert last_line(log) == ""
    assert why() == "no message"
    log.write_bytes(b"x" * 10_000 + b"\nstep 1\rstep 2\r")
    assert last_line(log) == "step 2"
    log.write_text("voiceface: why\nTerminated\n\n")
    assert why() == "why"
    log.write_text("Traceback (most recent call last):\nKeyError: 'x'\n")
    assert why() == "KeyError: 'x'"
    # A library that has no memory at its import is not ours to catch.
    log.write_text("ImportError: libx265.so: failed to map segment from shared object\n")
    assert why().startswith("out of memory; `voiceface build --cores=1`")


def test_a_job_that_is_killed_is_told_as_such(project: Path) -> None:
    (project / "wait").touch()
    process = start(project)
    until(lambda: at_work(project))
    for job in [p for p in jobs_in(project) if "job.py" in p.cmdline()][:1]:
        job.kill()
    (project / "wait").unlink()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert re.fullmatch(
        r"voiceface: speech of file-a\d: killed \(SIGKILL\), as the system does when memory runs"
        r" out; `voiceface build --cores=1` runs one job at a time \(logs/speech/.*\.log\)\n",
        err,
    )
    assert built(project)[0] == 0


def test_slurm_s_own_words_are_the_reason(tmp_path: Path) -> None:
    log = tmp_path / "1.log"
    log.write_text("step 3\nslurmstepd: error: Detected 1 oom_kill event in StepId=5.0\nthe end\n")
    assert reason(log) == "Detected 1 oom_kill event in StepId=5.0"


def test_of_jobs_sent_to_a_cluster_together_only_those_that_say_why_are_told(
    tmp_path: Path,
) -> None:
    logs = {name: tmp_path / name for name in ("quiet", "loud", "silent", "cluster", "other")}
    logs["loud"].write_text("voiceface: no sound\n")
    logs["other"].write_text("slurmstepd: error: out of memory\n")
    progress = Progress({}, cores=1)

    def fail(number: int, rule: str, log: str) -> None:
        error = {"event": "job_error", "jobid": number, "rule_name": rule, "indent": True}
        progress.apply({**error, "log": [str(logs[log])]})

    progress.apply({"event": "group_error", "aux_logs": [str(logs["cluster"])]})
    fail(1, "faces", "quiet")
    fail(2, "speech", "loud")
    progress.apply({"event": "group_error", "aux_logs": [str(logs["other"])]})
    fail(3, "pack", "silent")
    fail(4, "dataset", "silent")
    assert failure_lines(progress, Path("logs/build.log")) == [
        f"speech: no sound ({logs['loud']})",
        f"pack, or a job sent with it: out of memory ({logs['other']})",
    ]


def test_the_log_of_a_single_job_sent_to_a_cluster_is_told_when_its_own_says_nothing(
    tmp_path: Path,
) -> None:
    cluster = tmp_path / "1.log"
    cluster.write_text("slurmstepd: error: *** JOB 1 CANCELLED DUE TO TIME LIMIT ***\n")
    progress = Progress({}, cores=1)
    error = {"event": "job_error", "jobid": 1, "rule_name": "train", "indent": False}
    progress.apply({**error, "log": [str(tmp_path / "train.log"), str(cluster)]})
    (line,) = failure_lines(progress, Path("logs/build.log"))
    assert line.startswith("train, or a job sent with it: *** JOB 1 CANCELLED DUE TO TIME LIMIT")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "…"), (0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_lengths_of_time_read_well(seconds: float | None, words: str) -> None:
    assert span(seconds) == words
