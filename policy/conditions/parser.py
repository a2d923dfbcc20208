"""From the words of a condition to its tree. The grammar is CEL's, without its messages, bytes and macros.

    either  = or ["?" or ":" either]          relation = sum {("==" | "!=" | "<" | "<=" | ">" | ">=" | "in") sum}
    or      = and {"||" and}                  sum      = product {("+" | "-") product}
    and     = relation {"&&" relation}        product  = unary {("*" | "/" | "%") unary}
    unary   = ["!" | "-"] member
    member  = primary {"." name ["(" list ")"] | "[" either "]"}
    primary = literal | name ["(" list ")"] | "(" either ")" | "[" list "]" | "{" {text ":" either} "}"

Recursion is bounded by DEEPEST, the length of chains by the number of words, what can grow by MOST_ADDITIONS.
"""

from policy.conditions.refusal import ConditionRefused, Flaw
from policy.conditions.shapes import Leaf
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
    Select,
    Unary,
)
from policy.conditions.tokens import Token, number_of, text_of, tokens

DEEPEST = 24
MOST_ADDITIONS = 8  # texts and lists can grow by `+` alone

_BINDS = {
    "||": 1,
    "&&": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%"), 5),
}
_UNARY = frozenset({"!", "-"})
_CONSTANTS = {"true": (True, Leaf.BOOLEAN), "false": (False, Leaf.BOOLEAN), "null": (None, Leaf.NULL)}
_RESERVED = frozenset({*_CONSTANTS, "in"})
_MEANT = {"and": "did you mean `&&`?", "or": "did you mean `||`?", "not": "did you mean `!`?"}


def parse(text: str) -> Expression:
    """The tree of a condition. Raises ConditionRefused."""
    parser = _Parser(tokens(text))
    tree = parser.either()
    if parser.token.kind != "end":
        raise parser.unexpected()
    return tree


class _Parser:
    """Reads downwards, one method for each line of the grammar that nests."""

    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._next = 0
        self._depth = 0
        self._additions = 0
        self.token = words[0]

    def either(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            said = f"is not CEL here: it is nested deeper than {DEEPEST}"
            raise ConditionRefused(Flaw(said, "split it into several rules", self.token.at))
        found = self._binary(1)
        if self.token.text == "?":
            at = self._take()
            then = self._binary(1)
            self._expect(":")
            found = Either(at, found, then, self.either())
        self._depth -= 1
        return found

    def unexpected(self, wanted: str = "") -> ConditionRefused:
        """What stands here instead of what should."""
        token = self.token
        if token.kind == "end":
            return ConditionRefused(Flaw(f"is not CEL: it ends where {wanted or 'more'} should stand", "", token.at))
        instead = f": {wanted} should" if wanted else ""
        said = f"is not CEL: `{token.text}` is not expected here{instead}"
        before = self._words[self._next - 1].text if self._next else ""
        return ConditionRefused(Flaw(said, _MEANT.get(token.text) or _MEANT.get(before, ""), token.at))

    def _binary(self, least: int) -> Expression:
        left = self._unary()
        while (binds := _BINDS.get(self.token.text, 0)) >= least:
            operator = self.token.text
            at = self._take()
            self._additions += operator == "+"
            if self._additions > MOST_ADDITIONS:
                raise ConditionRefused(
                    Flaw(f"adds more than {MOST_ADDITIONS} times", "split it into several rules", at)
                )
            left = Binary(at, operator, left, self._binary(binds + 1))
        return left

    def _unary(self) -> Expression:
        if self.token.text not in _UNARY:
            return self._member()
        operator = self.token.text
        at = self._take()
        if self.token.text == operator:  # the engine drops both, and with them the check that the operand is a boolean
            raise ConditionRefused(Flaw(f"is not CEL here: `{operator}` twice says nothing", "leave both out", at))
        number = self.token.kind == "number"
        found = self._member()
        if number and operator == "-" and isinstance(found, Literal) and isinstance(found.value, (int, float)):
            return Literal(at, f"-{found.said}", -found.value, found.shape)
        return Unary(at, operator, found)

    def _member(self) -> Expression:
        found = self._primary()
        while True:
            mark = self.token.text
            if mark == ".":
                self._take()
                name = self.token
                if name.kind != "name" or name.text in _RESERVED:
                    raise self.unexpected("a name")
                self._take()
                if self.token.text == "(":
                    found = Call(name.at, name.text, found, self._several("(", ")"))
                else:
                    found = Select(name.at, found, name.text)
            elif mark == "[":
                self._take()
                at = self.token.at
                found = Index(at, found, self.either())
                self._expect("]")
            else:
                return found

    def _primary(self) -> Expression:
        token = self.token
        match token.kind:
            case "name":
                return self._named(token)
            case "string":
                self._take()
                return Literal(token.at, token.text, text_of(token), Leaf.TEXT)
            case "number":
                self._take()
                value = number_of(token)
                return Literal(token.at, token.text, value, Leaf.INTEGER if isinstance(value, int) else Leaf.NUMBER)
            case _:
                return self._enclosed(token)

    def _enclosed(self, token: Token) -> Expression:
        match token.text:
            case "(":
                self._take()
                inner = self.either()
                self._expect(")")
                return Group(token.at, inner)
            case "[":
                return Items(token.at, self._several("[", "]"))
            case "{":
                return self._entries()
            case _:
                raise self.unexpected("a value")

    def _named(self, token: Token) -> Expression:
        if token.text in _CONSTANTS:
            self._take()
            value, shape = _CONSTANTS[token.text]
            return Literal(token.at, token.text, value, shape)
        if token.text == "in":
            raise self.unexpected("a value")
        self._take()
        if self.token.text == "(":
            return Call(token.at, token.text, None, self._several("(", ")"))
        return Name(token.at, token.text)

    def _several(self, opening: str, closing: str) -> tuple[Expression, ...]:
        self._expect(opening)
        found: list[Expression] = []
        while self.token.text != closing:
            found.append(self.either())
            if self.token.text != closing:
                self._expect(",", f"`,` or `{closing}`")
                if self.token.text == closing and closing == ")":
                    raise self.unexpected("a value")
        self._take()
        return tuple(found)

    def _entries(self) -> Entries:
        at = self._take()
        found: list[tuple[Expression, Expression]] = []
        while self.token.text != "}":
            if self.token.kind != "string":
                raise ConditionRefused(Flaw("is not CEL here: keys of a map are texts in quotes", "", self.token.at))
            key = self._primary()
            self._expect(":")
            found.append((key, self.either()))
            if self.token.text != "}":
                self._expect(",", "`,` or `}`")
        self._take()
        return Entries(at, tuple(found))

    def _take(self) -> int:
        """Go on to the next word; where the one just left stands."""
        at = self.token.at
        self._next += 1
        self.token = self._words[self._next]
        return at

    def _expect(self, mark: str, wanted: str = "") -> None:
        if self.token.text != mark or self.token.kind == "string":
            raise self.unexpected(wanted or f"`{mark}`")
        self._take()
