"""What Snakemake's events amount to: how far each stage is, how fast, and how long to go."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from voiceface.building.events import Event
from voiceface.errors import NO_ACCESS, hardship_words

STAGES = (
    "resolve",
    "download",
    "downloads",
    "speech",
    "faces",
    "samples",
    "gather",
    "manifest",
    "dataset",
    "pack",
    "voice",
    "train",
    "evaluate",
    "report",
)
# Rules that only name targets, and the sum in Snakemake's count of jobs.
NO_STAGES = {"all", "dataset_only", "models_only", "total"}
_TAIL_BYTES = 4096
# How Snakemake tells that a shell's command was ended by a signal: of the shell, or as its status.
_SIGNAL = re.compile(r"died with <Signals\.\w+: (\d+)>|non-zero exit status (1[3-5]\d)\b")
_LOG = re.compile(r"&> (\S+?)['\"]")
_REASON = re.compile("(?:voiceface|slurmstepd: error): (.+)")


@dataclass
class Job:
    """One job that has started."""

    rule: str
    about: str
    """What it works on: the video or the model; may be empty."""
    log: Path | None
    started: float
    sent: Path | None = None
    """A cluster's log of the submission that the job failed in, perhaps with others; None: here."""

    @property
    def name(self) -> str:
        """As in `faces of youtube-abc`."""
        return f"{self.rule} of {self.about}" if self.about else self.rule


@dataclass
class Stage:
    """All jobs of one rule."""

    name: str
    total: int
    done: int = 0
    done_s: float = 0.0
    """Sum of the wall seconds of the finished jobs."""
    done_video_s: float = 0.0
    """Sum of the seconds of video that the finished jobs worked on."""
    video_s: float = 0.0
    """Sum of the seconds of video of all jobs that have started."""
    started: float | None = None
    ended: float | None = None


@dataclass
class Progress:
    """The state of a build."""

    durations_s: Mapping[str, float]
    """Length of each video, in seconds."""
    cores: int
    speeds: Mapping[str, float] = field(default_factory=dict)
    """Wall seconds per job of each stage in an earlier build."""
    stages: dict[str, Stage] = field(default_factory=dict)
    running: dict[int, Job] = field(default_factory=dict)
    failed: dict[int, Job] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    """What Snakemake itself found wrong, one line each."""
    signals: dict[Path, int] = field(default_factory=dict)
    """Which signal ended a job, by its log."""
    group_logs: list[str] = field(default_factory=list)
    """A cluster's logs of the group of jobs that failed last."""

    def apply(self, event: Event, now: float | None = None) -> None:
        """Take in one event; `now` in seconds of the monotonic clock."""
        moment = time.monotonic() if now is None else now
        if event["event"] == "run_info":
            self._plan(event["stats"] or {})
        elif event["event"] == "job_info":
            self._start(event, moment)
        elif event["event"] == "job_finished":
            self._finish(event["job_id"], moment)
        elif event["event"] == "group_error":
            self.group_logs = event["aux_logs"] or []  # of the jobs whose errors follow, indented
        elif event["event"] == "job_error":
            self._fail(event, moment)
        elif event["event"] == "error":
            self.errors.append(plain(event["text"]))
            self._find_signal(event["text"])

    def _plan(self, counts: Mapping[str, int]) -> None:
        names = [*STAGES, *sorted(set(counts) - set(STAGES))]
        for name in names:
            if name in counts and name not in NO_STAGES:
                stage = self.stages.setdefault(name, Stage(name, 0))
                stage.total = max(stage.total, counts[name])

    def _start(self, event: Event, now: float) -> None:
        job = _job(event, now)
        if job.rule in self.stages:
            stage = self.stages[job.rule]
            stage.started = now if stage.started is None else stage.started
            self.failed.pop(event["jobid"], None)  # a new try
            self.running[event["jobid"]] = job

    def _finish(self, number: int, now: float) -> None:
        job = self.running.pop(number, None)
        if job is not None:
            stage = self.stages[job.rule]
            stage.done += 1
            stage.done_s += now - job.started
            stage.done_video_s += self.durations_s.get(job.about, 0.0)
            stage.ended = now

    def _find_signal(self, text: str) -> None:
        ended, log = _SIGNAL.search(text), _LOG.search(text)
        if ended and log:
            self.signals[Path(log[1])] = int(ended[1] or int(ended[2]) - 128)

    def _fail(self, event: Event, now: float) -> None:
        job = self.running.pop(event["jobid"], None) or _job(event, now)
        cluster_logs = self.group_logs if event.get("indent") else (event.get("log") or [])[1:]
        job.sent = Path(cluster_logs[0]) if cluster_logs else None
        self.failed[event["jobid"]] = job

    def throughput(self, stage: Stage, now: float) -> float | None:
        """Seconds of video per wall second of this stage so far; None where it has no videos."""
        if stage.started is None or not stage.done_video_s:
            return None
        end = stage.ended if stage.done == stage.total and stage.ended else now
        return stage.done_video_s / max(end - stage.started, 1e-3)

    def to_go_s(self, stage: Stage, now: float) -> float | None:
        """Estimate of the wall seconds that the stage still needs; None when nothing tells."""
        left = stage.total - stage.done
        if left <= 0:
            return 0.0
        per_job = stage.done_s / stage.done if stage.done else self.speeds.get(stage.name)
        if per_job is None:
            return None
        jobs = [job for job in self.running.values() if job.rule == stage.name]
        spent = sum(min(now - job.started, per_job) for job in jobs)
        return max(per_job * left - spent, 0.0) / min(self.cores, left)

    def all_to_go_s(self, now: float) -> tuple[float, bool]:
        """Estimate for the whole build, and whether it knows all stages (else it is a minimum)."""
        parts = [self.to_go_s(stage, now) for stage in self.stages.values()]
        return sum(part for part in parts if part is not None), None not in parts

    def measured(self) -> dict[str, float]:
        """Wall seconds per job of each stage, for the next build's estimate."""
        found = {s.name: round(s.done_s / s.done, 3) for s in self.stages.values() if s.done}
        return {**self.speeds, **found}


