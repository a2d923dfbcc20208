"""The policy workload for pycasbin: an enforcer in memory, requests prepared beforehand."""

from collections.abc import Sequence

import casbin

from benchmarks.workload import CONTRACTOR, CONTRACTORS, Asked, Decision, Entry

_MODEL = """
[request_definition]
r = sub, src, repo, act, tool, res, svc, count
[policy_definition]
p = sub, src, repo, act, tool, res, below, svc, above, eft
[role_definition]
g = _, _
[policy_effect]
e = !some(where (p.eft == deny))
[matchers]
m = (p.repo == "" || r.repo == p.repo) && (p.svc == "" || r.svc == p.svc) \
 && (p.res == "" || r.res == p.res || keyMatch(r.res, p.below)) && (p.src == "" || r.src == p.src) \
 && (p.sub == "" || r.sub == p.sub || g(r.sub, p.sub)) && one_of(r.act, p.act) \
 && (p.tool == "" || keyMatch(r.tool, p.tool)) && (p.above == "" || more(r.count, p.above))
"""


class Casbin:
    """One policy line a rule, an enforcer in memory, deny overrides; the cheapest and rarest comparisons first."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        model = casbin.Model()
        model.load_model_from_text(_MODEL)
        self._enforcer = casbin.Enforcer(model)
        self._enforcer.add_function("one_of", lambda name, names: name in names.split("|"))
        self._enforcer.add_function("more", lambda count, bound: count > int(bound))
        self._enforcer.add_policies([_casbin(entry) for entry in entries])
        self._enforcer.add_grouping_policy(CONTRACTOR, CONTRACTORS)

    def question(self, asked: Asked, *, at_door: bool) -> Decision:
        act = asked.action(at_door=at_door)
        of_call = ("", "", "", 0) if at_door else (asked.tool, asked.resource, asked.service, asked.count)
        request = (asked.requester, asked.source, asked.repository, act, *of_call)
        return lambda: bool(self._enforcer.enforce(*request))


def _casbin(entry: Entry) -> list[str]:
    exact = next((one for one in entry.resources if "*" not in one), "-" if entry.resources else "")
    below = next((one for one in entry.resources if "*" in one), "-")
    above = "" if entry.above is None else str(entry.above)
    actions, effect = "|".join(entry.speaks_of), "deny" if entry.forbids else "allow"
    named = [entry.requester, entry.source, entry.repository, actions, entry.tool]
    return [*named, exact, below, entry.service, above, effect]
