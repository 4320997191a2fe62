"""Which server a command asks, for which tenant and as whom: where each is looked for, in which order.

What stands in a project file may be somebody else's word. It chooses among servers that are the user's own
already, and a credential of the line or of the environment does not go where it leads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

import click

from keywright.cli.common import DEFAULT_URL, EVERYWHERE, given, in_environment
from keywright.cli.config import DEFAULT_PROFILE, Config, Profile, other_server, read_config
from keywright.cli.credentials import Credentials, SavedLogin, place_of
from keywright.cli.exits import Exit, Failed
from keywright.cli.project import Project, find_project
from keywright.cli.text import printable
from keywright.cli.values import from_stdin
from keywright.client import Token, normal_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Place = Literal["flag", "environment", "project", "profile", "keyring", "login", "default"]
_META: Final = "keywright.choice"
_NAME_IT: Final = "Name the server yourself with --url, KEYWRIGHT_URL or --profile."


@dataclass(frozen=True, slots=True)
class Step:
    """A place that was looked at. `value` is what it gave, or None, and then `why_not` says why."""

    place: Place
    where: str
    value: str | Token | None
    why_not: str = "nothing there"


@dataclass(frozen=True, slots=True)
class Credential:
    """What a command shows the server, and where it was found."""

    token: Token
    found: Place


@dataclass(frozen=True, slots=True)
class Named:
    """The profile that is in use, and who named it: the line, the environment, a project file or the user's own."""

    profile: Profile
    by: Place

    @property
    def name(self) -> str:
        """What it is called."""
        return self.profile.name

    @property
    def first(self) -> bool:
        """Whether it was named for this command or this shell, and so comes before a project file."""
        return self.by in {"flag", "environment"}


