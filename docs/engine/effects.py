"""What each statement of a page may change: a points-to analysis (Andersen 1994), without a run.

A name stands for a set of objects, an object for the place in the code that makes it. Each call of
a function of the page is followed into the function's body. Of other calls the source says too
little, and the habits of Python decide:

- a call whose value is used asks, a call that is a statement of its own acts;
- a method acts on its object, a function on its arguments, or on `out=` or `ax=` alone;
- what a function gives may be an argument; what a class gives holds its arguments;
- NumPy and the built-in types are known.

Where the habits leave a choice, more is taken to change rather than less.
"""

import ast
import builtins
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

Scope = tuple[tuple[ast.AST, ...], ast.AST]
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
COMPREHENSION = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
COMPOUND = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.TryStar,
    ast.Match,
)

CHANGING_METHODS = set(
    "add append appendleft clear difference_update discard extend extendleft fill insert "
    "intersection_update partition pop popitem popleft put remove resize reverse rotate setdefault "
    "setfield setflags sort symmetric_difference_update update".split()
)
CHANGING_FUNCTIONS = set(
    "at copyto delattr fill_diagonal heapify heappop heappush heappushpop heapreplace insort "
    "insort_left insort_right next place put put_along_axis putmask setattr shuffle".split()
)
SHARING_METHODS = set(
    "diagonal get items keys pop popitem ravel reshape setdefault squeeze swapaxes transpose "
    "values view".split()
)
SHARING_FUNCTIONS = set(
    "array_split as_strided asanyarray asarray ascontiguousarray atleast_1d atleast_2d atleast_3d "
    "broadcast_arrays broadcast_to diag diagonal dsplit expand_dims flip fliplr flipud hsplit imag "
    "matrix_transpose moveaxis nditer permute_dims ravel real require reshape rollaxis rot90 "
    "sliding_window_view split squeeze swapaxes transpose unstack vsplit".split()
)
KNOWN_METHODS = {
    name for kind in (np.ndarray, np.random.Generator, list, dict, set, str) for name in dir(kind)
}
ELEMENTS = {"getattr", "max", "min", "next", "vars"}
COLLECTIONS = {"dict", "frozenset", "list", "set", "sorted", "tuple"}
ITERATORS = {"enumerate", "filter", "iter", "map", "reversed", "zip"}
GENERATORS = {"Generator", "Random", "RandomState", "default_rng"}
ANY = "*"  # the field of an object's values whose field is unknown
SILENT = {"callable", "id", "isinstance", "len", "print", "repr", "str", "type"}
IMMUTABLE = {"__name__", "dtype", "e", "inf", "nan", "ndim", "pi", "shape", "size"}
# Pyplot draws on the open figure, which a page closes after its block.
DRAWING = "matplotlib.pyplot."
SETTINGS = {"rc", "rcdefaults", "switch_backend", "use", "xkcd"}


@dataclass(frozen=True, eq=False)
class Thing:
    """An object, as the place in the code that makes it."""

    path: str = ""
    """What was imported, with dots."""
    stateful: bool = False
    """Whether every use changes the object."""
    code: Function | ast.ClassDef | None = None
    scopes: tuple[Scope, ...] = ()
    """Where its code looks names up before it looks among the module's."""


Things = frozenset[Thing]
NOTHING: Things = frozenset()


@dataclass(frozen=True)
class Effects:
    """What a statement may do to objects, and for which objects the names stand after it."""

    changed: Things
    touched: Things
    """Those handed to a call or iterated over, with what they hold."""
    rebound: frozenset[str]
    """The names that the called functions bind at module level."""
    names: dict[str, Things]


