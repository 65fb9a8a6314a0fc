"""What code a stage's result depends on: Snakemake does not see imported modules by itself.

Not whole modules are followed but their parts: functions, classes and other names, as far as a
stage reaches them. So a new setting of one stage, or a new column of one table, makes no other
stage stale, though all import the module that it stands in.
"""

import ast
import hashlib
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = "voiceface"
_ROOT = Path(__file__).parent
# CPython 3.11 counts the depth of the tree per interpreter: two threads that parse at a time raise
# "SystemError: AST constructor recursion depth mismatch".
_PARSING = threading.Lock()

_WORDS_ONLY = {f"{_PACKAGE}.errors"}
"""Modules that no result depends on, but only what is said."""

_ALL = "*"
_EFFECTS = ""
"""Names the statements that bind no name: what a module does when it is imported."""
_Place = tuple[str, str]
"""A module, and a name in it, or one of the two above."""
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SCOPES = (*_DEFINITIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
"""What is bound within them is no name of the module."""


class UnfollowedImportError(Exception):
    """An import of which can't be told what it reaches, so that an edit would go unseen."""


def code_digest(module: str) -> str:
    """Digest of `module` and of all in this package that it reaches, through whatever imports.

    Taken over the syntax tree without docstrings, so that comments, docstrings and layout change
    nothing. It does not see `importlib.import_module`, data files or other packages (see
    `used_libraries`), nor what a value that is assigned changes elsewhere when it is made: what
    registers itself on import has to be a statement of its own.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    digest = hashlib.sha256()
    for name, part in code_parts(module).items():
        digest.update(f"{name}\0{part}\0".encode())
    return digest.hexdigest()[:16]


def code_parts(module: str) -> dict[str, str]:
    """What that digest is taken over: names with their module, sorted, and the digest of each.

    A module by itself is what it does when it is imported.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    found = sorted(_reached(module).items())
    return {f"{name}.{part}".rstrip("."): each.digest for (name, part), each in found}


def used_libraries(module: str) -> set[str]:
    """The other packages, as they are imported, that the same code uses; without Python's own.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    used = set().union(*(part.libraries for part in _reached(module).values()))
    return used - sys.stdlib_module_names


@dataclass
class _Part:
    """The statements of a module that bind a name."""

    digest: str = ""
    uses: set[_Place] = field(default_factory=set)
    libraries: set[str] = field(default_factory=set)


def _reached(module: str) -> dict[_Place, _Part]:
    seen: dict[_Place, _Part] = {}
    open_places = [(module, _ALL)]
    with _PARSING:
        while open_places:
            name, wanted = open_places.pop()
            known = _module(name).statements
            for part in [wanted, _EFFECTS] if wanted in known else known:
                if (name, part) not in seen:
                    seen[name, part] = _part(name, part)
                    open_places.extend(seen[name, part].uses)
    return {
        place: part for place, part in seen.items() if part.digest and place[0] not in _WORDS_ONLY
    }


@dataclass
class _Module:
    """The statements of a module by what they bind, and what its names were imported as."""

    statements: dict[str, list[ast.stmt]]
    aliases: dict[str, str]


@cache
def _module(name: str) -> _Module:
    path = _path(name)
    if path is None:
        raise ModuleNotFoundError(f"no module {name}")
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    module = _Module({_EFFECTS: []}, {})
    for statement in tree.body:
        if isinstance(statement, _DEFINITIONS):
            module.statements.setdefault(statement.name, []).append(statement)
        elif not _is_bare_string(statement):
            text = _Text(statement)
            module.aliases |= text.imported
            names = text.bound or (set() if text.imported else {_EFFECTS})
            if isinstance(statement, ast.For | ast.While | ast.With):
                names = names | {_EFFECTS}
            for bound in names:
                module.statements.setdefault(bound, []).append(statement)
    return module


@cache
def _part(module: str, name: str) -> _Part:
    """What a name of a module stands for, with what its statements use."""
    own = _module(module)
    part = _Part()
    digest = hashlib.sha256()
    loaded = set(own.aliases.values()) if name == _EFFECTS else set()
    for text in map(_Text, own.statements[name]):
        digest.update(text.text.encode())
        origins = own.aliases | text.imported
        loaded |= set(text.imported.values())
        part.libraries |= text.looked_up
        for used, attribute in sorted(text.used):
            if used in own.statements:
                part.uses.add((module, used))
            if origin := origins.get(used):
                digest.update(f"\0{used}={origin}".encode())
                part.uses |= {
                    (inner, _name_in(inner, origin, attribute)) for inner in _home(origin)
                }
                part.libraries |= {origin.split(".")[0]} - {_PACKAGE}
    part.uses |= {(inner, _EFFECTS) for origin in loaded for inner in _home(origin)}
    part.digest = digest.hexdigest() if own.statements[name] else ""
    return part


def _name_in(module: str, origin: str, attribute: str) -> str:
    """The name in `module` that `x.attribute` reaches where `x` was imported as `origin`."""
    return attribute if module == origin else origin.rpartition(".")[2]


def _home(origin: str) -> Iterator[str]:
    """The module of this package that `origin` is, or is a name in."""
    if origin.split(".")[0] == _PACKAGE:
        yield origin if _path(origin) else origin.rpartition(".")[0]


class _Text:
    """A statement as text without docstrings, with the names that it uses, binds and imports."""

    def __init__(self, statement: ast.stmt) -> None:
        self.used: set[tuple[str, str]] = set()
        """Names, each with the attribute that is asked of it."""
        self.bound: set[str] = set()
        self.imported: dict[str, str] = {}
        self.looked_up: set[str] = set()
        self._words: list[str] = []
        self._take(statement, binds=True)
        self.text = " ".join(self._words)

    def _take(self, node: ast.AST, *, binds: bool) -> None:
        binds = binds and not isinstance(node, _SCOPES)
        self._note(node, binds)
        self._words.append(f"{type(node).__name__}(")
        for name in node._fields:
            value: Any = getattr(node, name, None)
            if isinstance(node, ast.Attribute) and isinstance(value, ast.Name):
                self._words.append(value.id)  # noted with its attribute
                continue
            for item in value if isinstance(value, list) else [value]:
                if not isinstance(item, ast.AST):
                    self._words.append(repr(item))
                elif not _is_bare_string(item):
                    self._take(item, binds=binds)
            self._words.append(",")
        self._words.append(")")

    def _note(self, node: ast.AST, binds: bool) -> None:
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                self.used.add((name, attribute))
            case ast.Name(id=name, ctx=ast.Store()) if binds:
                self.bound.add(name)
            case ast.Name(id=name):
                self.used.add((name, _ALL))
            case ast.Constant(value=str(name)) if name.isidentifier():  # an annotation in quotes
                self.used.add((name, _ALL))
            case ast.Call(func=ast.Attribute(attr="find_spec"), args=[ast.Constant(value=name)]):
                self.looked_up.add(str(name))
            case ast.Import(names=names):
                for alias in names:
                    if alias.name.split(".")[0] == _PACKAGE and not alias.asname:
                        raise UnfollowedImportError(f"import {alias.name}: give it a name, as x")
                    origin = alias.name if alias.asname else alias.name.split(".")[0]
                    self.imported[alias.asname or origin] = origin
            case ast.ImportFrom(level=level) if level:
                raise UnfollowedImportError("a relative import: name the package")
            case ast.ImportFrom(module=str(module), names=names):
                for alias in names:
                    if module.split(".")[0] == _PACKAGE and _is_unfollowed(module, alias.name):
                        raise UnfollowedImportError(f"from {module} import {alias.name}")
                    self.imported[alias.asname or alias.name] = f"{module}.{alias.name}"


def _is_unfollowed(module: str, name: str) -> bool:
    path = _path(f"{module}.{name}")
    return name == "*" or (path is not None and path.name == "__init__.py")


def _is_bare_string(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def _path(module: str) -> Path | None:
    """The file of a module of this package; None when there is none.

    Not `importlib.util.find_spec`: that imports what stands above, torch with it.
    """
    path = _ROOT.joinpath(*module.split(".")[1:])
    files = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)