class Choice:
    """What a command goes by. Files are read when they are first needed, and no more than once.

    Without `project`, as for what stays when a folder is left, no project file is looked at.
    """

    def __init__(self, *, project: bool = True, new_profile: bool = False) -> None:
        self._with_project = project
        self._new_profile = new_profile

    @cached_property
    def config(self) -> Config:
        """The user's own file."""
        return read_config()

    @cached_property
    def project(self) -> Project | None:
        """The project file that holds for the working folder."""
        return find_project() if self._with_project else None

    @cached_property
    def named(self) -> Named:
        """The profile. Raises `Failed` where there is none of the name."""
        told: tuple[tuple[Place, str, str | None], ...] = (
            ("flag", "--profile", given("profile")),
            ("environment", "KEYWRIGHT_PROFILE", in_environment("KEYWRIGHT_PROFILE")),
        )
        for by, said, name in told:
            if name:
                new = self._new_profile and name not in self.config.profiles
                return Named(Profile(name) if new else self.config.profile(name, said), by)
        if self.project is not None and self.project.profile is not None:
            said = printable(str(self.project.path))
            return Named(self.config.profile(self.project.profile, said), "project")
        return self._own_profile()

    def _own_profile(self) -> Named:
        said = f"{self.config.path}: default"
        return Named(self.config.profile(self.config.default or DEFAULT_PROFILE, said), "profile")

    @cached_property
    def url_steps(self) -> list[Step]:
        """Where the server's address was looked for, up to where it was found."""
        return _until_found(self._urls())

    @property
    def url(self) -> str:
        """The server's address. Raises `Failed` for one that a project file may not choose."""
        return str(self.url_steps[-1].value)

    @cached_property
    def applies(self) -> Profile:
        """The profile where it is for the server that is asked; where it is for another, one that says nothing."""
        profile = self.named.profile
        if profile.url in {None, self.url}:
            return profile
        if self.named.by == "flag" and given("url"):
            raise other_server(profile.name, str(profile.url), self.url)
        return Profile(DEFAULT_PROFILE)

    @property
    def place(self) -> str:
        """What a login of this choice is kept by."""
        return place_of(self.url, self.applies.name)

    @property
    def steered(self) -> bool:
        """Whether a project file leads to another server than would be asked without it."""
        if self.url_steps[-1].place not in {"project", "profile"} or self.project is None:
            return False
        by_profile = self.url_steps[-1].place == "profile"
        if by_profile and self.named.by != "project":
            return False
        without = self.named if self.named.first else self._own_profile()
        return self.url != (without.profile.url or DEFAULT_URL)

    def keep_from_project(self, what: str) -> None:
        """Raise `Failed` when a project file leads to another server than would be asked without it."""
        if self.steered:
            assert self.project is not None  # noqa: S101 - who else should have led there
            raise Failed(
                f"{what} is not sent to {self.url}, which {printable(str(self.project.path))} names.",
                Exit.USAGE,
                _NAME_IT,
            )

    def tenant_steps(self) -> list[Step]:
        """Where the tenant was looked for, up to where it was found."""
        return _until_found(self._tenants())

    def tenant(self) -> str | None:
        """The tenant that calls are for, or None where nothing names one."""
        value = self.tenant_steps()[-1].value
        return None if value is None else str(value)

    @cached_property
    def credential_steps(self) -> list[Step]:
        """Where the credential was looked for, up to where it was found."""
        return _until_found(self._credentials())

    @property
    def credential(self) -> Credential | None:
        """The credential for the server, or None where there is none."""
        last = self.credential_steps[-1]
        return None if last.value is None else Credential(_token(last), last.place)

    @cached_property
    def saved(self) -> SavedLogin | None:
        """The login that is kept for the server and the profile, without its secret where the keyring has that."""
        return Credentials().entry(self.place)

    def _urls(self) -> Iterator[Step]:
        yield _url_step("flag", "--url", given("url"))
        yield _url_step("environment", "KEYWRIGHT_URL", in_environment("KEYWRIGHT_URL"))
        if self.named.first:
            yield self._profile_step("profile", self.named.profile.url)
        yield self._project_step("project", None if self.project is None else self._known_url(self.project))
        if not self.named.first:
            yield self._profile_step("profile", self.named.profile.url)
        yield Step("default", "the address that servers have unless told", DEFAULT_URL)

    def _known_url(self, project: Project) -> str | None:
        """The address in a project file. Raises `Failed` for a server that the user has not named before."""
        url = project.url
        if url is None or url == DEFAULT_URL:
            return url
        of_profiles = {profile.url for profile in self.config.profiles.values()}
        if url not in of_profiles and url not in Credentials().servers():
            raise Failed(
                f"{printable(str(project.path))} names a server that is none of yours: {url}.",
                Exit.USAGE,
                f"If you trust it, log in to it once: keywright login --url {url}",
            )
        return url

    def _tenants(self) -> Iterator[Step]:
        yield Step("flag", "--tenant or --global", EVERYWHERE if given("global") else given("tenant") or None)
        yield Step("environment", "KEYWRIGHT_TENANT", in_environment("KEYWRIGHT_TENANT"))
        if self.named.first:
            yield self._tenant_of_profile()
        yield self._tenant_of_project()
        if not self.named.first:
            yield self._tenant_of_profile()

    def _tenant_of_profile(self) -> Step:
        applies = self.applies
        if applies is not self.named.profile and self.named.profile.tenant is not None:
            return self._profile_step("profile", None, f"it is for {self.named.profile.url}")
        return self._profile_step("profile", applies.tenant)

    def _tenant_of_project(self) -> Step:
        project = self.project
        if project is None or project.tenant is None:
            return self._project_step("project", None)
        server = self._server_of(project)
        if server not in {None, self.url}:
            return self._project_step("project", None, f"it is for {server}")
        return self._project_step("project", project.tenant)

    def _credentials(self) -> Iterator[Step]:
        flag = given("key")
        if flag:
            self.keep_from_project("--key")
            flag = Token(from_stdin("--key") if flag == "-" else flag)
        yield Step("flag", "--key", flag)
        variable = in_environment("KEYWRIGHT_API_KEY")
        if variable:
            self.keep_from_project("KEYWRIGHT_API_KEY")
        yield Step("environment", "KEYWRIGHT_API_KEY", None if variable is None else Token(variable))
        if self.named.first:
            yield self._key_of_profile()
        yield self._key_of_project()
        if not self.named.first:
            yield self._key_of_profile()
        yield from self._logins()

    def _key_of_profile(self) -> Step:
        profile = self.named.profile
        if profile.key is not None and profile.url != self.url:
            return self._profile_step("profile", None, f"its key is for {profile.url}")
        return self._profile_step("profile", profile.key)

    def _key_of_project(self) -> Step:
        project = self.project
        if project is None or project.key is None:
            return self._project_step("project", None)
        server = self._server_of(project)
        if server != self.url:
            return self._project_step(
                "project", None, f"its key is for {server or 'a profile that names no server'}"
            )
        return self._project_step("project", project.key)

    def _server_of(self, project: Project) -> str | None:
        """The server that a project file is for: the one that it names, or that of the profile that it names."""
        if project.url is not None or project.profile is None:
            return project.url
        return self.config.profile(project.profile, printable(str(project.path))).url

    def _logins(self) -> Iterator[Step]:
        saved, file = self.saved, str(Credentials().path)
        if saved is not None and saved.token is None:
            held = Credentials().token(self.place)
            yield Step("keyring", "the system's keyring", held, "it does not give the login")
        else:
            yield Step("keyring", "the system's keyring", None, "no login is kept there")
        token = None if saved is None else saved.token
        yield Step("login", file, token, f"no login for {self.place}")

    def _profile_step(self, place: Place, value: str | Token | None, why_not: str = "it names none") -> Step:
        return Step(place, f"profile {self.named.name} in {self.config.path}", value, why_not)

    def _project_step(self, place: Place, value: str | Token | None, why_not: str = "it names none") -> Step:
        if self.project is None:
            return Step(place, ".keywright.toml", None, "there is none" if self._with_project else "not read")
        return Step(place, str(self.project.path), value, why_not)


def chosen() -> Choice:
    """What this command goes by."""
    meta = click.get_current_context().meta
    if _META not in meta:
        meta[_META] = Choice()
    found: Choice = meta[_META]
    return found


def choose(*, project: bool = True, new_profile: bool = False) -> Choice:
    """Have this command go by another choice than others do."""
    made = click.get_current_context().meta[_META] = Choice(project=project, new_profile=new_profile)
    return made


def _url_step(place: Place, where: str, url: str | None) -> Step:
    try:
        return Step(place, where, normal_url(url) if url else None)
    except ValueError as error:
        raise Failed(f"{where}: {error}", Exit.USAGE) from None


def _token(step: Step) -> Token:
    assert isinstance(step.value, Token)  # noqa: S101 - steps of credentials give nothing else
    return step.value


def _until_found(steps: Iterable[Step]) -> list[Step]:
    """The steps up to the first that gives something, or all of them."""
    looked = []
    for step in steps:
        looked.append(step)
        if step.value is not None:
            break
    return looked
