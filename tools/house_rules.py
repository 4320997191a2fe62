"""Check the rules of the house that no other tool knows, on the syntax trees of the Python files.

- `size`: no file over 400 lines, no function over 50. Migrations are exempt: they are written once and kept.
- `sql`: in storage, no SQL text is put together from parts; values travel as parameters.
- `compare`: a secret is looked up, or compared by `hmac.compare_digest`, never by `==`.
- `log`: nothing named like a secret is an argument of a log call.

Prints one line a finding, `path:line: rule: sentence`, and exits with 1 when there is one.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES = 400
FUNCTION_LINES = 50
MIGRATIONS = "/storage/migrations/"
STORAGE = "/keywright/storage/"
SQL_CALLS = {"text", "execute", "executemany", "executescript", "exec_driver_sql"} | {
    "prepare",
    "fetch",
    "fetchrow",
    "fetchval",
}
SQL_KEYWORDS = {"text", "statement", "sql", "query"}
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical", "fatal"} | {
    "log",
    "msg",
    "bind",
    "bind_contextvars",
}
LOG_FUNCTIONS = {"print", "bind_contextvars"}
LOGGED_SECRETS = {"token", "secret", "password", "authorization"}
COMPARED_SECRETS = {"digest", "hexdigest", "token", "secret", "password", "token_hash"}

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
Finding: TypeAlias = tuple[int, str, str]


def name_of(node: ast.expr) -> str:
    """Return the last word of what an expression names: `a`, `x.a`, `x["a"]` and `x.a()` all name `a`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=func):
            return name_of(func)
        case _:
            return ""


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function of a tree, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a module or function, without those of the functions inside it."""
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from own_nodes(child)


def check_size(tree: ast.Module, path: str, lines: int) -> Iterator[Finding]:
    """Find what is too long to be read in one go."""
    if MIGRATIONS in path:
        return
    if lines > FILE_LINES:
        yield FILE_LINES + 1, "size", f"the file has {lines} lines, more than {FILE_LINES}."
    for function in functions(tree):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > FUNCTION_LINES:
            yield function.lineno, "size", f"{function.name} has {length} lines, more than {FUNCTION_LINES}."


def is_assembled(node: ast.expr | None) -> bool:
    """Say whether an expression makes a string of parts that are not all written in place."""
    match node:
        case ast.JoinedStr(values=values):
            return any(isinstance(value, ast.FormattedValue) for value in values)
        case ast.BinOp(left=left, op=ast.Add() | ast.Mod(), right=right):
            return not all(isinstance(part, ast.Constant) or is_constant_sum(part) for part in (left, right))
        case ast.Call(func=ast.Attribute(attr="format" | "format_map")):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Constant() | ast.JoinedStr(), attr="join")):
            return True
        case _:
            return False


def is_constant_sum(node: ast.expr) -> bool:
    """Say whether an expression adds up literals alone."""
    return isinstance(node, ast.BinOp) and not is_assembled(node)


def assembled_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the variables to which one of the nodes assigns an assembled string."""
    for node in nodes:
        match node:
            case ast.Assign(targets=targets, value=value) if is_assembled(value):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if is_assembled(value):
                yield name
            case ast.NamedExpr(target=ast.Name(id=name), value=value) if is_assembled(value):
                yield name
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add() | ast.Mod()):
                yield name
            case _:
                pass


def check_sql(tree: ast.Module, path: str) -> Iterator[Finding]:
    """Find SQL texts made of parts."""
    if STORAGE not in path:
        return
    module_names = set(assembled_names(own_nodes(tree)))
    for scope in (tree, *functions(tree)):
        nodes = list(own_nodes(scope))
        names = module_names.union(assembled_names(nodes))
        for call in nodes:
            if not isinstance(call, ast.Call) or name_of(call.func) not in SQL_CALLS:
                continue
            texts = [*call.args[:1], *(word.value for word in call.keywords if word.arg in SQL_KEYWORDS)]
            if any(is_assembled(text) or (isinstance(text, ast.Name) and text.id in names) for text in texts):
                yield call.lineno, "sql", f"{name_of(call.func)}() is given SQL put together from parts."


def is_column(node: ast.expr) -> bool:
    """Say whether an expression is a column, `table.c.name`: comparing one makes a look-up."""
    return isinstance(node, ast.Attribute | ast.Subscript) and name_of(node.value) == "c"


def check_compare(tree: ast.Module) -> Iterator[Finding]:
    """Find comparisons of secrets whose time depends on the secret."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        for left, operator, right in zip(
            (node.left, *node.comparators), node.ops, node.comparators, strict=False
        ):
            if not isinstance(operator, ast.Eq | ast.NotEq) or is_column(left) or is_column(right):
                continue
            for secret in sorted({name_of(left), name_of(right)} & COMPARED_SECRETS):
                yield node.lineno, "compare", f"{secret} is compared by == or !=; use hmac.compare_digest."


def shown_names(node: ast.expr) -> Iterator[str]:
    """Yield the names whose values an argument shows: its own, and those of the parts it is made of."""
    match node:
        case ast.Name() | ast.Attribute() | ast.Subscript():
            yield name_of(node)
        case ast.JoinedStr(values=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            for part in parts:
                yield from shown_names(part)
        case ast.FormattedValue(value=value) | ast.Starred(value=value):
            yield from shown_names(value)
        case ast.BinOp(left=left, right=right):
            yield from shown_names(left)
            yield from shown_names(right)
        case ast.Dict(keys=keys, values=values):
            for part in (*filter(None, keys), *values):
                yield from shown_names(part)
            yield from (
                key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)
            )
        case _:
            pass


def check_log(tree: ast.Module) -> Iterator[Finding]:
    """Find secrets on their way into a log."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        called = LOG_METHODS if isinstance(call.func, ast.Attribute) else LOG_FUNCTIONS
        if name_of(call.func) not in called:
            continue
        shown = {word.arg for word in call.keywords if word.arg}
        for argument in (*call.args, *(word.value for word in call.keywords)):
            shown.update(shown_names(argument))
        for secret in sorted(shown & LOGGED_SECRETS):
            yield call.lineno, "log", f"{secret} is an argument of {name_of(call.func)}()."


def check(path: str, source: str) -> list[str]:
    """Return the findings in one file, in the order of its lines, each as `path:line: rule: sentence`."""
    tree = ast.parse(source, path)
    findings = [
        *check_size(tree, path, len(source.splitlines())),
        *check_sql(tree, path),
        *check_compare(tree),
        *check_log(tree),
    ]
    return [f"{path}:{line}: {rule}: {sentence}" for line, rule, sentence in sorted(findings)]


def main(root: Path = ROOT) -> int:
    """Check every Python file in the root's `src`, print the findings and return the exit status."""
    files = sorted((root / "src").rglob("*.py"))
    findings = [
        line for file in files for line in check(file.relative_to(root).as_posix(), file.read_text("utf-8"))
    ]
    print(*findings, f"{len(files)} files, {len(findings)} findings", sep="\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
