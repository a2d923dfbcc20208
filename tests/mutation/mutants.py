"""Mutants of a source file: one small change each, made in the text, so that all else keeps its line.

What is changed is what a promise could hang on: who is compared with whom and where the bound lies, which conditions
there are, which elements and arguments are given, which statements are there at all. Left alone are annotations,
docstrings, decorators, the wording of messages (strings with a space in them, and f-strings), `assert`, and what is
said to type checkers only.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tests.mutation.text import Text

SWAPPED: dict[type[ast.AST], str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
ARITHMETIC: dict[type[ast.AST], str] = {ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "*", ast.Mod: "*"}
TWINS = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list", "startswith": "endswith"}
TWINS |= {"endswith": "startswith", "union": "intersection", "issubset": "issuperset", "lstrip": "rstrip"}
Scope = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change: the characters from `start` to `end` of the file's text become `text`."""

    file: str
    line: int
    start: int
    end: int
    text: str
    what: str
    scope: tuple[str, int] | None  # qualified name and first line of the function it lies in; None: runs at import

    def applied(self, source: str) -> str:
        """The file with the change in it."""
        return source[: self.start] + self.text + source[self.end :]

    @property
    def name(self) -> str:
        """What tells it from every other mutant of the same sources."""
        return f"{self.file}:{self.line}:{self.start}-{self.end}: {self.what}"


def mutants_of(file: str, source: str) -> list[Mutant]:
    """All of them, by place; only such that still compile."""
    found = {(one.start, one.end, one.text): one for one in _Finder(file, source).module()}
    return sorted((one for one in found.values() if _compiles(one.applied(source))), key=lambda m: (m.start, m.end))


