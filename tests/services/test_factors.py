"""Second factors: setting them up, seeing which there are, and taking them away."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import delete, func, select

from keywright.core.audit import Change
from keywright.core.errors import (
    FactorExists,
    FreshLoginRequired,
    IllegalTransition,
    InvalidCode,
    InvalidValue,
    NotFound,
    PasskeyRefused,
    PermissionDenied,
)
from keywright.core.tokens import digest
from keywright.services.factors import (
    FirstCode,
    NewPasskey,
    PasskeyId,
    PasskeyName,
    add_passkey,
    begin_passkey,
    begin_totp,
    codes,
    confirm_totp,
    list_factors,
    remove_passkey,
    remove_totp,
    rename_passkey,
    renew_recovery_codes,
)
from keywright.services.factors.passkeys import MAX_PASSKEYS
from keywright.storage import schema
from tests.support.authenticator import PRESENT, VERIFIED, Authenticator, from_b64url
from tests.support.factors import App, answered, with_app, with_passkey
from tests.support.house import ORIGIN

if TYPE_CHECKING:
    from keywright.services.callers import Caller
    from tests.support.house import House

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"
CHANGES: list[tuple[Any, Any]] = [
    (begin_totp, None),
    (confirm_totp, FirstCode("123456")),
    (remove_totp, None),
    (renew_recovery_codes, None),
    (begin_passkey, None),
    (add_passkey, NewPasskey("Laptop", {"response": {"clientDataJSON": "e30"}})),
    (rename_passkey, PasskeyName("pky_absent", "Laptop")),
    (remove_passkey, PasskeyId("pky_absent")),
]


@pytest.fixture
async def anna(home: House) -> Caller:
    """Somebody who has just logged in."""
    await home.person("anna", PASSWORD)
    return await home.logged_in("anna", PASSWORD)


async def rows(home: House, table: Any) -> list[Any]:
    async with home.database.reader.begin() as connection:
        return list((await connection.execute(select(table))).mappings())


async def last_entry(home: House) -> Any:
    return (await home.trail(None))[0]


# Whose they are


@pytest.mark.parametrize(("use", "data"), CHANGES, ids=[use.name for use, _ in CHANGES])
async def test_a_key_has_no_factors_to_change(home: House, use: Any, data: Any) -> None:
    person = await home.person("anna", PASSWORD)
    key = await home.caller(await home.key(None, person))
    with pytest.raises(PermissionDenied):
        await home.run(use, key, data)
    with pytest.raises(PermissionDenied):
        await home.run(list_factors, key, None)
    assert await home.count_entries() == 0


@pytest.mark.parametrize(("use", "data"), CHANGES, ids=[use.name for use, _ in CHANGES])
async def test_a_change_asks_for_a_recent_login(home: House, anna: Caller, use: Any, data: Any) -> None:
    home.clock.advance(minutes=10, seconds=1)
    before = await home.count_entries()
    with pytest.raises(FreshLoginRequired if use is not add_passkey else PasskeyRefused):
        await home.run(use, anna, data)
    assert await home.count_entries() == before


async def test_adding_a_passkey_asks_for_a_recent_login(home: House, anna: Caller) -> None:
    home.clock.advance(minutes=9)
    begun = await home.run(begin_passkey, anna, None)
    home.clock.advance(minutes=2)
    credential = Authenticator(ORIGIN).create(begun.options)
    with pytest.raises(FreshLoginRequired):
        await home.run(add_passkey, anna, NewPasskey("Laptop", credential))
    assert await rows(home, schema.passkey) == []


async def test_who_was_deleted_meanwhile_changes_nothing(home: House, anna: Caller) -> None:
    async with home.database.writer.begin() as connection:
        await connection.execute(delete(schema.person))
    with pytest.raises(PermissionDenied):
        await home.run(begin_totp, anna, None)


# Authenticator apps


async def test_an_app_is_on_once_a_code_of_it_was_shown(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    anna = await home.logged_in("anna", PASSWORD)
    begun = await home.run(begin_totp, anna, None)
    assert (await home.run(list_factors, anna, None)).totp_since is None
    entry = await last_entry(home)
    assert (entry.action, entry.target_id) == ("factor.begin", anna.identity.id)
    assert entry.changes == {"factor": Change(None, "totp")}

    app = App(home, begun.secret.reveal())
    home.clock.advance(seconds=5)
    confirmed = await home.run(confirm_totp, anna, FirstCode(f" {app.code()[:3]} {app.code()[3:]} "))
    assert len(confirmed.recovery_codes) == 10
    factors = await home.run(list_factors, anna, None)
    assert factors.totp_since == home.clock.now()
    assert (factors.recovery_codes_left, factors.passkeys) == (10, ())
    entry = await last_entry(home)
    assert (entry.action, entry.changes) == ("factor.add", {"factor": Change(None, "totp")})


async def test_an_app_is_given_its_secret_in_three_forms(home: House, anna: Caller) -> None:
    begun = await home.run(begin_totp, anna, None)
    secret = begun.secret.reveal()
    assert len(secret) == 32
    address = urlsplit(begun.uri.reveal())
    assert (address.scheme, address.netloc, address.path) == ("otpauth", "totp", "/Keywright:anna")
    assert parse_qs(address.query) == {"secret": [secret], "issuer": ["Keywright"]}
    assert begun.qr_code.reveal().startswith("<svg xmlns=")
    assert secret not in repr(begun)


async def test_beginning_again_makes_a_new_secret_until_one_is_confirmed(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    anna = await home.logged_in("anna", PASSWORD)
    first, second = [(await home.run(begin_totp, anna, None)).secret.reveal() for _ in range(2)]
    assert first != second
    with pytest.raises(InvalidCode):
        await home.run(confirm_totp, anna, FirstCode(App(home, first).code()))
    await home.run(confirm_totp, anna, FirstCode(App(home, second).code()))
    with pytest.raises(FactorExists):
        await home.run(begin_totp, anna, None)
    with pytest.raises(FactorExists):
        await home.run(confirm_totp, anna, FirstCode(App(home, second).code(steps=1)))
    (row,) = await rows(home, schema.totp)
    assert row["secret"] == second


async def test_of_many_first_codes_at_once_one_is_accepted(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    anna = await home.logged_in("anna", PASSWORD)
    app = App(home, (await home.run(begin_totp, anna, None)).secret.reveal())
    found = await asyncio.gather(
        *(home.run(confirm_totp, anna, FirstCode(app.code())) for _ in range(5)), return_exceptions=True
    )
    assert [type(one) for one in found].count(FactorExists) == 4
    assert len(await rows(home, schema.recovery_code)) == 10


async def test_what_is_not_set_up_is_neither_confirmed_nor_removed(home: House, anna: Caller) -> None:
    for use, data in ((confirm_totp, FirstCode("123456")), (remove_totp, None), (renew_recovery_codes, None)):
        with pytest.raises(NotFound):
            await home.run(use, anna, data)  # type: ignore[arg-type] # each with its own input


async def test_with_the_last_factor_go_the_recovery_codes(home: House, anna: Caller) -> None:
    await with_app(home, anna)
    await with_passkey(home, anna)
    await home.run(remove_totp, anna, None)
    entry = await last_entry(home)
    assert (entry.action, entry.changes) == ("factor.remove", {"factor": Change("totp", None)})
    factors = await home.run(list_factors, anna, None)
    assert (factors.totp_since, factors.recovery_codes_left) == (None, 10)
    await home.run(remove_passkey, anna, PasskeyId(factors.passkeys[0].id))
    assert await rows(home, schema.recovery_code) == []


@pytest.mark.parametrize(
    "code",
    [
        "",
        "12345",
        "1234567",
        "abcdef",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "12345\u0663",
        "-12345",
        "1" * 10_000,
        "\ud800",
    ],
)
async def test_what_cannot_be_a_code_is_none(home: House, anna: Caller, code: str) -> None:
    begun = await home.run(begin_totp, anna, None)
    assert codes.step_of(begun.secret.reveal(), code, home.clock.now()) is None


def test_the_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, cut to six digits."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for seconds, code in ((1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")):
        at = datetime.fromtimestamp(seconds, UTC)
        step = seconds // 30
        assert codes.step_of(secret, code, at) == step
        for off, found in ((-60, None), (-30, step), (30, step), (60, None)):
            assert codes.step_of(secret, code, at + timedelta(seconds=off)) == found


# Recovery codes


async def test_recovery_codes_are_stored_as_digests(home: House, anna: Caller) -> None:
    app = await with_app(home, anna)
    assert len(set(app.recovery_codes)) == 10
    for code in app.recovery_codes:
        assert [len(part) for part in code.split("-")] == [4] * 4
    stored = {row["digest"] for row in await rows(home, schema.recovery_code)}
    assert stored == {digest(code.replace("-", "")) for code in app.recovery_codes}


async def test_new_recovery_codes_replace_the_old_ones(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    anna = await home.logged_in("anna", PASSWORD)
    old = await with_app(home, anna)
    many = await asyncio.gather(*(home.run(renew_recovery_codes, anna, None) for _ in range(3)))
    stored = {row["digest"] for row in await rows(home, schema.recovery_code)}
    assert len(stored) == 10
    made = [{codes.recovery_digest(one.reveal()) for one in new.recovery_codes} for new in many]
    assert stored in made
    assert not stored & {codes.recovery_digest(one) for one in old.recovery_codes}
    assert (await last_entry(home)).action == "factor.renew"
    assert old.recovery_codes[0] not in repr(many)


async def test_who_has_codes_left_is_given_no_others(home: House, anna: Caller) -> None:
    await with_passkey(home, anna)
    await home.run(renew_recovery_codes, anna, None)
    assert (await with_app(home, anna)).recovery_codes == ()
    assert (await home.run(list_factors, anna, None)).recovery_codes_left == 10


# Passkeys


async def test_a_device_is_registered_under_a_name(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    anna = await home.logged_in("anna", PASSWORD)
    begun = await home.run(begin_passkey, anna, None)
    assert begun.expires_at == home.clock.now() + timedelta(minutes=5)
    options = json.loads(json.dumps(begun.options))
    assert options["rp"] == {"name": "Keywright", "id": "keys.example.com"}
    assert from_b64url(options["user"]["id"]) == anna.identity.id.encode()
    assert (options["user"]["name"], options["attestation"]) == ("anna", "none")
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert len(from_b64url(options["challenge"])) == 32

    device = Authenticator(ORIGIN)
    added = await home.run(add_passkey, anna, NewPasskey(" Laptop ", device.create(options)))
    assert (added.name, added.credential_id) == ("Laptop", device.credential_id)
    assert (added.sign_count, added.transports) == (1, ("hybrid", "internal"))
    assert (await home.run(list_factors, anna, None)).passkeys == (added,)
    entry = await last_entry(home)
    assert (entry.action, entry.target_type, entry.target_id) == ("factor.add", "passkey", added.id)
    assert entry.changes == {"factor": Change(None, "passkey"), "name": Change(None, "Laptop")}
    excluded = (await home.run(begin_passkey, anna, None)).options["excludeCredentials"]
    assert [from_b64url(one["id"]) for one in excluded] == [device.credential_id]
    assert excluded[0]["transports"] == ["hybrid", "internal"]


async def test_a_passkey_is_renamed_and_removed_by_its_person_alone(home: House, anna: Caller) -> None:
    _, passkey = await with_passkey(home, anna)
    await home.person("berta", PASSWORD)
    berta = await home.logged_in("berta", PASSWORD)
    for caller, wanted in ((berta, passkey.id), (anna, "pky_absent")):
        with pytest.raises(NotFound):
            await home.run(rename_passkey, caller, PasskeyName(wanted, "Mine"))
        with pytest.raises(NotFound):
            await home.run(remove_passkey, caller, PasskeyId(wanted))
    renamed = await home.run(rename_passkey, anna, PasskeyName(passkey.id, "Desk"))
    assert renamed.name == "Desk"
    assert (await last_entry(home)).changes == {"name": Change("Laptop", "Desk")}
    with pytest.raises(InvalidValue):
        await home.run(rename_passkey, anna, PasskeyName(passkey.id, " "))
    await home.run(remove_passkey, anna, PasskeyId(passkey.id))
    assert (await last_entry(home)).action == "factor.remove"
    assert (await home.run(list_factors, anna, None)).passkeys == ()


async def test_a_credential_is_registered_once(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    await home.person("berta", PASSWORD)
    berta, anna = [await home.logged_in(login, PASSWORD) for login in ("berta", "anna")]
    device, _ = await with_passkey(home, anna)
    for caller in (anna, berta):
        begun = await home.run(begin_passkey, caller, None)
        with pytest.raises(FactorExists):
            await home.run(add_passkey, caller, NewPasskey("Laptop", device.create(begun.options)))
    assert len(await rows(home, schema.passkey)) == 1


async def test_a_person_has_at_most_twenty_passkeys(home: House, anna: Caller) -> None:
    begun = await home.run(begin_passkey, anna, None)
    for number in range(MAX_PASSKEYS):
        await with_passkey(home, anna, f"Device {number}")
    with pytest.raises(IllegalTransition):
        await home.run(begin_passkey, anna, None)
    late = Authenticator(ORIGIN).create(begun.options)
    with pytest.raises(IllegalTransition):
        await home.run(add_passkey, anna, NewPasskey("One more", late))
    assert len(await rows(home, schema.passkey)) == MAX_PASSKEYS


def _with_long_id(device: Authenticator, options: Any) -> Any:
    device.credential_id = b"x" * 1024
    return device.create(options)


FORGED: dict[str, Any] = {
    "another origin": lambda device, options: device.create(options, origin="https://keys.example.org"),
    "a page in between": lambda device, options: device.create(options, origin=f"{ORIGIN}:8443"),
    "a challenge of its own": lambda device, options: device.create({**options, "challenge": "AAAA"}),
    "another relying party": lambda device, options: device.create({**options, "rp": {"id": "example.com"}}),
    "nobody verified": lambda device, options: device.create(options, flags=PRESENT),
    "nobody present": lambda device, options: device.create(options, flags=VERIFIED),
    "a login's answer": lambda device, options: device.get({**options, "rpId": options["rp"]["id"]}),
    "the wrong type": lambda device, options: device.create(options, type="webauthn.get"),
    "nothing at all": lambda _device, _options: {},
    "no object": lambda _device, _options: {"response": 3},
    "a challenge that is no text": lambda device, options: device.create(options, challenge=7),
    "an id too long": _with_long_id,
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_registration_is_refused_and_spends_its_challenge(
    home: House, anna: Caller, name: str
) -> None:
    options = (await home.run(begin_passkey, anna, None)).options
    before = await home.count_entries()
    with pytest.raises(PasskeyRefused) as refused:
        await home.run(add_passkey, anna, NewPasskey("Laptop", FORGED[name](Authenticator(ORIGIN), options)))
    assert refused.value.detail.startswith("The passkey's answer does not hold.")
    assert await rows(home, schema.passkey) == []
    assert await home.count_entries() == before


async def test_a_challenge_is_answered_once_by_whom_it_was_given_to_and_in_time(
    home: House, anna: Caller
) -> None:
    await home.person("berta", PASSWORD)
    berta = await home.logged_in("berta", PASSWORD)

    async def refused(caller: Caller, credential: Any) -> None:
        with pytest.raises(PasskeyRefused):
            await home.run(add_passkey, caller, NewPasskey("Laptop", credential))

    once = Authenticator(ORIGIN).create((await home.run(begin_passkey, anna, None)).options)
    await home.run(add_passkey, anna, NewPasskey("Laptop", once))
    await refused(anna, once)
    await refused(berta, Authenticator(ORIGIN).create((await home.run(begin_passkey, anna, None)).options))
    of_a_login = (await home.services.passkey_options(ip=None)).options
    mixed = {**(await home.run(begin_passkey, anna, None)).options, "challenge": of_a_login["challenge"]}
    await refused(anna, Authenticator(ORIGIN).create(mixed))
    late = Authenticator(ORIGIN).create((await home.run(begin_passkey, anna, None)).options)
    home.clock.advance(minutes=5)
    await refused(anna, late)
    assert len(await rows(home, schema.passkey)) == 1


async def test_a_sweep_forgets_challenges_that_were_not_answered_in_time(home: House, anna: Caller) -> None:
    await home.run(begin_passkey, anna, None)
    home.clock.advance(minutes=4)
    await home.services.passkey_options(ip=None)
    home.clock.advance(minutes=1, seconds=1)
    await home.upkeep.sweep(timedelta(0))
    async with home.database.reader.begin() as connection:
        left = (await connection.execute(select(func.count()).select_from(schema.challenge))).scalar_one()
    assert left == 1


async def test_nothing_that_is_shown_of_factors_is_secret(home: House, anna: Caller) -> None:
    app = await with_app(home, anna)
    device, _ = await with_passkey(home, anna)
    answer = await answered(home, device)
    text = repr((await home.run(list_factors, anna, None), await home.trail(None), answer))
    for secret in (app.secret, *app.recovery_codes, answer.credential["response"]["signature"]):
        assert secret not in text
