"""The contracts of importlinter.ini allow the house as it is designed, and each wrong import breaks one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

RULES = Path(__file__).resolve().parents[2] / "importlinter.ini"
FLOORS = "Arrows go down"
DIALECTS = "Dialects do not know each other"
PURE = "The core knows no framework and no database"
HOT = "The hot path loads no ORM, no web framework"
SDK = "Only the CLI may use the SDK"
SERVICES_ONLY = "Doors reach data only through services"
ACYCLIC = "No circles"

ROOMS = ("core", "ops", "settings", "client", "storage", "verify", "services", "web", "api", "cli")
HOUSE = {
    "core/tokens.py": "import hashlib",
    "storage/keys.py": "import sqlalchemy\nfrom keywright.core import tokens",
    "verify/verifier.py": "import msgspec\nfrom keywright.core import tokens",
    "services/keys.py": "from keywright import settings, storage, verify",
    "web/problems.py": "from keywright.services import keys",
    "api/rest/keys.py": "from keywright.services import keys\nfrom keywright.web import problems",
    "api/graphql/keys.py": "from keywright.services import keys",
    "app.py": "from keywright import api, ops, storage",
    "cli/main.py": "from keywright import app, client",
}
DOORS_TO_COME = {
    "console/keys.py": "from keywright.services import keys\nfrom keywright.web import problems",
    "dialects/first/keys.py": "from keywright.services import keys",
    "dialects/second/keys.py": "from keywright.web import problems",
}
WRONG = [
    ("core/tokens.py", "from keywright import ops", FLOORS),
    ("core/tokens.py", "from keywright import settings", FLOORS),
    ("core/tokens.py", "import httpx2", PURE),
    ("core/tokens.py", "import sqlalchemy", PURE),
    ("storage/keys.py", "from keywright import verify", FLOORS),
    ("storage/keys.py", "from keywright.services import keys", ACYCLIC),
    ("verify/verifier.py", "from keywright.storage import keys", HOT),
    ("verify/verifier.py", "import starlette", HOT),
    ("services/keys.py", "from keywright import web", FLOORS),
    ("services/keys.py", "from keywright import client", SDK),
    ("web/problems.py", "from keywright.storage import keys", SERVICES_ONLY),
    ("api/rest/keys.py", "from keywright.storage import keys", SERVICES_ONLY),
    ("api/rest/keys.py", "from keywright import console", FLOORS),
    ("console/keys.py", "from keywright.storage import keys", SERVICES_ONLY),
    ("dialects/first/keys.py", "from keywright.storage import keys", SERVICES_ONLY),
    ("dialects/first/keys.py", "from keywright.dialects.second import keys", DIALECTS),
    ("dialects/first/keys.py", "from keywright.api.rest import keys", FLOORS),
    ("cli/main.py", "from keywright.storage import keys", SERVICES_ONLY),
    ("billing/invoices.py", "import decimal", FLOORS),
]


def build(folder: Path, files: dict[str, str]) -> None:
    """Write a small Keywright: every room of the house, and the files given."""
    package = folder / "keywright"
    for path in (*(package / room / "__init__.py" for room in ROOMS), *(package / file for file in files)):
        path.parent.mkdir(parents=True, exist_ok=True)
        for parent in path.relative_to(folder).parents[:-1]:
            (folder / parent / "__init__.py").touch()
    for file, text in files.items():
        (package / file).write_text(f"{text}\n", "utf-8")


def broken_contracts(folder: Path) -> set[str]:
    """Return the names of the contracts that the Keywright in a folder breaks."""
    lint = str(Path(sys.executable).with_name("lint-imports"))
    done = subprocess.run(
        [lint, "--config", str(RULES), "--no-logo", "--no-cache"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    results = dict(re.findall(r"^(.+) (KEPT|BROKEN)$", done.stdout, re.MULTILINE))
    assert results.keys() == {FLOORS, DIALECTS, PURE, HOT, SDK, SERVICES_ONLY, ACYCLIC}, done.stdout
    return {name for name, result in results.items() if result == "BROKEN"}


@pytest.mark.parametrize("files", [HOUSE, HOUSE | DOORS_TO_COME], ids=["the first doors", "all doors"])
def test_the_house_as_designed_breaks_nothing(tmp_path: Path, files: dict[str, str]) -> None:
    build(tmp_path, files)
    assert broken_contracts(tmp_path) == set()


@pytest.mark.parametrize(("file", "line", "contract"), WRONG)
def test_a_wrong_import_breaks_a_contract(tmp_path: Path, file: str, line: str, contract: str) -> None:
    files = HOUSE | DOORS_TO_COME
    build(tmp_path, files | {file: f"{files.get(file, '')}\n{line}"})
    assert contract in broken_contracts(tmp_path)
