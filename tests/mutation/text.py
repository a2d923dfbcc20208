"""A source file's text by characters, which the parser knows by bytes of a line."""

import ast


class Text:
    """Where the nodes of a parsed file stand."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines = source.splitlines(keepends=True)
        self.starts, at = [], 0
        for line in self.lines:
            self.starts.append(at)
            at += len(line)

    def past_comma(self, end: int) -> int:
        """`end`, or the end of the comma that follows."""
        rest = self.source[end:]
        stripped = rest.lstrip()
        return end + len(rest) - len(stripped) + 1 if stripped.startswith(",") else end

    def with_parentheses(self, span: tuple[int, int]) -> tuple[int, int]:
        """`span` with the parentheses around it, unless they are a call's."""
        start, end = span
        while start and self.source[start - 1] == "(" and self.source[end : end + 1] == ")":
            if start > 1 and (self.source[start - 2].isalnum() or self.source[start - 2] in "_])"):
                break
            start, end = start - 1, end + 1
        return start, end

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where the node's first character is, and the one after its last."""
        first, last = getattr(node, "lineno", 1) - 1, getattr(node, "end_lineno", 1) - 1
        before = self.lines[first].encode()[: getattr(node, "col_offset", 0)].decode()
        upto = self.lines[last].encode()[: getattr(node, "end_col_offset", 0)].decode()
        return self.starts[first] + len(before), self.starts[last] + len(upto)

    def text(self, node: ast.AST) -> str:
        """The node as it is written."""
        start, end = self.span(node)
        return self.source[start:end]
