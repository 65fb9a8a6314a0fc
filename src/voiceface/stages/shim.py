"""The thin command line that every stage shares."""

import argparse
import inspect
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from voiceface.errors import told
from voiceface.section import Section, parse_section


class NoPandas(MetaPathFinder):
    """Keeps Arrow from importing pandas where that is installed.

    It would, to see if a list is perhaps one of pandas' arrays: 0.2 s in every process, for no
    stage uses pandas.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("not in a stage's process", name=name)


def stage_main(run: Callable[..., None], *, trains: bool = False) -> int:
    """Run a stage function from the command line: `python -m voiceface.stages.x --flag=value`.

    Each parameter of `run` is a flag of the same name. One annotated with a config section takes
    that section as JSON; `Path` and `str` are taken as they are.

    Args:
        trains: the stage uses torch, which wants to know whether pandas is installed.

    Returns: the exit status: 0, or 1 after an expected failure, which is printed as one line. In
        the stage's own process it does not return but ends that.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {_module_of(run)}", description=run.__doc__)
    for name in inspect.signature(run).parameters:
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, required=True)
    arguments = vars(parser.parse_args())
    own_process = run.__module__ == "__main__"
    if own_process and not trains:
        sys.meta_path.insert(0, NoPandas())
    status = _status(run, arguments)
    if own_process and threading.active_count() == 1:
        # Python would free every module and model one by one, which takes 0.1 s of a stage's time.
        # The system does it at once, and all files are closed by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _status(run: Callable[..., None], arguments: dict[str, str]) -> int:
    parameters = inspect.signature(run).parameters
    try:
        run(**{name: _value(parameters[name].annotation, arguments[name]) for name in parameters})
    except Exception as error:
        message = told(error, _module_of(run))
        if message is None:
            raise
        return _fail(message)
    return 0


def _value(annotation: Any, text: str) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return parse_section(annotation, json.loads(text))
    return Path(text) if annotation is Path else text


def _fail(message: str) -> int:
    if os.environ.get("VOICEFACE_DEBUG"):
        traceback.print_exc()
    print(f"voiceface: {message}", file=sys.stderr)
    return 1


def _module_of(run: Callable[..., None]) -> str:
    return Path(inspect.getfile(run)).stem if run.__module__ == "__main__" else run.__module__