@dataclass
class Memory:
    """For which objects the names stand, and how the objects hang together."""

    names: dict[str, object] = field(default_factory=dict)
    inner_names: dict[tuple[Scope, str], object] = field(default_factory=dict)
    """The names of the module and of other scopes, each with the statement that bound it last."""
    values: dict[object, Things] = field(default_factory=dict)
    """What a name stands for since that statement."""
    holds: dict[Thing, Things] = field(default_factory=dict)
    fields: dict[tuple[Thing, str], Things] = field(default_factory=dict)
    within: dict[Thing, Things] = field(default_factory=dict)
    """The values of all fields of an object."""
    may_be: dict[Thing, Things] = field(default_factory=dict)
    kinds: dict[Thing, Things] = field(default_factory=dict)
    """The class of an object, and the bases of a class."""
    met: dict[Thing, Things] = field(default_factory=dict)
    """What a method was handed, on its object, and the scopes of a function."""
    defaults: dict[tuple[Thing, str], Things] = field(default_factory=dict)
    """Of a function, for each parameter that has one."""
    made: dict[object, Thing] = field(default_factory=dict)

    def copy(self) -> "Memory":
        return Memory(*map(dict, vars(self).values()))

    def held(self, things: Iterable[Thing]) -> Things:
        """The objects with all that they hold."""
        return closed(things, self.holds, self.within)

    def aliases(self, things: Iterable[Thing]) -> Things:
        """The objects with all that they may be under another name."""
        return closed(things, self.may_be)

    def lookup(self, name: str, scopes: tuple[Scope, ...] = ()) -> Things:
        for key in ((scope, name) for scope in scopes):
            if key in self.inner_names:
                return self.values.get((key, self.inner_names[key]), NOTHING)
        return self.values.get((name, self.names.get(name)), NOTHING)

    def handed(self, things: Iterable[Thing]) -> Things:
        """The objects that someone who is handed these may come by."""
        return closed(things, self.holds, self.within, self.may_be)

    def reached(self, things: Iterable[Thing]) -> Things:
        """The objects on which the behaviour of these may depend."""
        return closed(things, self.holds, self.within, self.may_be, self.kinds, self.met)

    def classes(self, things: Iterable[Thing]) -> Things:
        """The classes of the page among the objects, and those that they belong to."""
        return frozenset(
            thing for thing in closed(things, self.kinds) if isinstance(thing.code, ast.ClassDef)
        )


def closed(things: Iterable[Thing], *relations: dict[Thing, Things]) -> Things:
    """The objects with all that the relations lead to."""
    found = set(things)
    waiting = list(found)
    while waiting:
        thing = waiting.pop()
        for relation in relations:
            new = relation.get(thing, NOTHING) - found
            found |= new
            waiting += new
    return frozenset(found)


@functools.cache
def outer_names(code: Function) -> dict[str, str]:
    """The names that a function binds outside of itself, and where."""
    return {
        name: "global" if isinstance(part, ast.Global) else "nonlocal"
        for part in ast.walk(code)
        if isinstance(part, ast.Global | ast.Nonlocal)
        for name in part.names
    }


@functools.cache
def yields(code: Function) -> bool:
    return any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(code))


def known(function: Thing) -> bool:
    """Whether the source, or NumPy, tells what the function gives."""
    return function.code is not None or function.path.startswith("numpy.")


def fits(target: ast.expr, values: list[ast.expr]) -> bool:
    """Whether each value goes to one name of the target."""
    return (
        isinstance(target, ast.Tuple | ast.List)
        and len(target.elts) == len(values)
        and not any(isinstance(part, ast.Starred) for part in [*target.elts, *values])
    )


def defaults(parameters: ast.arguments) -> Iterator[tuple[ast.arg, ast.expr]]:
    """The parameters that have a default, each with it."""
    places = [*parameters.posonlyargs, *parameters.args]
    yield from zip(reversed(places), reversed(parameters.defaults), strict=False)
    for parameter, default in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True):
        if default:
            yield parameter, default


