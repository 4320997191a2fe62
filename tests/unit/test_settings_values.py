"""Settings one by one: what each may be, what it becomes, and what is said when it cannot be that."""

from __future__ import annotations

import dataclasses
import json
import re
import traceback
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from keywright.settings import SETTINGS, GroupRole, Secret, Settings, SettingsError, load

HASH = "0123456789abcdef" * 4
PG = "postgresql://kw:hunter22@db:5432/kw"
SMTP = "smtps://kw:hunter22@mail.example.com:465"

# For each setting: text as a variable or a flag holds it, and the value it must become.
GOOD: dict[str, list[tuple[str, object]]] = {
    "data": [
        ("/srv/keywright", Path("/srv/keywright")),
        ("kept", Path("/home/kept")),
        ("a b", Path("/home/a b")),
    ],
    "database_url": [
        ("sqlite:////srv/k.db", "sqlite:////srv/k.db"),
        ("sqlite:///k.db", "sqlite:////home/k.db"),
        (PG, PG),
        ("postgres://h/db", "postgresql://h/db"),
        ("postgresql:///db?host=/run/pg", "postgresql:///db?host=/run/pg"),
        ("postgresql://u:p@[::1]:5433/db", "postgresql://u:p@[::1]:5433/db"),
        ("postgresql://u:p@ss@h/db", "postgresql://u:p@ss@h/db"),
    ],
    "database_pool_size": [("1", 1), ("1000", 1000), ("25", 25)],
    "database_timeout_seconds": [("0.1", 0.1), ("86400", 86400.0), ("30", 30.0)],
    "redis_url": [
        ("redis://redis.example.com", "redis://redis.example.com"),
        ("redis://:hunter22@redis:6379/1", "redis://:hunter22@redis:6379/1"),
        (
            "rediss://kw:hunter22@redis:6380/0?ssl_ca_certs=/ca.pem",
            "rediss://kw:hunter22@redis:6380/0?ssl_ca_certs=/ca.pem",
        ),
        ("redis://[::1]:6379/", "redis://[::1]:6379/"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("unix://kw:hunter22@/run/redis.sock?db=2", "unix://kw:hunter22@/run/redis.sock?db=2"),
    ],
    "host": [
        ("0.0.0.0", "0.0.0.0"),
        ("::1", "::1"),
        ("0:0::1", "::1"),
        ("Localhost", "localhost"),
        ("my_service.internal-1.x", "my_service.internal-1.x"),
    ],
    "port": [("0", 0), ("65535", 65535), (" 8301 ", 8301)],
    "workers": [("1", 1), ("64", 64), ("4", 4)],
    "public_url": [
        ("https://keys.example.com/", "https://keys.example.com"),
        ("HTTPS://Keys.Example.com:443", "https://keys.example.com"),
        ("http://keys.example.com:80", "http://keys.example.com"),
        ("http://[::1]:8300", "http://[::1]:8300"),
        ("https://keys.example.com:80", "https://keys.example.com:80"),
    ],
    "log_level": [("debug", "debug"), ("ERROR", "error"), (" warning ", "warning")],
    "log_format": [("json", "json"), ("Console", "console"), ("auto", "auto")],
    "trusted_proxies": [
        ("10.0.0.0/8, ::1", (ip_network("10.0.0.0/8"), ip_network("::1/128"))),
        ("192.0.2.7", (ip_network("192.0.2.7/32"),)),
        ("10.0.0.1,10.0.0.1", (ip_network("10.0.0.1/32"),)),
        (" ", ()),
    ],
    "admin_password": [("12345678", "12345678"), (" päss word ", " päss word "), ("x" * 1024, "x" * 1024)],
    "root_token_hash": [(HASH, HASH), ("0" * 64, "0" * 64), ("f" * 64, "f" * 64)],
    "sweep_interval_seconds": [("1", 1.0), ("86400", 86400.0), ("2.5", 2.5)],
    "sweep_after_days": [("0", 0.0), ("0.25", 0.25), ("36500", 36500.0)],
    "session_idle_seconds": [("1", 1), ("604800", 604800), ("60", 60)],
    "session_max_seconds": [("43200", 43200), ("31536000", 31536000), ("604800", 604800)],
    "shutdown_seconds": [("0", 0), ("3600", 3600), ("5", 5)],
    "drain_seconds": [("0", 0), ("3600", 3600), ("5", 5)],
    "usage_flush_seconds": [("0.1", 0.1), ("3600", 3600.0), ("7", 7.0)],
    "usage_keep_days": [("1", 1.0), ("36500", 36500.0), ("7.5", 7.5)],
    "lease_seconds": [("0.2", 0.2), ("60", 60.0), ("5", 5.0)],
    "stale_grace_seconds": [("0", 0.0), ("86400", 86400.0), ("7.5", 7.5)],
    "cache_entries": [("1", 1), ("10000000", 10_000_000), ("500", 500)],
    "cache_megabytes": [("1", 1), ("65536", 65536), ("64", 64)],
    "smtp_url": [
        (SMTP, SMTP),
        ("smtp://mail.example.com", "smtp://mail.example.com"),
        (
            "smtp://kw:hunter%40%2F22@mail:25?starttls=required",
            "smtp://kw:hunter%40%2F22@mail:25?starttls=required",
        ),
        ("smtp://[::1]:2525/?starttls=never", "smtp://[::1]:2525/?starttls=never"),
        ("smtps://kw%40example.com:hunter22@192.0.2.7", "smtps://kw%40example.com:hunter22@192.0.2.7"),
    ],
    "mail_from": [
        ("kw@example.com", "kw@example.com"),
        (" Keys & more <kw+x@mail.example.com> ", "Keys & more <kw+x@mail.example.com>"),
        ("Klíče <root@localhost>", "Klíče <root@localhost>"),
    ],
    "dialects": [
        ("none", ("none",)),
        ("contember", ("contember",)),
        (" contember , cloudtower=acme_1-x", ("contember", "cloudtower=acme_1-x")),
        ("prefect,skylark,prefect", ("prefect", "skylark")),
    ],
    "oidc_issuer": [
        ("https://id.example.com", "https://id.example.com"),
        ("https://id.example.com/realms/Acme/", "https://id.example.com/realms/Acme/"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://[::1]:9000/x", "http://[::1]:9000/x"),
        ("http://localhost", "http://localhost"),
    ],
    "oidc_client_id": [("keywright", "keywright"), ("api://a b", "api://a b"), ("x" * 255, "x" * 255)],
    "oidc_client_secret": [("s", "s"), (" päss word ", " päss word "), ("x" * 1024, "x" * 1024)],
    "oidc_scopes": [
        ("openid", "openid"),
        ("openid groups", "openid groups"),
        ("https://example.com/all openid", "https://example.com/all openid"),
    ],
    "oidc_groups_claim": [
        ("roles", "roles"),
        ("https://example.com/groups", "https://example.com/groups"),
        ("my groups", "my groups"),
    ],
    "oidc_roles": [
        ('[{"group": "staff", "role": "monitor"}]', (GroupRole("staff", "monitor"),)),
        (
            '[{"group": "/Writers é", "role": "editor", "tenant": "my-blog", '
            '"variables": {"language": ["cs", "en", "cs"], "area": "news"}}]',
            (
                GroupRole(
                    "/Writers é", "editor", "my-blog", (("area", ("news",)), ("language", ("cs", "en")))
                ),
            ),
        ),
        (" []", ()),
        ('[{"group": "a", "role": "b", "tenant": null, "variables": {}}]', (GroupRole("a", "b"),)),
    ],
    "oidc_create_users": [("false", False), (" TRUE ", True), ("False", False)],
    "oidc_link_by_email": [("true", True), ("FALSE", False), ("True", True)],
}

# What another setting needs beside it.
_SIGN_ON = {"oidc_issuer": "https://id.example.com", "oidc_client_id": "keywright"}
BESIDE: dict[str, dict[str, str]] = {
    one: {name: value for name, value in _SIGN_ON.items() if name != one}
    for one in GOOD
    if one.startswith("oidc_")
} | {"smtp_url": {"mail_from": "kw@example.com"}}

_NOT_A_COUNT = ["x", "-1", "+5", "1e3", "nan", "inf", "1_0", "٣", "0x10", " ", "9" * 5000]
_NOT_WHOLE = [*_NOT_A_COUNT, "1.5"]

BAD: dict[str, list[str]] = {
    "data": ["a?b", "~nobody-of-that-name/x"],
    "database_url": [
        "mysql://u:hunter22@h/db",
        "postgresql+asyncpg://u:hunter22@h/db",
        "hunter22",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:hunter22",
        "sqlite://k.db",
        "sqlite:///k.db?mode=ro",
        "postgresql://",
        "postgresql://h",
        "postgresql://h/",
        "postgresql://h/a/b",
        "postgresql://u:hunter22@h:port/db",
        "postgresql://u:hunter22@h:0/db",
        "postgresql://u:hunter22@h:70000/db",
        "postgresql://u:hunter22@[::1/db",
        "postgresql://u:hunter22@h/db#x",
        "postgresql://u:hunter 22@h/db",
        "postgresql://u:1hunter/22@h/db",
        "postgresql://u:22/db?hunter22@h/db",
    ],
    "database_pool_size": [*_NOT_WHOLE, "0", "1001"],
    "database_timeout_seconds": [*_NOT_A_COUNT, "0", "0.09", "86401"],
    "redis_url": [
        "hunter22",
        "http://:hunter22@redis",
        "redis://",
        "redis:///1",
        "redis://redis:port",
        "redis://redis:0",
        "redis://redis:70000",
        "redis://:hunter22@redis/one",
        "redis://:hunter22@redis/1/2",
        "redis://redis/1?db=2",
        "redis://redis?socket_timeout=100",
        "rediss://redis?ssl_cert_reqs=none",
        "redis://redis?hunter22",
        "redis://kw:hunter/22@redis",
        "redis://kw:hunter?22@redis",
        "redis://kw:hunter#22@redis",
        "redis://redis#hunter22",
        "redis://re dis",
        "unix://",
        "unix:///",
        "unix://run/redis.sock",
        "unix:///run/redis.sock?db=one",
    ],
    "host": [
        "a b",
        "127.0.0.256",
        "8300",
        "[::1]",
        "h:8300",
        "http://h",
        "-h",
        "h-",
        "a..b",
        "é",
        "a." * 130 + "a",
    ],
    "port": [*_NOT_WHOLE, "65536", "tcp://10.0.0.1:8300"],
    "workers": [*_NOT_WHOLE, "0", "65"],
    "public_url": [
        "keys.example.com",
        "ftp://keys.example.com",
        "https://",
        "https://:8300",
        "https://h/keys",
        "https://h?",
        "https://h#x",
        "https://u:hunter22@h",
        "https://h:0",
        "https://h:x",
        "https://h:70000",
        "https://[::1",
        "https://a b",
        "https://h\n",
        "https://h\\x",
    ],
    "log_level": ["loud", "trace", " "],
    "log_format": ["xml", "logfmt"],
    "trusted_proxies": ["localhost", "10.0.0.1/8", "10.0.0.0/8,", "*", "10.0.0.0/33"],
    "admin_password": ["hunter2", "x" * 1025],
    "root_token_hash": ["hunter22", HASH.upper(), HASH[:-1], HASH + "0", HASH + "\n"],
    "sweep_interval_seconds": [*_NOT_A_COUNT, "0.9", "86401", "9" * 400],
    "sweep_after_days": [*_NOT_A_COUNT, "36501"],
    "session_idle_seconds": [*_NOT_WHOLE, "0", "31536001"],
    "session_max_seconds": [*_NOT_WHOLE, "0", "31536001"],
    "shutdown_seconds": [*_NOT_WHOLE, "3601"],
    "drain_seconds": [*_NOT_WHOLE, "3601"],
    "usage_flush_seconds": [*_NOT_A_COUNT, "0", "0.09", "3601"],
    "usage_keep_days": [*_NOT_A_COUNT, "0", "0.9", "36501"],
    "lease_seconds": [*_NOT_A_COUNT, "0", "0.19", "61"],
    "stale_grace_seconds": [*_NOT_A_COUNT, "86401"],
    "cache_entries": [*_NOT_WHOLE, "0", "10000001"],
    "cache_megabytes": [*_NOT_WHOLE, "0", "65537"],
    "smtp_url": [
        "hunter22",
        "mail.example.com:25",
        "http://kw:hunter22@mail",
        "smtp://",
        "smtp://kw:hunter22@",
        "smtp://kw@mail",
        "smtp://:hunter22@mail",
        "smtp://kw:hunter22@mail?starttls=never",
        "smtp://mail?starttls=maybe",
        "smtp://mail?starttls",
        "smtp://mail?tls=hunter22",
        "smtps://mail?starttls=hunter22",
        "smtp://kw:hunter22@mail:0",
        "smtp://kw:hunter22@mail:70000",
        "smtp://kw:hunter22@mail:x",
        "smtp://kw:hunter22@[::1",
        "smtp://kw:hunter22@-mail",
        "smtp://kw:hunter22@10.0.0.256",
        "smtp://kw:hunter22@mail/x",
        "smtp://kw:hunter22@mail#x",
        "smtp://kw:1hunter/22@mail",
        "smtp://kw:22?starttls=hunter@mail",
        "smtp://kw:hunter%C3%A922@mail",
        "smtp://kw:hunter%FF22@mail",
        "smtp://kw:hunter 22@mail",
        "smtp://kw:hunter22@mail\n",
    ],
    "mail_from": [
        "kw",
        "@example.com",
        "kw@",
        "Keys <kw>",
        "Keys kw@example.com",
        "<kw@example.com>",
        "Keys <kw@example.com> x",
        "a@example.com, b@example.com",
        "Keys\nBcc: x <kw@example.com>",
        '"Keys" <kw@example.com>',
    ],
    "dialects": [
        *(
            "web3",
            "Contember",
            "contember cloudtower",
            "contember,",
            ",",
            " ",
            "a-b",
            "a=",
            "=acme",
            "a=A",
        ),
        *(
            "a==b",
            "a=b=c",
            "a=-b",
            "all,none",
            "all,contember",
            "none,contember=acme",
            "a,a=b",
            "a=b,a=c",
            "*",
        ),
        "a=" + "x" * 101,
    ],
    "oidc_issuer": [
        "id.example.com",
        "http://id.example.com",
        "http://127.0.0.2",
        "https://",
        "https://:443",
        "https://id.example.com?x",
        "https://id.example.com#x",
        "https://u:hunter22@id.example.com",
        "https://id.example.com:0",
        "https://id.example.com:70000",
        "https://[::1",
        "https://id.example.com/a b",
        "https://id.example.com/\\",
        "https://é.example.com",
        "https://id.example.com\n",
        "https://id.example.com/" + "x" * 500,
        "ftp://id.example.com",
    ],
    "oidc_client_id": ["x" * 256, "a\nb"],
    "oidc_client_secret": ["hunter" * 171, "hunter22\n"],
    "oidc_scopes": ["profile", "openid  email", "openid\temail", 'openid "x"', "open id", " openid"],
    "oidc_groups_claim": ["x" * 256, "a\nb"],
    "oidc_roles": [
        "staff",
        "{}",
        "[1]",
        "[" * 20_000,
        '[{"group": "staff"}]',
        '[{"role": "admin"}]',
        '[{"group": "staff", "role": "admin", "slug": "acme"}]',
        '[{"group": "", "role": "admin"}]',
        '[{"group": 1, "role": "admin"}]',
        '[{"group": "a\\u0000", "role": "admin"}]',
        '[{"group": "staff", "role": "Admin"}]',
        '[{"group": "staff", "role": 1}]',
        '[{"group": "staff", "role": "admin", "tenant": ""}]',
        '[{"group": "staff", "role": "admin", "variables": []}]',
        '[{"group": "staff", "role": "admin", "variables": {"A": "x"}}]',
        '[{"group": "staff", "role": "admin", "variables": {"a": []}}]',
        '[{"group": "staff", "role": "admin", "variables": {"a": "x:y"}}]',
        '[{"group": "staff", "role": "admin", "variables": {"a": 1}}]',
        "[" + ",".join(['{"group": "a", "role": "b"}'] * 1001) + "]",
    ],
    "oidc_create_users": ["yes", "1", "0", " "],
    "oidc_link_by_email": ["on", "no", "t"],
}

# What only the file can hold: values of other types.
BAD_IN_FILE: dict[str, list[str]] = {
    "data": ['""', "1", r'"a\u0000b"'],
    "database_url": ['""', "true", r'"sqlite:///a\u0000b"'],
    "database_pool_size": ["true", "1.5"],
    "database_timeout_seconds": ["true", "nan", "inf"],
    "redis_url": ['""', "6379", '["redis://redis"]', r'"redis://a\u0000b"'],
    "host": ['""', "127"],
    "port": ["true", "8300.0", "-1", '""', "[8300]", "nan"],
    "workers": ["true", "1.5", '"many"'],
    "public_url": ['""', "1"],
    "log_level": ['""', "3"],
    "log_format": ['""', "false"],
    "trusted_proxies": ["10", "[10]", '["10.0.0.0/8", ""]', '{a = "10.0.0.0/8"}'],
    "admin_password": ['""', "12345678", '["12345678"]'],
    "root_token_hash": ['""', "1"],
    "sweep_interval_seconds": ["false", "nan", "inf", '""', "1979-05-27"],
    "sweep_after_days": ["true", "nan", "inf", "-0.5"],
    "session_idle_seconds": ["true", "60.5", "[]"],
    "session_max_seconds": ["true", "60.5"],
    "shutdown_seconds": ["true", "1.5"],
    "drain_seconds": ["true", "1.5"],
    "usage_flush_seconds": ["true", "nan", "inf"],
    "usage_keep_days": ["true", "nan", "inf"],
    "lease_seconds": ["true", "nan", "inf"],
    "stale_grace_seconds": ["true", "nan", "inf"],
    "cache_entries": ["true", "1.5"],
    "cache_megabytes": ["true", "1.5"],
    "smtp_url": ['""', "25", '["smtp://mail"]'],
    "mail_from": ['""', "1", '["kw@example.com"]'],
    "dialects": ['""', "1", "true", "[]", "[1]", '["contember", ""]', '{contember = "acme"}'],
    "oidc_issuer": ['""', "1"],
    "oidc_client_id": ['""', "1"],
    "oidc_client_secret": ['""', "12345678", '["12345678"]'],
    "oidc_scopes": ['""', '["openid"]'],
    "oidc_groups_claim": ['""', "1"],
    "oidc_roles": ["1", "[1]", '{group = "a", role = "b"}', '[{group = "a", role = "b", tenant = 1}]'],
    "oidc_create_users": ["1", "0.0", '""', "[true]"],
    "oidc_link_by_email": ["1", '"yes"'],
}

BY_NAME = {item.name: item for item in SETTINGS}


def plain(value: object) -> object:
    return value.reveal() if isinstance(value, Secret) else value


def refused(flags: dict[str, object], environ: dict[str, str], cwd: Path = Path("/home")) -> str:
    """The sentence that a setup is refused with, once it is certain that it is one and hides the secrets."""
    with pytest.raises(SettingsError) as caught:
        load(flags, environ, cwd)
    sentence = str(caught.value)
    assert re.fullmatch(r"[^\n]+[.?]", sentence)
    assert "hunter" not in "".join(traceback.format_exception(caught.value))
    return sentence


def cases(table: dict[str, list[Any]]) -> list[Any]:
    return [
        pytest.param(name, item, id=f"{name}-{number}")
        for name, items in table.items()
        for number, item in enumerate(items)
    ]


@pytest.mark.parametrize("table", [GOOD, BAD, BAD_IN_FILE], ids=["good", "bad", "bad in file"])
def test_every_setting_has_its_cases(table: dict[str, list[Any]]) -> None:
    assert (
        list(table)
        == [item.name for item in SETTINGS]
        == [item.name for item in dataclasses.fields(Settings)]
    )


@pytest.mark.parametrize(("name", "case"), cases(GOOD))
def test_allowed_values(name: str, case: tuple[str, object]) -> None:
    given, expected = case
    beside = BESIDE.get(name, {})
    by_flag = load({**beside, name: given}, {}, Path("/home"))
    by_variable = load(beside, {BY_NAME[name].env: given}, Path("/home"))
    for settings in (by_flag, by_variable):
        assert plain(getattr(settings, name)) == expected
        assert type(plain(getattr(settings, name))) is type(expected)


@pytest.mark.parametrize(("name", "given"), cases(BAD))
def test_a_value_that_is_not_allowed_is_named_with_its_place(name: str, given: str) -> None:
    setting = BY_NAME[name]
    for sentence, place in (
        (refused({name: given}, {}), f"from the flag {setting.flag}"),
        (refused({}, {setting.env: given}), f"from the variable {setting.env}"),
    ):
        shown = "the given value" if setting.secret else repr(given if len(given) <= 80 else given[:79] + "…")
        shown = shown.replace("u:hunter22@", "***@")
        assert sentence == f"{name} cannot be {shown} ({place}): it must be {setting.allowed}."


@pytest.mark.parametrize(("name", "given"), cases(BAD_IN_FILE))
def test_a_value_of_another_type_in_the_file(name: str, given: str, tmp_path: Path) -> None:
    (tmp_path / "keywright.toml").write_text(f"{name} = {given}\n")
    sentence = refused({}, {}, tmp_path)
    assert sentence.startswith(f"{name} cannot be ")
    assert sentence.endswith(f" (from keywright.toml): it must be {BY_NAME[name].allowed}.")
    assert "12345678" not in sentence


def test_a_truth_value_is_shown_as_the_file_has_it(tmp_path: Path) -> None:
    (tmp_path / "keywright.toml").write_text("port = true\n")
    assert refused({}, {}, tmp_path).startswith("port cannot be 'true' (")


@pytest.mark.parametrize("given", ['["10.0.0.0/8", "::1"]', '"10.0.0.0/8,::1"'])
def test_a_list_in_the_file(given: str, tmp_path: Path) -> None:
    (tmp_path / "keywright.toml").write_text(f"trusted_proxies = {given}\n")
    assert load({}, {}, tmp_path).trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))


