"""`pipeline.yaml` of a repository: which checks run on a change request, and what happens after a merge."""

from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_MAX = 64 << 10


class PipelineError(Exception):
    """The definition cannot be used; the message says where it is wrong."""


class Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$")
    run: Literal["format", "parse", "scan", "plan"]


class Apply(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    run: Literal["record"]


class Pipeline(BaseModel):
    """What CI does with a repository."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    validate_: tuple[Step, ...] = Field(alias="validate", min_length=1, max_length=20)
    apply: Apply | None = None


def parse_pipeline(text: str, name: str = "pipeline.yaml") -> Pipeline:
    """The definition. Raises PipelineError with file and place."""
    if len(text) > _MAX:
        raise PipelineError(f"{name}: larger than {_MAX} bytes")
    try:
        return Pipeline.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise PipelineError(f"{name}: not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "top level"
        raise PipelineError(f"{name}: {where}: {first['msg']}") from error
