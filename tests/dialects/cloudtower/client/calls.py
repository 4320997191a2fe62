"""What a script with cloudtower-sdk does, and what it saw; read are its address, a user, the password and a key."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from cloudtower import ApiClient, Configuration
from cloudtower.active_passive_client import ActivePassiveApiClient
from cloudtower.api.api_info_api import ApiInfoApi
from cloudtower.api.user_api import UserApi
from cloudtower.api.user_role_next_api import UserRoleNextApi
from cloudtower.api.vm_api import VmApi
from cloudtower.exceptions import ApiException, NotFoundException, UnauthorizedException
from cloudtower.models import (
    GetUserRoleNextsRequestBody,
    GetUsersConnectionRequestBody,
    GetUsersRequestBody,
    GetVmsRequestBody,
    UserOrderByInput,
    UserRoleNextWhereInput,
    UserRolePreset,
    UserSource,
    UserWhereInput,
)
from cloudtower.utils import login

if TYPE_CHECKING:
    from collections.abc import Callable

host, user, password, key = json.load(sys.stdin)


def client(token: str | None = None) -> ApiClient:
    made = ApiClient(Configuration(host=host))
    if token is not None:
        made.configuration.api_key["Authorization"] = token
    return made


def names(users: list[Any]) -> list[str]:
    return [one.username for one in users]


def refused(call: Callable[[], Any], kind: type[ApiException]) -> list[Any] | None:
    try:
        call()
    except kind as error:
        return [type(error).__name__, error.status, json.loads(error.body).get("code")]
    return None


logged_in = client()
login(logged_in, user, password)
by_ldap = client()
login(by_ldap, user, password, source=UserSource.LDAP)
named = UserWhereInput(_or=[UserWhereInput(username="ada"), UserWhereInput(username_starts_with="ri")])
found = {}
for way, one in {"token": logged_in, "ldap": by_ldap, "key": client(key)}.items():
    users = UserApi(one).get_users(GetUsersRequestBody(where=named, order_by=UserOrderByInput.USERNAME_DESC))
    found[way] = {
        "users": names(users),
        "first": names(UserApi(one).get_users(GetUsersRequestBody(where=named, first=1))),
        "roles": [role.name for role in users[0].roles],
        "count": UserApi(one)
        .get_users_connection(GetUsersConnectionRequestBody(where=named))
        .aggregate.count,
        "vms": VmApi(one).get_vms(GetVmsRequestBody(where={})),
        "me": UserApi(one).get_my_info().username,
        "presets": [
            [role.name, role.preset, role.actions]
            for role in UserRoleNextApi(one).get_user_role_nexts(
                GetUserRoleNextsRequestBody(where=UserRoleNextWhereInput(preset=UserRolePreset.ADMIN))
            )
        ],
    }
found["version"] = ApiInfoApi(client()).get_api_version()
found["wrong key"] = refused(
    lambda: VmApi(client("kw_wrong")).get_vms(GetVmsRequestBody(where={})), UnauthorizedException
)
found["no key"] = refused(lambda: UserApi(client()).get_users(GetUsersRequestBody()), UnauthorizedException)
found["wrong password"] = refused(lambda: login(client(), user, "wrong"), UnauthorizedException)
found["bad filter"] = refused(
    lambda: UserApi(logged_in).get_users({"where": {"shoe_size": "46"}}), ApiException
)
found["no such call"] = refused(
    lambda: logged_in.call_api("/get-llamas", "POST", body={}, auth_settings=["Authorization"]),
    NotFoundException,
)
scheme, _, place = host.partition("://")
pair = ActivePassiveApiClient(
    endpoints=[{"scheme": scheme, "root_url": place.removesuffix("/v2/api"), "api_path": "/v2/api"}],
    user_config={"name": user, "password": password, "source": "LOCAL"},
)
found["pair"] = VmApi(pair).get_vms(GetVmsRequestBody(where={}))
sys.stdout.write(json.dumps(found))
