"""What identifiers look like at these doors: ASCII, bounded, nothing that is read differently elsewhere."""

import re

SLUG_PATTERN = r"^[a-z0-9][a-z0-9-]{0,63}$"  # task types, agents, sources
KEY_PATTERN = r"^[!-~]{1,256}$"  # source ids, correlations
REPOSITORY_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*){0,5}$"
PRINCIPAL_PATTERN = r"^(user|token):[A-Za-z0-9._-]{1,64}$"

SLUG = re.compile(SLUG_PATTERN)
KEY = re.compile(KEY_PATTERN)
RUN_ID = re.compile(r"^[A-Za-z0-9_-]{1,64}$")
NUMBER = re.compile(r"^[0-9]{1,15}$")  # int() also takes other scripts' digits, signs and underscores
REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
SECRET = re.compile(r"^[!-~]{1,512}$")
