"""A Slack-compatible workspace for one machine: Web API, Socket Mode, HTTP events, interactivity, and a page."""

from playground.server import Playground
from playground.workspace import Timing, Workspace, load_workspace, parse_workspace

__all__ = ["Playground", "Timing", "Workspace", "load_workspace", "parse_workspace"]
