"""Runbooks: procedures in YAML that a team writes without code. `docs/runbooks.md` teaches them.

    runbook: ID                  describe: TEXT            agents: [SLUG]     (left out: every agent that admits it)
    inputs:  NAME: {describe, one_of: [...] | pattern: RE | type: integer, example, default}
    match:   say: [PHRASE]       tasks: [{type, when: CEL over `task`, read: {INPUT: PATH into the task}}]
    steps:   - id, say, when: CEL over `inputs`, `task`, `steps`, `messages`, `run`; and one of
               call: {tool, arguments, purpose, expect, prediction, rollback, may_fail}   and verify: a call that reads
               calls: {NAME: call}         reads, done together
               ask: {question, options}
               wait: {topic, until: [WORD], within, why, offer: a call for people only}
               conclude: {summary, checks: [call]}
               give_up: TEXT | {why, outcome}
               goto: STEP
             on_failure: give_up | {goto: STEP} | {retry: N, then: ...} | {KIND: ..., otherwise: ...}

The words: `phrases`, `paths`, `templates`. What was read: `model`; the reading: `load`, `steps`, `shapes`, `check`. The
run as a runbook sees it: `history`, `scope`, `words`. What it proposes: `drafting`, `reasoner`.
"""