def _for_types_only(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar" | "NewType" | "ParamSpec"))):
            return True
        case ast.Assign(value=ast.BinOp(op=ast.BitOr(), left=ast.Name() | ast.BinOp() | ast.Subscript())):
            return True  # a union of types, or of tables
        case ast.Assign(value=ast.Subscript(value=ast.Name())) | ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return True  # a type's other name
        case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case _:
            return False


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


class _Finder(Text):
    def __init__(self, file: str, source: str) -> None:
        super().__init__(source)
        self.file, self.tree = file, ast.parse(source)
        self.scope: tuple[str, int] | None = None

    def module(self) -> Iterator[Mutant]:
        return self._body(self.tree.body, "")

    def _body(self, body: list[ast.stmt], prefix: str) -> Iterator[Mutant]:
        """What a module or class says: its functions are scopes, all else runs at import."""
        for statement in body:
            if isinstance(statement, Scope):
                yield from self._defaults(statement)
                first = min([statement.lineno, *(one.lineno for one in statement.decorator_list)])
                self.scope = (f"{prefix}{statement.name}", first)
                for inner in statement.body:
                    yield from self._statement(inner)
                self.scope = None
            elif isinstance(statement, ast.ClassDef):
                if not any(isinstance(base, ast.Name) and base.id == "Protocol" for base in statement.bases):
                    yield from self._body(statement.body, f"{prefix}{statement.name}.")
            elif not _for_types_only(statement):
                yield from self._statement(statement)

    def _defaults(self, function: Scope) -> Iterator[Mutant]:
        for default in (*function.args.defaults, *function.args.kw_defaults):
            if default is not None:
                yield from self._expression(default)

    # ── Statements ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _statement(self, node: ast.stmt) -> Iterator[Mutant]:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from self._defaults(node)
            case ast.Import() | ast.ImportFrom() | ast.Assert() | ast.ClassDef() | ast.Pass():
                return
            case ast.Expr(value=ast.Constant()):
                return
            case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))):
                return
            case ast.Raise():
                yield self._becomes(node, "pass", "raise removed")
            case ast.Expr(value=ast.Yield() | ast.YieldFrom() | ast.Await() | ast.Call()):
                yield self._becomes(node, "pass", "statement removed")
            case ast.AugAssign():
                yield self._becomes(node, "pass", "assignment removed")
            case ast.Continue() | ast.Break():
                yield self._becomes(node, "pass", f"{type(node).__name__.lower()} removed")
            case ast.If():
                yield from self._test(node.test, (True, False))
            case ast.While():
                yield from self._test(node.test, (False,))
            case ast.Match():
                yield from self._cases(node)
            case _:
                pass
        yield from self._within(node)

    def _within(self, node: ast.AST) -> Iterator[Mutant]:
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list", "args", "type_params"} and isinstance(node, Scope):
                continue
            if name in {"annotation", "target", "targets"} and isinstance(node, ast.stmt):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.stmt):
                    yield from self._statement(child)
                elif isinstance(child, ast.expr):
                    yield from self._expression(child)
                elif isinstance(child, ast.AST) and not isinstance(child, ast.pattern):
                    yield from self._within(child)

    def _test(self, test: ast.expr, instead: tuple[bool, ...]) -> Iterator[Mutant]:
        for value in instead:
            if not isinstance(test, ast.Constant):
                yield self._becomes(test, f"({value})", f"condition always {value}")

    def _cases(self, node: ast.Match) -> Iterator[Mutant]:
        for case in node.cases:
            if isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None:
                continue
            if case.guard is not None:
                yield from self._test(case.guard, (True, False))
            else:
                end = self.span(case.pattern)[1]
                yield self._mutant(case.pattern.lineno, end, end, " if False", "case removed")
            if isinstance(case.pattern, ast.MatchOr):
                yield from self._dropped(list(case.pattern.patterns), " | ", "alternative dropped")

    # ── Expressions ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _expression(self, node: ast.expr) -> Iterator[Mutant]:
        match node:
            case ast.Constant():
                yield from self._constant(node)
            case ast.JoinedStr():
                return
            case ast.BoolOp():
                word = "and" if isinstance(node.op, ast.And) else "or"
                yield from self._dropped(list(node.values), f" {word} ", f"operand of `{word}` dropped")
            case ast.UnaryOp(op=ast.Not()):
                yield self._becomes(node, f"({self.text(node.operand)})", "`not` removed")
            case ast.Compare():
                yield from self._comparison(node)
            case ast.BinOp():
                yield from self._operation(node)
            case ast.IfExp():
                yield from self._test(node.test, (True, False))
            case ast.Call():
                yield from self._call(node)
            case ast.Tuple() | ast.List() | ast.Set() if len(node.elts) > 1 or not isinstance(node, ast.Tuple):
                yield from self._dropped(list(node.elts), ", ", "element dropped", fewest=0)
            case ast.Dict():
                yield from self._items(node)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                for loop in node.generators:
                    for test in loop.ifs:
                        yield from self._test(test, (True,))
            case ast.Subscript(value=ast.Name(id=name)) if name[:1].isupper():
                return  # a type
            case _:
                pass
        yield from self._within(node)

    def _constant(self, node: ast.Constant) -> Iterator[Mutant]:
        value = node.value
        if isinstance(value, bool):
            yield self._becomes(node, str(not value), f"{value} to {not value}")
        elif isinstance(value, int | float):
            for other in (value + 1, value - 1):
                yield self._becomes(node, f"({other!r})", f"{value!r} to {other!r}")
        elif isinstance(value, str) and " " not in value:
            longer = f"{value}_"
            yield self._becomes(node, repr(longer), f"{value!r} to {longer!r}")

    def _comparison(self, node: ast.Compare) -> Iterator[Mutant]:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            other = SWAPPED[type(operator)]
            between = self.source[self.span(left)[1] : self.span(right)[0]]
            start = self.span(left)[1] + len(between) - len(between.lstrip(" )\n"))
            end = self.span(right)[0] - len(between) + len(between.rstrip(" (\n"))
            yield self._mutant(left.lineno, start, end, other, f"comparison to `{other}`")
            left = right

    def _operation(self, node: ast.BinOp) -> Iterator[Mutant]:
        other = ARITHMETIC.get(type(node.op))
        left, right = self.text(node.left), self.text(node.right)
        if other is not None and not (isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)):
            yield self._becomes(node, f"(({left}) {other} ({right}))", f"operator to `{other}`")
        elif isinstance(node.op, ast.Add | ast.BitAnd | ast.BitOr):
            yield self._becomes(node, f"({left})", "right operand dropped")
            yield self._becomes(node, f"({right})", "left operand dropped")

    def _call(self, node: ast.Call) -> Iterator[Mutant]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if other := TWINS.get(name):
            end = self.span(node.func)[1]
            yield self._mutant(node.lineno, end - len(name), end, other, f"`{name}` to `{other}`")
        every = [*node.args, *node.keywords]
        for given in node.keywords:
            if given.arg is not None:
                kept = ", ".join(self.text(one) for one in every if one is not given)
                start = self.span(node.func)[1]
                yield self._mutant(given.lineno, start, self.span(node)[1], f"({kept})", f"`{given.arg}=` dropped")

    def _items(self, node: ast.Dict) -> Iterator[Mutant]:
        pairs = [
            f"{self.text(key)}: {self.text(value)}" if key is not None else f"**{self.text(value)}"
            for key, value in zip(node.keys, node.values, strict=True)
        ]
        for number, value in enumerate(node.values):
            kept = ", ".join(pairs[:number] + pairs[number + 1 :])
            yield self._mutant(value.lineno, *self.span(node), f"{{{kept}}}", f"item {number + 1} dropped")

    def _dropped(self, nodes: list[ast.AST], join: str, what: str, *, fewest: int = 1) -> Iterator[Mutant]:
        """Each without one of `nodes`, which stand side by side."""
        if len(nodes) <= fewest:
            return
        spans = [self.span(node) for node in nodes]
        spans = [self.with_parentheses(span) for span in spans]
        for number, (start, end) in enumerate(spans):
            said = self.source[start:end].split("\n")[0]
            line = getattr(nodes[number], "lineno", 1)
            if len(nodes) == 1:
                cut, text = (start, self.past_comma(end)), ""
            elif number + 1 < len(spans):
                cut, text = (start, spans[number + 1][0]), ""
            else:
                cut, text = (spans[number - 1][1], end), "," if len(spans) == 2 and join == ", " else ""
            if number == 0 and len(spans) == 2 and join == ", ":
                yield self._mutant(line, start, spans[1][1], self.source[slice(*spans[1])] + ",", f"{what}: {said}")
            else:
                yield self._mutant(line, *cut, text, f"{what}: {said}")

    def _becomes(self, node: ast.AST, text: str, what: str) -> Mutant:
        return self._mutant(getattr(node, "lineno", 1), *self.span(node), text, what)

    def _mutant(self, line: int, start: int, end: int, text: str, what: str) -> Mutant:
        return Mutant(file=self.file, line=line, start=start, end=end, text=text, what=what, scope=self.scope)
