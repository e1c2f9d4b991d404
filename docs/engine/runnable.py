"""The earlier lines that a block needs: those that bind or may change what it uses."""

import ast
import functools
import symtable
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from engine.effects import Effects, Memory, Things, Walk

PLAIN = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Statement:
    """One statement at the top level of a block, and its names at module level."""

    node: ast.stmt
    source: str
    binds: set[str]
    uses: set[str]
    uses_when_called: set[str]
    replaces: set[str]
    """Those of the names it binds whose earlier objects it does not use."""


class Scoped(ast.NodeTransformer):
    """Makes comprehensions generators: since Python 3.12 only a generator has a symbol table."""

    # The names of the methods are those that ast looks for.
    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> ast.AST:  # noqa: N802
        return self.generic_visit(ast.GeneratorExp(node.elt, node.generators))

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:  # noqa: N802
        return self.generic_visit(
            ast.GeneratorExp(ast.Tuple([node.key, node.value], ast.Load()), node.generators)
        )

    visit_SetComp = visit_ListComp


def closure(earlier: Sequence[str], block: str, stateful: Iterable[str] = ()) -> str:
    """The block's source below the earlier statements that it needs, and no others.

    A statement is needed if it binds a name that is used below it, or may change an object that
    such a name leads to. `stateful` names objects that every use changes, such as random
    generators.
    """
    above, memory = walked(tuple(earlier))
    changes = [changed(effects, frozenset(stateful)) for _, effects in above]
    own = statements(block)
    late = called_names(own) - {name for statement in own for name in statement.binds}
    while True:
        needed = set(late)
        for statement in reversed(own):
            needed = needed_before(statement, needed)
        kept = []
        for (statement, effects), objects in zip(reversed(above), reversed(changes), strict=True):
            if (statement.binds | effects.rebound) & needed or (
                objects and objects & reached(memory, effects, needed)
            ):
                kept.insert(0, statement)
                needed = needed_before(statement, needed)
        found = late | called_names(kept)
        if found == late:
            break
        late = found
    return "\n".join([*(s.source for s in kept), "", block] if kept else [block]).rstrip() + "\n"


def called_names(found: Iterable[Statement]) -> set[str]:
    """The names that functions look up when they are called, wherever they are bound."""
    return {name for statement in found for name in statement.uses_when_called}


def needed_before(statement: Statement, needed: set[str]) -> set[str]:
    return (needed - statement.replaces) | statement.uses


def changed(effects: Effects, stateful: frozenset[str]) -> Things:
    """The objects that a statement may change, those that every use changes among them."""
    spent = {thing for name in stateful for thing in effects.names.get(name, ())}
    return effects.changed | {t for t in effects.touched if t.stateful or t in spent}


def reached(memory: Memory, effects: Effects, names: set[str]) -> Things:
    """The objects to which the names lead after a statement."""
    return memory.reached({thing for name in names for thing in effects.names.get(name, ())})


@functools.lru_cache(maxsize=8)
def walked(sources: tuple[str, ...]) -> tuple[tuple[tuple[Statement, Effects], ...], Memory]:
    """The statements of a page's blocks with their effects, and what the page knows then.

    Kept because the next block of the page asks for the same and one block more.
    """
    if not sources:
        return (), Memory()
    above, memory = walked(sources[:-1])
    memory = memory.copy()
    walk = Walk(memory)
    own = tuple((statement, walk.effects(statement.node)) for statement in statements(sources[-1]))
    return above + own, memory


@functools.lru_cache(maxsize=256)
def statements(source: str) -> tuple[Statement, ...]:
    return tuple(parsed(source))


def parsed(source: str) -> Iterator[Statement]:
    lines = source.splitlines()
    for node in ast.parse(source).body:
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        text = "\n".join(lines[first - 1 : node.end_lineno])
        table = symbol_table(node)
        symbols = table.get_symbols()
        binds = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
        binds |= {name for child in table.get_children() for name in walrus_names(child)}
        called = {name for child in table.get_children() for name in global_names(child)}
        is_definition = isinstance(node, (ast.FunctionDef, ast.ClassDef))
        yield Statement(
            node,
            text,
            binds,
            {s.get_name() for s in symbols if s.is_referenced()} if is_definition else used(node),
            called,
            binds if isinstance(node, PLAIN) else names_in(getattr(node, "target", None)),
        )


def symbol_table(node: ast.AST) -> symtable.SymbolTable:
    tree = Scoped().visit(ast.parse(ast.unparse(node)))
    return symtable.symtable(ast.unparse(tree), "block", "exec")


def used(node: ast.AST) -> set[str]:
    """The names whose objects from before a statement, or an expression, are used in it."""
    match node:
        case ast.For(target, iterated, body, other):
            inside = used_in_order(body) - names_in(target) | (used(target) - names_in(target))
            return used(iterated) | inside | used_in_order(other)
        case ast.If(test, body, other) | ast.While(test, body, other):
            return used(test) | used_in_order(body) | used_in_order(other)
        case ast.With(items, body):
            found = set().union(*(used(item.context_expr) for item in items))
            bound = set().union(*(names_in(item.optional_vars) for item in items))
            return found | (used_in_order(body) - bound)
        case ast.Try(body, handlers, other, last):
            return set().union(
                *map(used_in_order, (body, other, last)),
                *(used_in_order(handler.body) for handler in handlers),
                *(used(handler.type) for handler in handlers if handler.type),
            )
    table = symbol_table(node)
    found = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    found |= {name for child in table.get_children() for name in global_names(child)}
    return found | {
        name
        for part in ast.walk(node)
        if isinstance(part, ast.AugAssign)
        for name in names_in(part.target)
    }


def used_in_order(nodes: Sequence[ast.stmt]) -> set[str]:
    """The names that statements use before one of them has surely bound the name."""
    found: set[str] = set()
    bound: set[str] = set()
    for node in nodes:
        found |= used(node) - bound
        if isinstance(node, PLAIN):
            bound |= {s.get_name() for s in symbol_table(node).get_symbols() if s.is_assigned()}
    return found


def names_in(target: ast.expr | None) -> set[str]:
    """The names that are assigned to, among what a target consists of."""
    parts = ast.walk(target) if target else ()
    return {
        part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }


def walrus_names(table: symtable.SymbolTable) -> Iterator[str]:
    """The module's names that a comprehension, and those in it, bind."""
    if table.get_name() == "genexpr":
        yield from (s.get_name() for s in table.get_symbols() if s.is_global() and s.is_assigned())
        for child in table.get_children():
            yield from walrus_names(child)


def global_names(table: symtable.SymbolTable) -> Iterator[str]:
    """The module's names that a function, and the functions in it, refer to."""
    yield from (s.get_name() for s in table.get_symbols() if s.is_global())
    for child in table.get_children():
        yield from global_names(child)
