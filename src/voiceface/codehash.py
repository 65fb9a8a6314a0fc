"""What code a stage's result depends on: Snakemake does not see imported modules by itself."""

import ast
import hashlib
import importlib.util
import threading
from functools import cache
from pathlib import Path

_PACKAGE = "voiceface"
# CPython 3.11 counts the depth of the tree per interpreter: two threads that parse at a time raise
# "SystemError: AST constructor recursion depth mismatch".
_PARSING = threading.Lock()


def code_digest(module: str) -> str:
    """Digest of `module` and of every module of this package that it imports, transitively.

    Taken over the syntax tree without docstrings, so that comments, docstrings and layout change
    nothing. It does not see `importlib.import_module`, data files or other packages.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    digest = hashlib.sha256()
    with _PARSING:
        for name in sorted(_closure(module)):
            digest.update(f"{name}\0{_own_digest(name)}\0".encode())
    return digest.hexdigest()[:16]


def _closure(module: str) -> set[str]:
    seen: set[str] = set()
    open_names = [module]
    while open_names:
        name = open_names.pop()
        if name not in seen:
            seen.add(name)
            open_names.extend(_imports(name))
    return seen


@cache
def _tree(module: str) -> ast.Module:
    """The module's syntax tree without docstrings."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module {module}")
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"), filename=spec.origin)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [child for child in body if not _is_bare_string(child)]  # type: ignore[attr-defined]
    return tree


@cache
def _own_digest(module: str) -> str:
    return hashlib.sha256(ast.dump(_tree(module)).encode()).hexdigest()


def _is_bare_string(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def _imports(module: str) -> frozenset[str]:
    """Modules of this package that `module` imports anywhere, at its top or inside functions."""
    found: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if _is_module(inner) else node.module)
    return frozenset(name for name in found if name.split(".")[0] == _PACKAGE)


@cache
def _is_module(name: str) -> bool:
    if name.split(".")[0] != _PACKAGE:
        return False
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