def test_roles_of_groups_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "keywright.toml").write_text(
        'oidc_issuer = "https://id.example.com"\noidc_client_id = "keywright"\noidc_create_users = false\n'
        '[[oidc_roles]]\ngroup = "staff"\nrole = "monitor"\n'
        '[[oidc_roles]]\ngroup = "writers"\nrole = "editor"\ntenant = "blog"\nvariables = {language = "cs"}\n'
    )
    settings = load({}, {}, tmp_path)
    assert settings.oidc_roles == (
        GroupRole("staff", "monitor"),
        GroupRole("writers", "editor", "blog", (("language", ("cs",)),)),
    )
    assert settings.oidc_create_users is False
    shown = settings.describe()
    assert shown["oidc_roles"] == "staff → monitor everywhere, writers → editor in blog"
    assert (shown["oidc_create_users"], shown["oidc_link_by_email"]) == ("false", "false")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"oidc_issuer": "https://id.example.com"}, "oidc_client_id"),
        ({"oidc_client_id": "keywright"}, "oidc_issuer"),
        ({"oidc_client_secret": "hunter22"}, "oidc_issuer"),
        ({"oidc_issuer": "https://id.example.com", "oidc_client_secret": "hunter22"}, "oidc_client_id"),
        ({"oidc_create_users": "true"}, "oidc_issuer"),
    ],
)
def test_single_sign_on_is_not_set_up_by_half(given: dict[str, object], missing: str) -> None:
    first = next(iter(given))
    assert refused(given, {}) == (
        f"{first} is set (from the flag {BY_NAME[first].flag}) and {missing} is not: "
        "single sign-on needs oidc_issuer and oidc_client_id."
    )


