"""`python -m playground --port 7070 --workspace FILE.yaml [--dir DIR]`"""

import argparse
import asyncio
import sys
from pathlib import Path

from playground.errors import BadWorkspace, JournalDamaged
from playground.server import serve
from playground.workspace import load_workspace


def main() -> int:
    """Exit codes: 0 stopped, 2 bad usage or workspace file, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="playground", description="A Slack-compatible workspace on this machine.")
    parser.add_argument("--port", type=int, default=7070, help="0 takes any free port")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--workspace", type=Path, required=True, help="team, users, channels and apps (YAML or JSON)")
    parser.add_argument("--dir", type=Path, help="keeps the workspace's state; without it, memory only")
    given = parser.parse_args()
    try:
        asyncio.run(serve(load_workspace(given.workspace), given.dir, given.host, given.port))
    except (BadWorkspace, JournalDamaged, OSError) as error:
        print(f"playground: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
