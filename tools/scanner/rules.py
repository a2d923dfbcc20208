"""The rules, one table: an id that never changes its meaning, what it looks for, and how to mend it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tools.scanner.terraform import Resource, Tree, blocks, referred

Check = Callable[[Tree], Iterator[Resource]]
_PUBLIC = {"public-read", "public-read-write", "website", "authenticated-read"}
_ANYONE = {"0.0.0.0/0", "::/0"}
_SSH = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`check` yields the resources that break the rule."""

    id: str
    name: str
    severity: str  # SARIF's levels: error, warning, note
    describe: str
    mend: str
    check: Check


def _of(tree: Tree, *types: str) -> Iterator[Resource]:
    return (resource for resource in tree.resources if resource.type in types)


def _served(tree: Tree, bucket: Resource, type_: str) -> list[Resource]:
    """Resources of `type_` that are about this bucket, by reference or by its literal name."""
    name = bucket.attributes.get("bucket")
    return [
        other
        for other in _of(tree, type_)
        if referred(other.attributes.get("bucket")) == bucket.address
        or (name is not None and other.attributes.get("bucket") == name)
    ]


def _unencrypted_buckets(tree: Tree) -> Iterator[Resource]:
    for bucket in _of(tree, "aws_s3_bucket"):
        inline = blocks(bucket.attributes, "server_side_encryption_configuration")
        beside = _served(tree, bucket, "aws_s3_bucket_server_side_encryption_configuration")
        if not any(_names_an_algorithm(block) for block in (*inline, *(other.attributes for other in beside))):
            yield bucket


def _names_an_algorithm(configuration: dict[str, Any]) -> bool:
    return any(
        default.get("sse_algorithm")
        for rule in blocks(configuration, "rule")
        for default in blocks(rule, "apply_server_side_encryption_by_default")
    )


def _public_buckets(tree: Tree) -> Iterator[Resource]:
    for resource in _of(tree, "aws_s3_bucket", "aws_s3_bucket_acl"):
        if resource.attributes.get("acl") in _PUBLIC:
            yield resource


def _unversioned_buckets(tree: Tree) -> Iterator[Resource]:
    for bucket in _of(tree, "aws_s3_bucket"):
        beside = _served(tree, bucket, "aws_s3_bucket_versioning")
        separate = [b for other in beside for b in blocks(other.attributes, "versioning_configuration")]
        inline = blocks(bucket.attributes, "versioning")
        if not any(b.get("status") == "Enabled" for b in separate) and not any(_true(b.get("enabled")) for b in inline):
            yield bucket


def _open_ssh(tree: Tree) -> Iterator[Resource]:
    for resource in tree.resources:
        match resource.type:
            case "aws_security_group":
                entrances = blocks(resource.attributes, "ingress")
            case "aws_security_group_rule" if resource.attributes.get("type") == "ingress":
                entrances = [resource.attributes]
            case "aws_vpc_security_group_ingress_rule":
                entrances = [resource.attributes]
            case _:
                continue
        if any(_admits_anyone(entrance) and _covers(entrance, _SSH) for entrance in entrances):
            yield resource


def _admits_anyone(entrance: dict[str, Any]) -> bool:
    values: list[Any] = [entrance.get("cidr_ipv4"), entrance.get("cidr_ipv6")]
    for key in ("cidr_blocks", "ipv6_cidr_blocks"):
        found = entrance.get(key)
        values += found if isinstance(found, list) else [found]
    return any(value in _ANYONE for value in values if isinstance(value, str))


def _covers(entrance: dict[str, Any], port: int) -> bool:
    if str(entrance.get("protocol", entrance.get("ip_protocol", ""))) == "-1":
        return True
    try:
        return int(entrance["from_port"]) <= port <= int(entrance["to_port"])
    except (KeyError, TypeError, ValueError):
        return True  # what cannot be established counts as matching


def _unencrypted_databases(tree: Tree) -> Iterator[Resource]:
    for resource in _of(tree, "aws_db_instance", "aws_rds_cluster"):
        if not _true(resource.attributes.get("storage_encrypted")):
            yield resource


def _unencrypted_volumes(tree: Tree) -> Iterator[Resource]:
    for resource in _of(tree, "aws_ebs_volume"):
        if not _true(resource.attributes.get("encrypted")):
            yield resource


def _true(value: object) -> bool:
    return value is True or value == "true"


RULES = (
    Rule(
        id="S3-7",
        name="BucketWithoutEncryption",
        severity="error",
        describe="The bucket has no encryption at rest.",
        mend="Add an aws_s3_bucket_server_side_encryption_configuration for it.",
        check=_unencrypted_buckets,
    ),
    Rule(
        id="S3-2",
        name="PublicBucket",
        severity="error",
        describe="The bucket's access list lets strangers in.",
        mend='Set acl = "private" and let people in by policy.',
        check=_public_buckets,
    ),
    Rule(
        id="S3-4",
        name="BucketWithoutVersioning",
        severity="warning",
        describe="The bucket keeps no earlier versions, so a deletion cannot be undone.",
        mend='Add an aws_s3_bucket_versioning with status = "Enabled".',
        check=_unversioned_buckets,
    ),
    Rule(
        id="NET-22",
        name="SshOpenToTheWorld",
        severity="error",
        describe="The security group lets anyone reach port 22.",
        mend="Name the addresses that may connect.",
        check=_open_ssh,
    ),
    Rule(
        id="RDS-3",
        name="DatabaseWithoutEncryption",
        severity="error",
        describe="The database's storage is not encrypted.",
        mend="Set storage_encrypted = true (a new instance from a snapshot).",
        check=_unencrypted_databases,
    ),
    Rule(
        id="EBS-3",
        name="VolumeWithoutEncryption",
        severity="error",
        describe="The volume is not encrypted.",
        mend="Set encrypted = true (a new volume from a snapshot).",
        check=_unencrypted_volumes,
    ),
)
