"""The settings themselves: each declared once, with its default, its rule and a sentence for the reader."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from keywright.settings import counters, mail, rules, sign_on
from keywright.settings.rules import Network, Rule, Secret, number, one_of, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from keywright.settings.sign_on import GroupRole

_HOUR, _DAY, _YEAR = 3_600, 86_400, 31_536_000


def _about(rule: Rule[object], text: str, default: str = "", *, secret: bool = False) -> dict[str, Any]:
    """Describe a field; `default` is for one whose own default says nothing to a reader."""
    return {"rule": rule, "help": text, "default": default, "secret": secret}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a server can be told. `load` checks it; times are in the unit that their name ends in."""

    data: Path = field(
        default=Path("keywright-data"),
        metadata=_about(rules.FOLDER, "Folder for all that the server keeps, made at the first start."),
    )
    database_url: Secret | None = field(
        default=None,
        metadata=_about(
            rules.DATABASE, "Database to use.", "the SQLite file `keywright.db` in `data`", secret=True
        ),
    )
    database_pool_size: int = field(
        default=10,
        metadata=_about(
            whole(1, 1_000),
            "Most connections to PostgreSQL that one worker opens to manage; to decide it opens as many again.",
        ),
    )
    database_timeout_seconds: float = field(
        default=10.0,
        metadata=_about(
            number(0.1, _DAY), "Longest that PostgreSQL may take for one statement of management."
        ),
    )
    redis_url: Secret | None = field(
        default=None,
        metadata=_about(
            counters.REDIS,
            "Redis or Valkey in which all nodes count uses against limits together.",
            "none, and each server counts alone",
            secret=True,
        ),
    )
    host: str = field(default="127.0.0.1", metadata=_about(rules.HOST, "Address to listen on."))
    port: int = field(
        default=8300, metadata=_about(whole(0, 65_535), "Port to listen on; 0 takes any free one.")
    )
    workers: int = field(
        default=1, metadata=_about(whole(1, 64), "Processes that answer requests on this host.")
    )
    public_url: str | None = field(
        default=None,
        metadata=_about(rules.ORIGIN, "Address at which people and programs reach it.", "`http://HOST:PORT`"),
    )
    log_level: str = field(
        default="info",
        metadata=_about(one_of("debug", "info", "warning", "error"), "Least severe lines to log."),
    )
    log_format: str = field(
        default="auto",
        metadata=_about(
            one_of("auto", "console", "json"),
            "Form of a log line; `auto` is `console` on a terminal and `json` elsewhere.",
        ),
    )
    trusted_proxies: tuple[Network, ...] = field(
        default=(),
        metadata=_about(rules.NETWORKS, "Proxies whose word on the caller's address is taken.", "none"),
    )
    admin_password: Secret | None = field(
        default=None,
        metadata=_about(
            rules.PASSWORD,
            "Password of the user `admin`, who is made at the first start.",
            "generated and printed once",
            secret=True,
        ),
    )
    root_token_hash: Secret | None = field(
        default=None,
        metadata=_about(
            rules.DIGEST, "SHA-256 of a token that becomes a global `super_admin` key.", "none", secret=True
        ),
    )
    sweep_interval_seconds: float = field(
        default=60.0, metadata=_about(number(1, _DAY), "Time between two sweeps of expired keys.")
    )
    sweep_after_days: float = field(
        default=30.0,
        metadata=_about(
            number(0, 36_500), "How long an expired key stays visible before a sweep deletes it."
        ),
    )
    session_idle_seconds: int = field(
        default=12 * _HOUR, metadata=_about(whole(1, _YEAR), "A login ends after this long without use.")
    )
    session_max_seconds: int = field(
        default=7 * _DAY,
        metadata=_about(
            whole(1, _YEAR), "A login ends after this long in any case; at least `session_idle_seconds`."
        ),
    )
    shutdown_seconds: int = field(
        default=10, metadata=_about(whole(0, _HOUR), "Time that running requests have to finish at shutdown.")
    )
    drain_seconds: int = field(
        default=0,
        metadata=_about(
            whole(0, _HOUR), "Time at shutdown in which `/readyz` fails already and requests are still taken."
        ),
    )
    usage_flush_seconds: float = field(
        default=5.0, metadata=_about(number(0.1, _HOUR), "Time between two writes of gathered usage counts.")
    )
    usage_keep_days: float = field(
        default=90.0, metadata=_about(number(1, 36_500), "How long usage counts are kept.")
    )
    lease_seconds: float = field(
        default=3.0,
        metadata=_about(
            number(0.2, 60), "How long a node may answer from memory after it has last asked for changes."
        ),
    )
    stale_grace_seconds: float = field(
        default=0.0,
        metadata=_about(
            number(0, _DAY),
            "How much longer it may while the database is away; changes wait that much longer for a node that is lost.",
        ),
    )
    cache_entries: int = field(
        default=100_000, metadata=_about(whole(1, 10_000_000), "Keys that a node remembers at most.")
    )
    cache_megabytes: int = field(
        default=256, metadata=_about(whole(1, 65_536), "Memory that they may take at most, about.")
    )
    smtp_url: Secret | None = field(
        default=None,
        metadata=_about(
            mail.SERVER,
            "Mail server to send invitations by; `?starttls=never` turns encryption off for one without login.",
            "none, and no mail is sent",
            secret=True,
        ),
    )
    mail_from: str | None = field(
        default=None,
        metadata=_about(mail.SENDER, "Address that mail comes from; needed with `smtp_url`.", "none"),
    )
    dialects: tuple[str, ...] = field(
        default=("all",),
        metadata=_about(
            rules.DIALECTS,
            "Other systems whose API-key calls are answered below `/dialects/`, each with its tenant if need be.",
        ),
    )
    oidc_issuer: str | None = field(
        default=None,
        metadata=_about(
            sign_on.ISSUER, "Issuer of the OpenID Connect provider that people may log in with.", "none"
        ),
    )
    oidc_client_id: str | None = field(
        default=None,
        metadata=_about(sign_on.CLIENT_ID, "Client id that Keywright has with the provider.", "none"),
    )
    oidc_client_secret: Secret | None = field(
        default=None,
        metadata=_about(
            sign_on.CLIENT_SECRET, "Client secret; left out for a public client.", "none", secret=True
        ),
    )
    oidc_scopes: str = field(
        default="openid profile email",
        metadata=_about(sign_on.SCOPES, "Scopes to ask the provider for."),
    )
    oidc_groups_claim: str = field(
        default="groups",
        metadata=_about(sign_on.CLAIM, "Claim of the ID token that lists a person's groups."),
    )
    oidc_roles: tuple[GroupRole, ...] = field(
        default=(),
        metadata=_about(sign_on.ROLES, "Roles that the provider's groups give their members.", "none"),
    )
    oidc_create_users: bool = field(
        default=True, metadata=_about(sign_on.TRUTH, "Whether a first login makes the person.")
    )
    oidc_link_by_email: bool = field(
        default=False,
        metadata=_about(
            sign_on.TRUTH,
            "Whether a first login with a verified e-mail address is one of the person who has that address here.",
        ),
    )

    @property
    def effective_database_url(self) -> Secret:
        """The database to use, named or not: ``sqlite:///PATH`` or ``postgresql://…``."""
        return self.database_url or rules.sqlite_url(self.data / "keywright.db")

    @property
    def effective_public_url(self) -> str:
        """The origin to use in links, named or not; it follows `port`, so `replace` a 0 once it is known."""
        reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not listened on
        return self.public_url or rules.origin_of("http", reachable.get(self.host, self.host), self.port)

    def describe(self) -> dict[str, str]:
        """Show by name what is in effect, secrets masked; for a log line or a person."""
        values = {item.name: getattr(self, item.name) for item in SETTINGS}
        values |= {"database_url": self.effective_database_url, "public_url": self.effective_public_url}
        return {name: _readable(value) for name, value in values.items()}


