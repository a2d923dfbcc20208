"""The scanner: what it finds, what it does not, and what it does with a hostile tree."""

import json
from pathlib import Path

import pytest

from tools.scanner.__main__ import main
from tools.scanner.layout import complaints
from tools.scanner.sarif import report
from tools.scanner.terraform import MAX_FILE, read_tree

ENCRYPTED = """
resource "aws_s3_bucket" "a" {
  bucket = "a"
}
resource "aws_s3_bucket_versioning" "a" {
  bucket = aws_s3_bucket.a.id
  versioning_configuration {
    status = "Enabled"
  }
}
resource "aws_s3_bucket_server_side_encryption_configuration" "a" {
  bucket = %s
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}
"""


EVERYTHING = """
resource "aws_vpc_security_group_ingress_rule" "a" {
  ip_protocol = "-1"
  cidr_ipv6   = "::/0"
}
"""


def ingress(first: str, last: str, cidr: str) -> str:
    ports = f"from_port = {first}\n to_port = {last}\n"
    return f'resource "aws_security_group" "a" {{\n ingress {{\n {ports} cidr_blocks = ["{cidr}"]\n }}\n}}\n'


def rules(room: Path, text: str) -> list[str]:
    (room / "main.tf").write_text(text)
    return [result["ruleId"] for result in report(read_tree(room))["runs"][0]["results"]]


def test_the_sample_has_exactly_the_finding_of_the_story():
    root = Path(__file__).parents[2] / "examples" / "acme" / "infra"
    (result,) = report(read_tree(root))["runs"][0]["results"]
    assert result["ruleId"] == "S3-7"
    assert result["properties"]["resource"] == "aws_s3_bucket.exports"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "storage.tf"
    line = result["locations"][0]["physicalLocation"]["region"]["startLine"]
    assert (root / "storage.tf").read_text().splitlines()[line - 1] == 'resource "aws_s3_bucket" "exports" {'
    assert list(complaints(root)) == []


@pytest.mark.parametrize("reference", ["aws_s3_bucket.a.id", "aws_s3_bucket.a.bucket", '"a"'])
def test_encryption_beside_the_bucket_counts(room: Path, reference: str):
    assert rules(room, ENCRYPTED % reference) == []


def test_encryption_of_another_bucket_does_not_count(room: Path):
    assert rules(room, ENCRYPTED % "aws_s3_bucket.b.id") == ["S3-7"]


def test_encryption_within_the_bucket_counts(room: Path):
    text = """
resource "aws_s3_bucket" "a" {
  versioning {
    enabled = true
  }
  server_side_encryption_configuration {
    rule {
      apply_server_side_encryption_by_default {
        sse_algorithm = "aws:kms"
      }
    }
  }
}
"""
    assert rules(room, text) == []
    assert rules(room, text.replace("sse_algorithm", "other")) == ["S3-7"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('resource "aws_s3_bucket_acl" "a" {\n acl = "public-read"\n}\n', ["S3-2"]),
        ('resource "aws_s3_bucket_acl" "a" {\n acl = "private"\n}\n', []),
        ('resource "aws_ebs_volume" "a" {\n size = 1\n}\n', ["EBS-3"]),
        ('resource "aws_ebs_volume" "a" {\n encrypted = true\n}\n', []),
        ('resource "aws_db_instance" "a" {\n storage_encrypted = false\n}\n', ["RDS-3"]),
        ('resource "aws_rds_cluster" "a" {\n storage_encrypted = true\n}\n', []),
        (ingress("0", "1024", "0.0.0.0/0"), ["NET-22"]),
        (ingress("var.p", "var.p", "0.0.0.0/0"), ["NET-22"]),
        (ingress("443", "443", "0.0.0.0/0"), []),
        (ingress("22", "22", "10.0.0.0/8"), []),
        (EVERYTHING, ["NET-22"]),
    ],
)
def test_rules(room: Path, text: str, expected: list[str]):
    assert rules(room, text) == expected


def test_a_finding_keeps_its_fingerprint_when_lines_move(room: Path):
    def prints() -> list[str]:
        results = report(read_tree(room))["runs"][0]["results"]
        return [result["partialFingerprints"]["resource/v1"] for result in results]

    (room / "main.tf").write_text('resource "aws_ebs_volume" "a" {\n}\n')
    before = prints()
    (room / "main.tf").write_text('# moved\n\nresource "aws_ebs_volume" "a" {\n size = 2\n}\n')
    assert prints() == before


@pytest.mark.parametrize(
    ("content", "line"),
    [(b'resource "a" "b" {\n x = \n}\n', 2), (b'resource "a" {', 1), (b"\xff\xfe", 1), (b"(" * 5000, 1)],
)
def test_broken_files_are_named_with_their_line(
    room: Path, content: bytes, line: int, capsys: pytest.CaptureFixture[str]
):
    (room / "bad.tf").write_bytes(content)
    assert main([str(room)]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"bad.tf:{line}: ")
    assert "Traceback" not in printed.err
    results = json.loads(printed.out)["runs"][0]["results"]
    assert results[0]["level"] == "error"


def test_links_hidden_files_and_huge_files_are_bounded(room: Path):
    outside = room / "outside"
    outside.mkdir()
    (outside / "x.tf").write_text('resource "aws_ebs_volume" "secret" {\n}\n')
    tree = room / "tree"
    tree.mkdir()
    (tree / "link.tf").symlink_to(outside / "x.tf")
    (tree / "dir").symlink_to(outside)
    (tree / ".hidden").mkdir()
    (tree / ".hidden" / "y.tf").write_text('resource "aws_ebs_volume" "hidden" {\n}\n')
    (tree / "big.tf").write_bytes(b"#" * (MAX_FILE + 1))
    found = read_tree(tree)
    assert found.resources == ()
    assert [fault.file for fault in found.faults] == ["big.tf"]


def test_layout_is_judged_line_by_line(room: Path):
    (room / "a.tf").write_text("a = 1 \n\tb = 2\n\n")
    assert [complaint.split(":")[1] for complaint in complaints(room)] == ["1", "2", "4"]


def test_a_missing_path_is_bad_usage(capsys: pytest.CaptureFixture[str]):
    assert main(["/no/such/tree"]) == 2
    assert "no such file" in capsys.readouterr().err