class Walk:
    """A walk through a page's statements, in order."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.scopes: tuple[Scope, ...] = ()
        self.calls: tuple[ast.AST, ...] = ()
        self.entered: tuple[ast.AST, ...] = ()
        self.outer: dict[str, str] = {}
        self.returned: Things = NOTHING
        self.statement: ast.AST | None = None
        self.branches = 0
        self.facts = 0

    def effects(self, node: ast.stmt) -> Effects:
        """Walk through a statement at the top level until nothing new is found, as a loop may."""
        self.changed: set[Thing] = set()
        self.touched: set[Thing] = set()
        self.rebound: set[str] = set()
        before, facts = self.memory.names.copy(), -1
        while facts != self.facts:
            facts = self.facts
            self.called_back: set[Thing] = set()
            self.memory.names = before.copy()
            self.run(node)
        return Effects(
            frozenset(self.changed),
            frozenset(self.touched),
            frozenset(self.rebound),
            {name: self.memory.lookup(name) for name in self.memory.names},
        )

    # Objects

    def make(self, node: object, **what: object) -> Thing:
        """The object that a place in the code makes, the same at each visit."""
        return self.memory.made.setdefault((self.calls, node), Thing(**what))

    def grow(self, relation: dict, key: object, things: Things) -> None:
        known = relation.get(key, NOTHING)
        if not things <= known:
            relation[key] = known | things
            self.facts += 1

    def relate(self, relation: dict[Thing, Things], owners: Things, things: Things) -> None:
        for owner in owners:
            self.grow(relation, owner, things - {owner})

    def hold(self, owners: Things, things: Things) -> None:
        self.relate(self.memory.holds, owners, things)

    def parts(self, things: Things) -> Things:
        """What an item or a slice may be: a part, or a view of the whole."""
        return things.union(*(self.memory.holds.get(thing, NOTHING) for thing in things))

    def attribute(self, owners: Things, name: str) -> Things:
        """What an attribute may be; of an object of the page's classes, only what is stored so."""
        found = owners
        for owner in owners:
            kinds = self.memory.classes({owner})
            for kind in kinds:
                found |= self.member(kind, name)
            if not kinds:
                found |= self.memory.holds.get(owner, NOTHING)
            for field_name in (name, ANY):
                found |= self.memory.fields.get((owner, field_name), NOTHING)
        return found

    def store(self, owners: Things, name: str, things: Things) -> None:
        self.relate(self.memory.within, owners, things)
        for owner in owners:
            self.grow(self.memory.fields, (owner, name), things)

    def change(self, things: Things) -> None:
        self.changed |= self.memory.aliases(things)

    def iterate(self, things: Things) -> Things:
        self.touched |= things
        return self.elements(things)

    def elements(self, things: Things) -> Things:
        """What a loop over the objects may give; an iterator never gives itself."""
        return self.parts(things) - {thing for thing in things if thing.stateful}

    # Names

    def bind(self, name: str, things: Things, scopes: tuple[Scope, ...]) -> None:
        """Add to what a name stands for, or begin anew where a statement surely replaces it."""
        where = self.outer.get(name)
        if where == "nonlocal":
            scopes = tuple(s for s in scopes if (s, name) in self.memory.inner_names) or scopes
            self.changed.update(map(self.space, scopes[:1]))
        if scopes and where != "global":
            key: object = scopes[0], name
            if not self.branches and not where:
                self.memory.inner_names[key] = self.statement
            since = self.memory.inner_names.setdefault(key, None)
            self.hold(frozenset({self.space(scopes[0])}), things)
        else:
            key = name
            if self.entered:
                self.rebound.add(name)
            elif not self.branches:
                self.memory.names[name] = self.statement
            since = self.memory.names.setdefault(name, None)
        self.grow(self.memory.values, (key, since), things)

    def space(self, scope: Scope) -> Thing:
        """The object that a scope is to the functions in it: it holds what its names stand for."""
        return self.memory.made.setdefault(scope, Thing())

    def assign(self, target: ast.expr, things: Things) -> None:
        match target:
            case ast.Name(name):
                self.bind(name, things, self.scopes)
            case ast.Tuple(targets) | ast.List(targets):
                for part in targets:
                    self.assign(part, self.iterate(things))
            case ast.Starred(part):
                self.assign(part, things)
            case ast.Attribute(owner) | ast.Subscript(owner):
                owners = self.value(owner)
                self.changed |= owners
                if isinstance(target, ast.Attribute):
                    self.store(owners, target.attr, things)
                else:
                    self.change(owners)
                    self.hold(owners, things)

    def loop(self, target: ast.expr, iterated: ast.expr) -> None:
        """Assign what a loop goes over, member by member where the source shows them."""
        things = self.value(iterated)
        match iterated:
            case ast.Tuple(members) | ast.List(members):
                for member in members:
                    self.take_apart(target, member)
            case ast.Call(ast.Name("zip"), members) if fits(target, members):
                for part, member in zip(target.elts, members, strict=True):
                    self.loop(part, member)
            case ast.Call(ast.Name("enumerate"), [member, *_]) if isinstance(target, ast.Tuple):
                self.loop(target.elts[-1], member)
            case _:
                self.assign(target, self.iterate(things))

    def take_apart(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(value, ast.Tuple) and fits(target, value.elts):
            for part, member in zip(target.elts, value.elts, strict=True):
                self.take_apart(part, member)
        else:
            self.assign(target, self.value(value))

    def path(self, node: ast.expr) -> str:
        """What was imported, or built in, with dots; nothing for all else."""
        match node:
            case ast.Attribute(owner, name):
                base = self.path(owner)
                return f"{base}.{name}" if base else ""
            case ast.Name(name):
                things = self.memory.lookup(name, self.scopes)
                if not things and hasattr(builtins, name):
                    return f"builtins.{name}"
                return next(iter(things)).path if len(things) == 1 else ""
        return ""

    # Statements

    def run(self, node: ast.AST) -> None:
        """Walk through a statement; in a branch or a loop no name is surely replaced."""
        self.statement = node if isinstance(node, ast.stmt) else self.statement
        self.branches += isinstance(node, COMPOUND)
        self.walk(node)
        self.branches -= isinstance(node, COMPOUND)

    def walk(self, node: ast.AST) -> None:
        match node:
            case ast.Expr(value):
                self.value(value, acts=True)
            case ast.Return(value):
                self.returned |= self.value(value)
            case ast.Assign([ast.Tuple(targets)], ast.Tuple(values)) if len(targets) == len(values):
                found = [self.value(value) for value in values]
                for target, things in zip(targets, found, strict=True):
                    self.assign(target, things)
            case ast.Assign(targets, value):
                things = self.value(value)
                for target in targets:
                    self.assign(target, things)
            case ast.AnnAssign(target, _, value) if value:
                self.assign(target, self.value(value))
            case ast.AugAssign(target, _, value):
                self.augment(target, self.value(value))
            case ast.For(target, iterated) | ast.AsyncFor(target, iterated):
                self.loop(target, iterated)
                self.run_all([*node.body, *node.orelse])
            case ast.withitem(value, target):
                self.assign(target, self.value(value))
            case ast.Delete(targets):
                for target in targets:
                    self.assign(target, NOTHING)
            case ast.Import(names):
                for alias in names:
                    path = alias.name if alias.asname else alias.name.partition(".")[0]
                    self.bring(alias.asname or path, path)
            case ast.ImportFrom(module, names):
                for alias in names:
                    self.bring(alias.asname or alias.name, f"{module}.{alias.name}")
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self.define(node)
            case ast.Match(subject, cases):
                self.match(cases, self.memory.held(self.value(subject)))
            case ast.expr():
                self.value(node)
            case _:
                self.run_all(ast.iter_child_nodes(node))

    def run_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.run(node)

    def bring(self, name: str, path: str) -> None:
        self.bind(name, self.imported(path), self.scopes)

    def imported(self, path: str) -> Things:
        return frozenset({self.memory.made.setdefault(path, Thing(path))})

    def augment(self, target: ast.expr, things: Things) -> None:
        """Change what the target stands for, as lists and arrays do, and bind the target."""
        found = self.value(target)
        self.change(found)
        self.hold(found, self.parts(things) - things)
        if isinstance(target, ast.Name):
            new = frozenset({self.make(target)}) if things and not found else NOTHING
            self.assign(target, found | new)
        else:
            self.change(self.value(target.value))

    def match(self, cases: list[ast.match_case], things: Things) -> None:
        for case in cases:
            for part in ast.walk(case.pattern):
                name = getattr(part, "name", None) or getattr(part, "rest", None)
                if name:
                    self.bind(name, things, self.scopes)
            self.run_all([*filter(None, [case.guard]), *case.body])

    def define(self, node: Function | ast.ClassDef) -> Things:
        """Make a function that holds its defaults, or a class that holds what its body binds."""
        body = ((self.calls, node), *self.scopes)
        around = tuple(s for s in self.scopes if not isinstance(s[1], ast.ClassDef))
        is_class = isinstance(node, ast.ClassDef)
        things = frozenset({self.make(node, code=node, scopes=body if is_class else around)})
        if is_class:
            for base in node.bases:
                self.relate(self.memory.kinds, things, self.value(base))
            outside, self.scopes = self.scopes, body
            self.run_all(node.body)
            self.scopes = outside
            self.hold(things, self.memory.holds.get(self.space(body[0]), NOTHING))
        else:
            self.relate(self.memory.met, things, frozenset(map(self.space, around)))
            (thing,) = things
            for parameter, default in defaults(node.args):
                found = self.value(default)
                self.grow(self.memory.defaults, (thing, parameter.arg), found)
                self.hold(things, found)
        if isinstance(node, ast.Lambda):
            return things
        for decorator in node.decorator_list:
            things |= self.functions(self.value(decorator), decorator, [things])
        self.bind(node.name, things, self.scopes)
        return things

    # Expressions

    def value(self, node: ast.AST | None, acts: bool = False) -> Things:
        """The objects that an expression may give; `acts` says that nobody uses its value."""
        match node:
            case ast.Name(name):
                return self.memory.lookup(name, self.scopes)
            case ast.NamedExpr(ast.Name(name), value):
                things = self.value(value)
                scopes = tuple(s for s in self.scopes if not isinstance(s[1], COMPREHENSION))
                self.branches += 1
                self.bind(name, things, scopes)
                self.branches -= 1
                return things
            case ast.Attribute(owner, name):
                owners = self.value(owner)
                if path := self.path(node):
                    self.hold(owners, self.imported(path))
                    return self.imported(path)
                return NOTHING if name in IMMUTABLE else self.attribute(owners, name)
            case ast.Subscript(owner, index):
                self.value(index)
                return self.parts(self.value(owner))
            case ast.Starred(value):
                return self.iterate(self.value(value))
            case ast.Call():
                return self.call(node, acts)
            case ast.BoolOp(_, values):
                return NOTHING.union(*[self.value(value, acts) for value in values])
            case ast.IfExp(test, one, other):
                self.value(test)
                return self.value(one, acts) | self.value(other, acts)
            case ast.BinOp(left, _, right):
                operands = self.value(left) | self.value(right)
                return self.new(node, self.parts(operands) - operands) if operands else NOTHING
            case ast.UnaryOp(_, operand):
                return self.new(node) if self.value(operand) else NOTHING
            case ast.Tuple(values) | ast.List(values) | ast.Set(values):
                return self.new(node, NOTHING.union(*[self.value(v, acts) for v in values]))
            case ast.Dict(keys, values):
                pairs = [(self.value(k), self.value(v)) for k, v in zip(keys, values, strict=True)]
                unpacked = [self.parts(v) for k, (_, v) in zip(keys, pairs, strict=True) if not k]
                return self.new(node, NOTHING.union(*unpacked, *(k | v for k, v in pairs)))
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return self.comprehension(node, acts)
            case ast.Lambda():
                return self.define(node)
            case ast.Await(value):
                return self.value(value, acts)
            case ast.Yield(value):
                self.returned |= self.value(value)
            case ast.YieldFrom(value):
                self.returned |= self.iterate(self.value(value))
            case ast.Compare(left, _, others):
                for part in (left, *others):
                    self.iterate(self.value(part))
            case ast.AST():
                for part in ast.iter_child_nodes(node):
                    self.value(part)
        return NOTHING

    def new(self, node: ast.AST, held: Things = NOTHING, **what: object) -> Things:
        things = frozenset({self.make(node, **what)})
        self.hold(things, held)
        return things

    def comprehension(self, node: ast.AST, acts: bool) -> Things:
        outside = self.scopes
        self.branches += 1
        for generator in node.generators:
            self.scopes = ((self.calls, node), *outside)
            self.loop(generator.target, generator.iter)
            for test in generator.ifs:
                self.value(test)
        if isinstance(node, ast.DictComp):
            held = self.value(node.key) | self.value(node.value)
        else:
            held = self.value(node.elt, acts)
        self.branches -= 1
        self.scopes = outside
        return self.new(node, held, stateful=isinstance(node, ast.GeneratorExp))

    # Calls

    def call(self, node: ast.Call, acts: bool) -> Things:
        function = node.func
        attribute = isinstance(function, ast.Attribute)
        owners = self.value(function.value) if attribute else NOTHING
        called = self.value(function) - owners
        given = [self.value(argument) for argument in node.args]
        named = {keyword.arg: self.value(keyword.value) for keyword in node.keywords}
        arguments = NOTHING.union(*given, *named.values())
        path = self.path(function)
        self.touched |= self.memory.held(called | arguments | (NOTHING if path else owners))
        spread = any(isinstance(a, ast.Starred) for a in node.args) or None in named
        if attribute:
            methods = self.methods(owners, function.attr)
        else:
            owners = frozenset(thing for thing in called if not (thing.code or thing.path))
            methods = self.methods(owners, "__call__")
        if methods:
            decorated = any(getattr(thing.code, "decorator_list", ()) for thing in methods)
            rest = arguments if spread or decorated else NOTHING
            return self.functions(methods, node, [owners, *given], named, rest)
        if not attribute and any(thing.code for thing in called):
            return self.functions(called, node, given, named, arguments if spread else NOTHING)
        results = NOTHING
        if path.removeprefix("builtins.") not in SILENT:
            results = self.call_back(called, given, named)
        outputs = named.get("out", NOTHING) | named.get("ax", NOTHING)
        self.change(named.get("out", NOTHING))
        self.changed |= outputs
        acts = acts and not outputs
        if path.startswith("builtins."):
            return self.builtin(node, path.removeprefix("builtins."), given, arguments, results)
        if path.count(".") > 1 and path.rpartition(".")[2] in CHANGING_METHODS:
            path = "" if not path.startswith("numpy.") else path
        if attribute and not path:
            return outputs or self.method(node, owners, arguments, acts)
        return outputs or self.function(node, path, owners, given, arguments, acts)

    def builtin(
        self, node: ast.Call, name: str, given: list[Things], arguments: Things, results: Things
    ) -> Things:
        if name in CHANGING_FUNCTIONS and given:
            self.change(given[0])
            self.store(given[0], ANY, arguments - given[0])
        if name == "map" and given and given[0] and all(map(known, given[0])):
            return self.new(node, results, stateful=True)
        parts = self.elements(arguments) | results
        if name in ELEMENTS:
            return parts
        if name in COLLECTIONS or name in ITERATORS:
            return self.new(node, parts, stateful=name in ITERATORS)
        return self.new(node) if name in {"abs", "sum", "pow", "round"} else NOTHING

    def method(self, node: ast.Call, owners: Things, arguments: Things, acts: bool) -> Things:
        name = node.func.attr
        if name in CHANGING_METHODS:
            self.change(owners)
            self.hold(owners, self.parts(arguments))
        elif acts:
            self.changed |= owners
            self.relate(self.memory.met, owners, arguments)
        if name in CHANGING_FUNCTIONS:
            self.change(arguments)
        if name in SHARING_METHODS:
            return self.parts(owners) | arguments
        if name in KNOWN_METHODS:
            return self.new(node, self.parts(owners) - owners)
        return self.opaque(node, arguments) | owners

    def function(
        self,
        node: ast.Call,
        path: str,
        owners: Things,
        given: list[Things],
        arguments: Things,
        acts: bool,
    ) -> Things:
        """The value of a function that was imported, or comes from nowhere."""
        name = path.rpartition(".")[2] or getattr(node.func, "id", "")
        if name in CHANGING_FUNCTIONS:
            self.change(NOTHING.union(*given[:1]))
        elif acts and not arguments and (not path.startswith(DRAWING) or name in SETTINGS):
            self.change(owners)
        elif acts and not path.startswith(("numpy.", DRAWING)):
            self.changed |= self.memory.reached(arguments)
        if path == "dataclasses.field":
            return NOTHING
        if name in GENERATORS:
            return self.new(node, stateful=True)
        if path.startswith("numpy.") and name[0].islower():
            return self.parts(arguments) if name in SHARING_FUNCTIONS else self.new(node)
        return self.new(node, arguments) if name[:1].isupper() else self.opaque(node, arguments)

    def opaque(self, node: ast.Call, arguments: Things) -> Things:
        """What an unknown function gives: an object of its own, or what it was handed.

        Not a random generator, which many functions are handed and few give back.
        """
        things = frozenset({self.make(node)})
        drawn_from = {thing for thing in arguments if thing.stateful}
        self.relate(self.memory.may_be, things, arguments - drawn_from)
        return things

    def methods(self, owners: Things, name: str) -> Things:
        """The methods of that name, of the page's classes."""
        return NOTHING.union(*(self.member(kind, name) for kind in self.memory.classes(owners)))

    def member(self, kind: Thing, name: str) -> Things:
        key = (kind.scopes[0], name)
        return self.memory.values.get((key, self.memory.inner_names.get(key)), NOTHING)

    def call_back(self, called: Things, given: list[Things], named: dict[str, Things]) -> Things:
        """Enter each function of the page that an unknown call may come by.

        A parameter takes what the call was handed under its name, or else whatever there is. All
        such calls of a function count as one.
        """
        arguments = NOTHING.union(*given, *named.values())
        rest, results = self.parts(arguments), NOTHING
        calls, self.calls = self.calls, ()
        for thing in self.memory.handed(called | arguments):
            if isinstance(thing.code, Function):
                if thing in self.called_back:
                    self.bind_parameters(((thing.code,), thing.code), thing, [], named, rest)
                else:
                    self.called_back.add(thing)
                    results |= self.enter(thing, thing.code, [], named, rest)
        self.calls = calls
        return results

    def functions(
        self,
        called: Things,
        node: ast.AST,
        given: list[Things],
        named: dict[str, Things] | None = None,
        rest: Things = NOTHING,
    ) -> Things:
        results = [
            self.enter(thing, node, given, named or {}, rest) for thing in called if thing.code
        ]
        return NOTHING.union(*results)

    def enter(
        self,
        thing: Thing,
        node: ast.AST,
        given: list[Things],
        named: dict[str, Things],
        rest: Things,
    ) -> Things:
        """The value of a function of the page; `rest` is what any parameter may be given."""
        code = thing.code
        everything = rest.union(*given, *named.values())
        if isinstance(code, ast.ClassDef):
            instance = self.new((node, code))
            self.relate(self.memory.kinds, instance, frozenset({thing}))
            if start := self.methods(instance, "__init__"):
                self.functions(start, node, [instance, *given], named, rest)
            else:
                self.store(instance, ANY, everything)
            return instance
        if code in self.entered:
            return everything
        frame = self.scopes, self.calls, self.entered, self.outer, self.returned
        place = self.statement, self.branches
        self.calls = (*self.calls, node)
        self.entered = (*self.entered, code)
        self.scopes = ((self.calls, code), *thing.scopes)
        self.outer = outer_names(code)
        self.returned, self.branches = NOTHING, 0
        self.bind_parameters(self.scopes[0], thing, given, named, rest)
        for part in ast.walk(code.args):
            if isinstance(part, ast.arg):
                self.memory.inner_names[self.scopes[0], part.arg] = code
        if isinstance(code, ast.Lambda):
            self.returned = self.value(code.body)
        else:
            self.run_all(code.body)
        result = self.returned
        self.scopes, self.calls, self.entered, self.outer, self.returned = frame
        self.statement, self.branches = place
        if yields(code):
            return self.new((node, code), result, stateful=True)
        return result

    def bind_parameters(
        self,
        scope: Scope,
        thing: Thing,
        given: list[Things],
        named: dict[str, Things],
        rest: Things,
    ) -> None:
        parameters = thing.code.args
        places = [*parameters.posonlyargs, *parameters.args]
        found = {p.arg: things for p, things in zip(places, given, strict=False)} | named
        for parameter in [*places, *parameters.kwonlyargs]:
            default = self.memory.defaults.get((thing, parameter.arg), NOTHING)
            self.give(scope, thing, parameter, found.get(parameter.arg, rest | default))
        for parameter in filter(None, [parameters.vararg, parameters.kwarg]):
            things = self.new(parameter, rest.union(*given, *named.values()))
            self.give(scope, thing, parameter, things)

    def give(self, scope: Scope, thing: Thing, parameter: ast.arg, things: Things) -> None:
        self.grow(self.memory.values, ((scope, parameter.arg), thing.code), things)
        self.hold(frozenset({self.space(scope)}), things)
