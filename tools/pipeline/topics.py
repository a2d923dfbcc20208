"""What runs wait for at a forge, by name: `checks:REPO#N@HEAD`, `merge:REPO#N`, `apply:REPO@HEAD`."""

import re

_CHECKS = re.compile(r"checks:(?P<repository>[^#@]+)#(?P<number>[0-9]+)@(?P<head>[0-9a-f]{40,64})")
_MERGE = re.compile(r"merge:(?P<repository>[^#@]+)#(?P<number>[0-9]+)")
_APPLY = re.compile(r"apply:(?P<repository>[^#@]+)@(?P<head>[0-9a-f]{40,64})")


def checks_topic(repository: str, number: int, head: str) -> str:
    return f"checks:{repository}#{number}@{head}"


def merge_topic(repository: str, number: int) -> str:
    return f"merge:{repository}#{number}"


def apply_topic(repository: str, head: str) -> str:
    return f"apply:{repository}@{head}"


def parse_checks(topic: str) -> tuple[str, int, str] | None:
    match = _CHECKS.fullmatch(topic)
    return (match["repository"], int(match["number"]), match["head"]) if match else None


def parse_merge(topic: str) -> tuple[str, int] | None:
    match = _MERGE.fullmatch(topic)
    return (match["repository"], int(match["number"])) if match else None


def parse_apply(topic: str) -> tuple[str, str] | None:
    match = _APPLY.fullmatch(topic)
    return (match["repository"], match["head"]) if match else None
