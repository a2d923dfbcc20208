"""The documents that follow from code follow it."""

import re
from pathlib import Path

from tests.docs import lifecycle

ROOT = Path(__file__).resolve().parents[2]


def test_the_lifecycle_page_is_that_of_the_table() -> None:
    page = (ROOT / "docs" / "lifecycle.md").read_text()
    assert page == lifecycle.page(), "run `make docs`"


def test_the_readmes_map_names_every_package_and_nothing_else() -> None:
    readme = (ROOT / "README.md").read_text()
    named = set(re.findall(r"^([a-z]+)/ ", readme, re.MULTILINE))
    there = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"docs", "requirements"}
    assert named == there


def test_every_link_in_the_documents_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_file_that_the_promises_rest_on_is_there() -> None:
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_.]*)`", (ROOT / "docs" / "promises.md").read_text())
    assert len(named) > 40
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_link_to_a_heading_finds_it() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text()):
            aimed = page.parent / target if target else page
            heads = re.findall(r"^#+ (.+)$", aimed.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}, (page, anchor)


def test_every_adr_is_numbered_and_fits_a_screen() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        assert len(page.read_text().splitlines()) <= 60, page.name
