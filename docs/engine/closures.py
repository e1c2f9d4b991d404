"""The earlier lines that a block needs, found from the names that it uses."""

import ast
import functools
import symtable
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

PLAIN = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Statement:
    """One statement at the top level of a block, and its names at module level."""

    source: str
    binds: set[str]
    changes: set[str]
    uses: set[str]
    uses_when_called: set[str]
    replaces: set[str]
    """Those of the names it binds that owe nothing to what they meant before."""


class Scoped(ast.NodeTransformer):
    """Makes comprehensions generators, whose variables are their own; from Python 3.12 on those of the others are not."""

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> ast.AST:  # noqa: N802, the name that ast looks for
        return self.generic_visit(ast.GeneratorExp(node.elt, node.generators))

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:  # noqa: N802
        return self.generic_visit(
            ast.GeneratorExp(ast.Tuple([node.key, node.value], ast.Load()), node.generators)
        )

    visit_SetComp = visit_ListComp


def closure(earlier: Sequence[str], block: str, stateful: Iterable[str] = ()) -> str:
    """The block's source below the earlier statements that it needs, and no others.

    A statement is needed if it binds or changes a name that is used below it. `stateful` names
    objects that every use changes, such as random generators.
    """
    names = frozenset(stateful)
    above = [s for source in earlier for s in statements(source, names)]
    own = statements(block, names)
    late = called_names(own) - {name for statement in own for name in statement.binds}
    while True:
        kept = needed_statements(above, own, late)
        found = late | called_names(kept)
        if found == late:
            break
        late = found
    return "\n".join([*(s.source for s in kept), "", block] if kept else [block]).rstrip() + "\n"


def called_names(found: Iterable[Statement]) -> set[str]:
    """The names that functions look up when they are called, wherever they are bound."""
    return {name for statement in found for name in statement.uses_when_called}


def needed_statements(
    above: list[Statement], own: tuple[Statement, ...], late: set[str]
) -> list[Statement]:
    needed = set(late)
    for statement in reversed(own):
        needed = needed_before(statement, needed)
    kept = []
    for statement in reversed(above):
        if (statement.binds | statement.changes) & needed:
            kept.append(statement)
            needed = needed_before(statement, needed)
    return kept[::-1]


def needed_before(statement: Statement, needed: set[str]) -> set[str]:
    return (needed - statement.replaces) | statement.uses


@functools.lru_cache(maxsize=256)
def statements(source: str, stateful: frozenset[str]) -> tuple[Statement, ...]:
    return tuple(parsed(source, stateful))


def parsed(source: str, stateful: frozenset[str]) -> Iterator[Statement]:
    lines = source.splitlines()
    for node in ast.parse(source).body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        text = "\n".join(lines[first - 1 : node.end_lineno])
        table = symtable.symtable(ast.unparse(Scoped().visit(ast.parse(text))), "block", "exec")
        symbols = table.get_symbols()
        binds = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
        uses = {s.get_name() for s in symbols if s.is_referenced()}
        called = {name for child in table.get_children() for name in global_names(child)}
        targets = set(loop_targets(node))
        if isinstance(node, ast.AugAssign):
            uses |= binds
        yield Statement(
            text,
            binds,
            set(changed(node)) | ((uses | called) & stateful),
            uses - targets
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))
            else (uses | called) - targets,
            called,
            binds if isinstance(node, PLAIN) else targets,
        )


def loop_targets(node: ast.stmt) -> Iterator[str]:
    """The names that a loop binds before its body uses them."""
    if isinstance(node, ast.For):
        read = {part.id for part in ast.walk(node.iter) if isinstance(part, ast.Name)}
        yield from (
            part.id
            for part in ast.walk(node.target)
            if isinstance(part, ast.Name) and part.id not in read
        )


def global_names(table: symtable.SymbolTable) -> Iterator[str]:
    """The module's names that a function, and the functions in it, refer to."""
    yield from (s.get_name() for s in table.get_symbols() if s.is_global())
    for child in table.get_children():
        yield from global_names(child)


def changed(node: ast.AST) -> Iterator[str]:
    """The names whose objects a statement changes: stored into, or called for their effect."""
    for part in ast.walk(node):
        target: ast.AST | None = None
        if isinstance(part, (ast.Attribute, ast.Subscript)) and not isinstance(part.ctx, ast.Load):
            target = part
        elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
            target = part.value.func if isinstance(part.value.func, ast.Attribute) else None
        while isinstance(target, (ast.Attribute, ast.Subscript)):
            target = target.value
        if isinstance(target, ast.Name):
            yield target.id
