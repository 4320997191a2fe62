"""The settings in `docs/sign-on.md` are settings that work."""

from __future__ import annotations

import re
from pathlib import Path

from keywright.settings import load

TEXT = (Path(__file__).parents[2] / "docs" / "sign-on.md").read_text("utf-8")


def test_the_example_works(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert example
    (tmp_path / "keywright.toml").write_text(example[1])
    settings = load({}, {}, tmp_path)
    assert settings.oidc_issuer == "https://id.example.com/realms/acme"
    assert [str(one) for one in settings.oidc_roles] == [
        "platform → super_admin everywhere",
        "writers-cz → editor in my-blog",
    ]


def test_the_variable_means_the_same(tmp_path: Path) -> None:
    shown = re.search(r"KEYWRIGHT_OIDC_ROLES='(.*?)'", TEXT)
    assert shown
    beside = {"oidc_issuer": "https://id.example.com", "oidc_client_id": "keywright"}
    settings = load(beside, {"KEYWRIGHT_OIDC_ROLES": shown[1]}, tmp_path)
    assert [str(one) for one in settings.oidc_roles] == ["platform → super_admin everywhere"]
