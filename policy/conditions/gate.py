"""The gate: what a condition's tree says, checked against the shapes of its variables before it is ever asked.

What passes can be evaluated in bounded time, and gives true, false or a failure: never another value. Only what stands
below a dynamic value is left to run time, and even there every operator must make sense for some value.
"""

from collections.abc import Mapping

from policy.conditions.calls import check_arguments, unknown_function
from policy.conditions.comparisons import hint, never, not_boolean, odd
from policy.conditions.functions import GLOBALS, HAS, MACROS, METHODS
from policy.conditions.kinds import NAMES, NUMERIC, Kind, alike, arithmetic, joined, kind_of, ordered
from policy.conditions.refusal import Flaw
from policy.conditions.shapes import OPEN, Leaf, Listing, OneOf, Ranked, Shape, Struct, Table, words
from policy.conditions.syntax import (
    Binary,
    Call,
    Either,
    Entries,
    Expression,
    Group,
    Index,
    Items,
    Literal,
    Name,
    Path,
    Select,
    Unary,
    bare,
    chain,
    spell,
    start,
)
from policy.reading.files import nearest

_INTO = {"<": "before", "<=": "before", ">": "after", ">=": "after"}


class Gate:
    """Checks one tree. `flaws` says what is wrong; the paths are those that the condition reads."""

    def __init__(self, roots: Mapping[str, Shape]) -> None:
        self._roots = roots
        self.flaws: list[Flaw] = []
        self.reads: set[Path] = set()
        self.asks: set[Path] = set()
        self.nulls: set[Path] = set()

    def check(self, tree: Expression) -> None:
        """The whole condition, which must be true or false by itself."""
        shape = self.shape_of(tree)
        if not self.flaws and shape is not Leaf.BOOLEAN:
            self.flaws.append(not_boolean(tree, shape))

    def shape_of(self, node: Expression) -> Shape:
        """The shape of what the node evaluates to; dynamic where it is flawed, so that one flaw is told once."""
        match node:
            case Literal(shape=shape):
                return shape
            case Name() | Select():
                return self._reach(node)
            case Binary():
                return self._binary(node)
            case Call():
                return self._call(node)
            case Index():
                return self._index(node)
            case Group(inner=inner):
                return self.shape_of(inner)
            case Unary():
                return self._unary(node)
            case Either():
                return self._either(node)
            case Items(items=items):
                return Listing(self._common(items))
            case Entries(entries=entries):
                return Table(self._common(tuple(value for _, value in entries)))

    # ── Paths ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _reach(self, node: Expression, *, asked: bool = False) -> Shape:
        """What a chain of names leads to."""
        base, steps = chain(node)
        if isinstance(base, Name):
            path = (base.name, *(name for name, _ in steps))
            (self.asks if asked else self.reads).add(path)
            root = self._roots.get(base.name)
            if root is None:
                return self._flaw(base.at, f"{base.name} is not a variable here", nearest(base.name, self._roots))
            shape = root
        else:
            shape = self._base(base, asked=asked)
        walked = spell(base)
        for name, at in steps:
            below = self._step(shape, name, at, walked)
            if below is None:
                return OPEN
            shape, walked = below, f"{walked}.{name}"
        if isinstance(shape, Struct):
            fields = f"one of {walked}.{', '.join(shape.fields)}"
            return self._flaw(start(node), f"{walked} is not a value by itself", fields)
        return shape

    def _step(self, shape: Shape, name: str, at: int, walked: str) -> Shape | None:
        match shape:
            case Struct(fields=fields) if name in fields:
                return fields[name]
            case Struct(fields=fields):
                self._flaw(at, f"{walked}.{name} does not exist", nearest(name, fields))
                return None
            case Table(of=below):
                return below
            case Leaf.OPEN:
                return OPEN
            case Leaf() | OneOf() | Ranked() | Listing():
                self._flaw(at, f"{walked} has nothing below it: it is {words(shape)}")
                return None

    def _base(self, node: Expression, *, asked: bool) -> Shape:
        match node:
            case Name() | Select():
                return self._reach(node, asked=asked)
            case Index():
                return self._index(node, asked=asked)
            case _:
                return self.shape_of(node)

    def _index(self, node: Index, *, asked: bool = False) -> Shape:
        if isinstance(node.key, Literal) and isinstance(node.key.value, str):
            return self._reach(node, asked=asked)
        of = self._base(node.of, asked=asked)
        key = kind_of(self.shape_of(node.key))
        match of:
            case Leaf.OPEN if key in {Kind.TEXT, Kind.INTEGER, Kind.OPEN}:
                return OPEN
            case Table(of=below) if key in {Kind.TEXT, Kind.OPEN}:
                return below
            case Listing(of=below) if key in {Kind.INTEGER, Kind.OPEN}:
                return below
            case Leaf.OPEN | Table() | Listing():
                said = f"{spell(node.of)} cannot be asked for a {NAMES[key]}"
                return self._flaw(start(node.key), said, "maps by text, lists by whole numbers from 0")
            case _:
                return self._flaw(start(node.key), f"{spell(node.of)} has nothing below it: it is {words(of)}")

    def _common(self, nodes: tuple[Expression, ...]) -> Shape:
        shapes = [self.shape_of(node) for node in nodes]
        common = shapes[0] if shapes else OPEN
        for shape in shapes[1:]:
            common = joined(common, shape) or OPEN
        return common

    # ── Operators ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _binary(self, node: Binary) -> Shape:
        match node.operator:
            case "&&" | "||":
                self._boolean(node.left)
                self._boolean(node.right)
                return Leaf.BOOLEAN
            case "==" | "!=":
                left, right = self.shape_of(node.left), self.shape_of(node.right)
                self._comparable(node.left, left, node.right, right, node.at)
                return Leaf.BOOLEAN
            case "in":
                self._within(node)
                return Leaf.BOOLEAN
            case "<" | "<=" | ">" | ">=":
                self._order(node)
                return Leaf.BOOLEAN
            case _:
                return self._arithmetic(node)

    def _unary(self, node: Unary) -> Shape:
        if node.operator == "!":
            self._boolean(node.operand)
            return Leaf.BOOLEAN
        shape = self.shape_of(node.operand)
        match kind_of(shape):
            case Kind.OPEN | Kind.NUMBER:
                return shape
            case Kind.INTEGER:
                return Leaf.INTEGER
            case _:
                return self._flaw(node.at, f"{spell(node.operand)} is {words(shape)}, and has no negative")

    def _either(self, node: Either) -> Shape:
        self._boolean(node.test)
        then, otherwise = self.shape_of(node.then), self.shape_of(node.otherwise)
        common = joined(then, otherwise)
        if common is None:
            said = f"gives {words(then)} or {words(otherwise)}: both sides of `:` must be of one kind"
            return self._flaw(node.at, said, "write numbers alike, like 1.0" if kind_of(then) in NUMERIC else "")
        return common

    def _boolean(self, node: Expression) -> None:
        shape = self.shape_of(node)
        if shape is not Leaf.BOOLEAN and shape is not OPEN:
            self.flaws.append(not_boolean(node, shape))

    def _order(self, node: Binary) -> None:
        left, right = self.shape_of(node.left), self.shape_of(node.right)
        for side, shape in ((node.left, left), (node.right, right)):
            if isinstance(shape, OneOf):
                said = f"{spell(side)} is one of {', '.join(shape.words)}, which have no order"
                self._flaw(node.at, said, f"write {spell(side)} in [{', '.join(map(repr, shape.words[-2:]))}]")
                return
        if not ordered(kind_of(left), kind_of(right)):
            said = f"{words(left)} cannot come {_INTO[node.operator]} {words(right)}"
            self._flaw(odd(node), said, hint(left, right) or hint(right, left))

    def _arithmetic(self, node: Binary) -> Shape:
        left, right = self.shape_of(node.left), self.shape_of(node.right)
        divisor = bare(node.right)
        if node.operator in "/%" and isinstance(divisor, Literal) and divisor.value == 0:
            return self._flaw(start(divisor), "divides by zero")
        found = arithmetic(node.operator, kind_of(left), kind_of(right))
        if found is None:
            said = f"{words(left)} {node.operator} {words(right)} cannot be computed"
            return self._flaw(odd(node), said, hint(left, right) or hint(right, left))
        return found

    # ── What can be equal ─────────────────────────────────────────────────────────────────────────────────────────────

    def _within(self, node: Binary) -> None:
        left, right = self.shape_of(node.left), bare(node.right)
        match right:
            case Items(items=items):
                for item in items:
                    self._comparable(node.left, left, item, self.shape_of(item), start(item))
            case Entries(entries=entries):
                self.shape_of(right)
                for key, _ in entries:
                    self._comparable(node.left, left, key, Leaf.TEXT, start(key))
            case _:
                self._inside(node, left, right)

    def _inside(self, node: Binary, left: Shape, right: Expression) -> None:
        shape = self.shape_of(right)
        match shape:
            case Leaf.OPEN:
                return
            case Listing() | Table():
                below = shape.of if isinstance(shape, Listing) else Leaf.TEXT
                if alike(kind_of(left), kind_of(below)):
                    self._comparable(node.left, left, right, below, node.at)
                else:
                    said = f"`in` finds {words(below)} in {spell(right)}, and {spell(node.left)} is {words(left)}"
                    self._flaw(start(node.left), said)
            case _:
                said = f"`in` looks into a list or a map, and {spell(right)} is {words(shape)}"
                contains = f"write {spell(right)}.contains({spell(node.left)})"
                self._flaw(start(right), said, contains if kind_of(shape) is Kind.TEXT else "")

    def _comparable(self, one: Expression, first: Shape, other: Expression, second: Shape, at: int) -> None:
        """Whether these may be equal; a flaw where they never are."""
        one, other = bare(one), bare(other)
        if isinstance(one, Literal) and not isinstance(other, Literal):
            one, first, other, second = other, second, one, first
        if isinstance(other, Literal):
            at = other.at
            if second is Leaf.NULL:
                self._beside_null(one)
        if (flaw := never(one, first, other, second, at)) is not None:
            self.flaws.append(flaw)

    def _beside_null(self, node: Expression) -> None:
        base, steps = chain(node)
        if isinstance(base, Name):
            self.nulls.add((base.name, *(name for name, _ in steps)))

    # ── Calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _call(self, node: Call) -> Shape:
        if node.receiver is None and node.name == HAS:
            return self._has(node)
        if node.receiver is not None and node.name in MACROS:
            advice = "use `in`, size() or matches()"
            return self._flaw(node.at, f"{node.name}() is not allowed: its cost has no bound", advice)
        function = (GLOBALS if node.receiver is None else METHODS).get(node.name)
        shapes = [self.shape_of(argument) for argument in node.arguments]
        if function is None:
            self.flaws.append(unknown_function(node))
            return OPEN
        of = None if node.receiver is None else self.shape_of(node.receiver)
        flaws = check_arguments(node, function, of, shapes)
        self.flaws += flaws
        return OPEN if flaws else function.gives

    def _has(self, node: Call) -> Shape:
        match node.arguments:
            case (Select() as asked,):
                self._reach(asked, asked=True)
                return Leaf.BOOLEAN
            case _:
                return self._flaw(node.at, "has() asks for one field by its name", "like has(call.arguments.count)")

    def _flaw(self, at: int, problem: str, suggestion: str = "") -> Leaf:
        self.flaws.append(Flaw(problem, suggestion, at))
        return OPEN