def _readable(value: object) -> str:
    match value:
        case None:
            return "not set"
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case _:
            return str(value)


@dataclass(frozen=True, slots=True)
class Setting:
    """What there is to know about one setting; `parse` raises ValueError for what is not allowed."""

    name: str
    default: str
    help: str
    allowed: str
    secret: bool
    parse: Callable[[object], object]

    @property
    def env(self) -> str:
        """The variable that sets it."""
        return f"KEYWRIGHT_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """The flag that sets it."""
        return "--" + self.name.replace("_", "-")


SETTINGS: Final = tuple(
    Setting(
        name=item.name,
        default=item.metadata["default"] or f"`{_readable(item.default)}`",
        help=item.metadata["help"],
        allowed=item.metadata["rule"].allowed,
        secret=item.metadata["secret"],
        parse=item.metadata["rule"].parse,
    )
    for item in fields(Settings)
)


def reference_table() -> str:
    """Write all settings as the Markdown table of ``docs/settings.md``."""
    head = "| in the file | what it is | default | allowed | variable | flag |\n|---|---|---|---|---|---|\n"
    return head + "".join(
        f"| `{item.name}` | {item.help} | {item.default} | {item.allowed} | `{item.env}` | `{item.flag}` |\n"
        for item in SETTINGS
    )
