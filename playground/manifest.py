"""What an app's manifest (v1 or v2) allows: scopes, events, commands, shortcuts, surfaces."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from playground.errors import BadWorkspace, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    callback_id: str
    name: str
    type: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    name: str
    scopes: tuple[str, ...] = ()
    events: frozenset[str] = frozenset()
    commands: tuple[Command, ...] = ()
    shortcuts: tuple[Shortcut, ...] = ()
    functions: Json = field(default_factory=dict)
    is_agent: bool = False
    home_tab: bool = False
    messages_tab: bool = True
    interactivity: bool = True
    suggested_prompts: tuple[Json, ...] = ()


def read_manifest(path: Path) -> Manifest:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML
    except (OSError, yaml.YAMLError) as error:
        raise BadWorkspace(f"{path}: the manifest cannot be read ({error}); correct `manifest` of the app") from error
    if not isinstance(document, dict):
        raise BadWorkspace(f"{path}: a manifest is a mapping, this is {json.dumps(document)[:60]}")
    return parse_manifest(document)


def parse_manifest(document: Json) -> Manifest:
    features = _part(document, "features")
    settings = _part(document, "settings")
    home = _part(features, "app_home")
    agent = _part(features, "agent_view") or _part(features, "assistant_view")
    return Manifest(
        name=_part(document, "display_information").get("name", "App"),
        scopes=tuple(_part(_part(document, "oauth_config"), "scopes").get("bot") or ()),
        events=frozenset(_part(settings, "event_subscriptions").get("bot_events") or ()),
        commands=tuple(_command(each) for each in features.get("slash_commands") or ()),
        shortcuts=tuple(_shortcut(each) for each in features.get("shortcuts") or ()),
        functions=_part(document, "functions"),
        is_agent=bool(agent),
        home_tab=bool(home.get("home_tab_enabled", False)),
        messages_tab=bool(home.get("messages_tab_enabled", True)),
        interactivity=bool(_part(settings, "interactivity").get("is_enabled", False)),
        suggested_prompts=tuple(agent.get("suggested_prompts") or ()),
    )


def _part(document: Json, name: str) -> Json:
    value: Any = document.get(name)
    return value if isinstance(value, dict) else {}


def _command(document: Json) -> Command:
    return Command(
        command=document["command"],
        description=document.get("description", ""),
        usage_hint=document.get("usage_hint", ""),
        should_escape=bool(document.get("should_escape", False)),
    )


def _shortcut(document: Json) -> Shortcut:
    return Shortcut(
        callback_id=document["callback_id"],
        name=str(document.get("name") or document["callback_id"]),
        type=document.get("type", "global"),
        description=document.get("description", ""),
    )