def _job(event: Event, now: float) -> Job:
    about = " ".join(str(value) for value in (event.get("wildcards") or {}).values())
    logs = event.get("log") or []
    return Job(event["rule_name"], about, Path(logs[0]) if logs else None, now)


def plain(text: str) -> str:
    """What went wrong, of the lines with which Snakemake reports an error."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith('File "')]
    if "VoicefaceError: " in text:
        # Raised while Snakemake asks for a parameter: it adds wildcards and a traceback.
        return next(line for line in lines if "VoicefaceError: " in line).split("Error: ", 1)[1]
    if any(line.startswith("Traceback") for line in lines):
        if words := hardship_words(lines[-1]):
            return f"{words} ({lines[-1]})"
        if refused := re.search(r"\[Errno (?:1|13|30)\] (.*)", lines[-1]):
            return f"{refused[1]}; {NO_ACCESS}"
        return f"{lines[-1]}; is the Snakefile right? `snakemake -n` tells more"
    if protected := re.search(r"Write-protected output .*affected files:\s+(\S+)", text, re.DOTALL):
        return f"{protected[1]}: is write-protected; {NO_ACCESS}"
    if len(lines) > 1 and re.match(r"\w+ in (file|rule) .*:$", lines[0]):
        lines = lines[1:]
    return " ".join(lines)


def last_line(log: Path | None) -> str:
    """Last line that a job has written to its log; a progress bar's last state counts as one."""
    lines = _tail(log)
    return lines[-1] if lines else ""


def reason(log: Path | None) -> str:
    """What a stage or Slurm itself says in a log of why it ended; may be empty."""
    told = [found[1] for line in _tail(log) if (found := _REASON.match(line))]
    return told[-1] if told else ""


def _tail(log: Path | None) -> list[str]:
    if log is None:
        return []
    try:
        with open(log, "rb") as source:
            source.seek(max(source.seek(0, 2) - _TAIL_BYTES, 0))
            text = source.read().decode(errors="replace")
    except OSError:
        return []  # not there yet, or never written
    return [line.strip() for line in text.splitlines() if line.strip()]