def test_numbers_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "keywright.toml").write_text("port = 1\nsweep_after_days = 2\nusage_flush_seconds = 0.5\n")
    settings = load({}, {}, tmp_path)
    assert (settings.port, settings.sweep_after_days, settings.usage_flush_seconds) == (1, 2.0, 0.5)
    assert type(settings.sweep_after_days) is float


def test_flags_may_hold_what_they_were_already_turned_into(tmp_path: Path) -> None:
    flags = {
        "port": 1,
        "data": tmp_path / "d",
        "trusted_proxies": ("::1",),
        "sweep_after_days": 3,
        "host": None,
    }
    settings = load(flags, {}, Path("/home"))
    assert (settings.port, settings.data, settings.sweep_after_days) == (1, tmp_path / "d", 3.0)
    assert settings.trusted_proxies == (ip_network("::1/128"),)
    assert settings.host == "127.0.0.1"


def test_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert load({"data": "~/kept"}, {}, Path("/")).data == Path("/home/ada/kept")
    url = load({"database_url": "sqlite:///~/k.db"}, {}, Path("/")).database_url
    assert plain(url) == "sqlite:////home/ada/k.db"


# --- who overrides whom ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(GOOD))
def test_a_flag_overrides_a_variable_that_the_file_that_the_default(name: str, tmp_path: Path) -> None:
    (in_file, low), (in_variable, middle), (by_flag, high) = GOOD[name][:3]
    environ, flags = {BY_NAME[name].env: in_variable}, {name: by_flag}

    def value(flags: dict[str, str], environ: dict[str, str]) -> object:
        given = flags or environ or (tmp_path / "keywright.toml").exists()
        beside = BESIDE.get(name, {}) if given else {}
        found = plain(getattr(load({**beside, **flags}, environ, tmp_path), name))
        return str(found).replace(str(tmp_path), "/home")

    default = value({}, {})
    (tmp_path / "keywright.toml").write_text(f"{name} = {json.dumps(in_file)}\n")
    assert default == str(plain(getattr(Settings(), name))).replace("keywright-data", "/home/keywright-data")
    assert value({}, {}) == str(low)
    assert value({}, environ) == str(middle)
    assert value(flags, environ) == str(high)
    assert value(flags, {}) == str(high)


def test_secret_settings_hold_secrets() -> None:
    given = {name: GOOD[name][0][0] for name in GOOD}
    settings = load(given, {}, Path("/"))
    assert [s.secret for s in SETTINGS] == [isinstance(getattr(settings, s.name), Secret) for s in SETTINGS]
