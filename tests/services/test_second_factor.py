"""Logging in with more than a password: codes, recovery codes and passkeys, and what is refused of each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from keywright.core.errors import (
    CodeReused,
    InvalidCode,
    InvalidCredentials,
    InvalidValue,
    KeywrightError,
    MissingField,
    PasskeyRefused,
    SecondFactorRequired,
    TooManyAttempts,
)
from keywright.services.factors import AppCode, PasskeyAnswer, RecoveryCode, chosen
from keywright.services.throttle import FREE_FROM_ADDRESS
from keywright.storage import schema
from tests.support.authenticator import PRESENT, VERIFIED, Authenticator
from tests.support.factors import answered, with_app, with_passkey
from tests.support.house import ORIGIN

if TYPE_CHECKING:
    from keywright.services.factors import Factor
    from keywright.services.sessions import LoggedIn
    from tests.support.factors import App
    from tests.support.house import House

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"
IP = "192.0.2.7"


@pytest.fixture
async def app(home: House) -> App:
    """The authenticator app of Anna, who has it on."""
    await home.person("anna", PASSWORD)
    return await with_app(home, await home.logged_in("anna", PASSWORD))


async def log_in(
    home: House,
    factor: Factor | None = None,
    login: str | None = "anna",
    password: str | None = PASSWORD,
    ip: str | None = IP,
) -> LoggedIn:
    return await home.services.log_in(login, password, factor=factor, ip=ip, request_id=None)


async def refusal(home: House, *args: Any, **kwargs: Any) -> KeywrightError:
    before = await sessions(home)
    with pytest.raises(KeywrightError) as caught:
        await log_in(home, *args, **kwargs)
    assert await sessions(home) == before
    return caught.value


async def sessions(home: House) -> int:
    async with home.database.reader.begin() as connection:
        return len((await connection.execute(select(schema.session.c.id))).all())


# A password alone


async def test_a_password_alone_is_told_what_else_is_needed(home: House, app: App) -> None:
    found = await refusal(home)
    assert isinstance(found, SecondFactorRequired)
    assert found.factors == ("totp", "recovery_code")
    assert found.extras == {"factors": ["totp", "recovery_code"]}
    anna = await home.services.log_in("anna", PASSWORD, factor=AppCode(app.code()), ip=None, request_id=None)
    await with_passkey(home, await home.caller(anna.token.reveal()))
    found = await refusal(home)
    assert isinstance(found, SecondFactorRequired)
    assert found.factors == ("totp", "recovery_code", "passkey")
    assert home.metric('keywright_logins_total{outcome="second_factor_required"}') == 2


async def test_a_wrong_password_is_told_nothing_of_factors(home: House, app: App) -> None:
    for factor in (None, AppCode(app.code()), RecoveryCode(app.recovery_codes[0])):
        assert isinstance(await refusal(home, factor, password="wrong"), InvalidCredentials)
        home.clock.advance(minutes=5)
    await log_in(home, AppCode(app.code()))
    assert (await log_in(home, RecoveryCode(app.recovery_codes[0]))).identity.name == "anna"


async def test_what_is_right_and_not_enough_neither_counts_nor_forgets(home: House, app: App) -> None:
    for _ in range(4):
        await refusal(home, AppCode(app.wrong_code()))
    for _ in range(10):
        assert isinstance(await refusal(home), SecondFactorRequired)
    assert isinstance(await refusal(home, AppCode(app.wrong_code())), InvalidCode)
    assert isinstance(await refusal(home), TooManyAttempts)


async def test_a_factor_of_a_passkey_alone_is_asked_for_too(home: House) -> None:
    await home.person("anna", PASSWORD)
    await with_passkey(home, await home.logged_in("anna", PASSWORD))
    found = await refusal(home)
    assert isinstance(found, SecondFactorRequired)
    assert found.factors == ("passkey",)


# Codes of an app


async def test_a_code_completes_the_login(home: House, app: App) -> None:
    made = await log_in(home, AppCode(app.code()))
    assert (made.session.proofs, made.session.two_factor) == (("password", "totp"), True)
    assert (await home.trail(None))[0].changes["proofs"].after == ["password", "totp"]


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, False), (0, True), (1, True), (2, False)])
async def test_a_code_is_right_for_a_step_around_now_if_none_later_was_used(
    home: House, app: App, steps: int, right: bool
) -> None:
    """The step before was spent when the app was turned on."""
    code = app.code(steps=steps)
    if right:
        assert (await log_in(home, AppCode(code))).session.two_factor
    else:
        found = await refusal(home, AppCode(code))
        assert isinstance(found, CodeReused if steps == -1 else InvalidCode)
        assert found.field == "code"


async def test_no_code_is_accepted_twice_nor_one_before_it(home: House, app: App) -> None:
    home.clock.advance(minutes=5)
    early, code = app.code(steps=-1), app.code()
    await log_in(home, AppCode(code))
    for again in (code, early):
        assert isinstance(await refusal(home, AppCode(again)), CodeReused)
    home.clock.advance(seconds=30)
    assert isinstance(await refusal(home, AppCode(code)), CodeReused)
    await log_in(home, AppCode(app.code()))
    home.clock.advance(seconds=60)
    assert isinstance(await refusal(home, AppCode(code)), InvalidCode)


async def test_of_many_at_once_with_the_same_code_one_is_let_in(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    app = await with_app(home, await home.logged_in("anna", PASSWORD))
    before = await sessions(home)
    found = await asyncio.gather(
        *(log_in(home, AppCode(app.code()), ip=None) for _ in range(4)), return_exceptions=True
    )
    assert [type(one) for one in found].count(CodeReused) == 3
    assert await sessions(home) == before + 1


async def test_wrong_codes_are_limited_like_wrong_passwords(home: House, app: App) -> None:
    for number in range(5):
        found = await refusal(home, AppCode(app.wrong_code()), ip=f"192.0.2.{number}")
        assert isinstance(found, InvalidCode)
    held = await refusal(home, AppCode(app.code()), ip="192.0.2.99")
    assert isinstance(held, TooManyAttempts)
    assert isinstance(await refusal(home, password="wrong", ip="192.0.2.98"), TooManyAttempts)
    home.clock.advance(seconds=1)
    await log_in(home, AppCode(app.code()), ip="192.0.2.99")
    for number in range(5):
        assert isinstance(
            await refusal(home, AppCode(app.wrong_code()), ip=f"198.51.100.{number}"), InvalidCode
        )


async def test_used_codes_are_limited_too(home: House, app: App) -> None:
    await log_in(home, AppCode(app.code()))
    for _ in range(5):
        assert isinstance(await refusal(home, AppCode(app.code())), CodeReused)
    assert isinstance(await refusal(home, AppCode(app.code())), TooManyAttempts)


async def test_guesses_of_codes_at_once_are_held_back_like_guesses_in_turn(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    app = await with_app(home, await home.logged_in("anna", PASSWORD))
    found = await asyncio.gather(
        *(log_in(home, AppCode(app.wrong_code()), ip=None) for _ in range(12)), return_exceptions=True
    )
    kinds = [type(one) for one in found]
    assert (kinds.count(InvalidCode), kinds.count(TooManyAttempts)) == (5, 7)


async def test_a_code_where_no_app_is_on_is_wrong(home: House) -> None:
    await home.person("anna", PASSWORD)
    assert isinstance(await refusal(home, AppCode("123456")), InvalidCode)
    assert isinstance(await refusal(home, RecoveryCode("aaaa-bbbb-cccc-dddd")), InvalidCode)


# Recovery codes


async def test_a_recovery_code_completes_one_login(home: House, app: App) -> None:
    code = app.recovery_codes[3]
    made = await log_in(home, RecoveryCode(f" {code.upper().replace('-', ' ')} "))
    assert (made.session.proofs, made.session.two_factor) == (("password", "recovery_code"), True)
    found = await refusal(home, RecoveryCode(code))
    assert (type(found), found.field) == (CodeReused, "recovery_code")
    found = await refusal(home, RecoveryCode("aaaa-bbbb-cccc-dddd"))
    assert (type(found), found.field) == (InvalidCode, "recovery_code")
    await log_in(home, RecoveryCode(app.recovery_codes[4]))


async def test_who_has_used_all_recovery_codes_is_not_told_of_them(home: House, app: App) -> None:
    for code in app.recovery_codes:
        await log_in(home, RecoveryCode(code))
    found = await refusal(home)
    assert isinstance(found, SecondFactorRequired)
    assert found.factors == ("totp",)


async def test_of_many_at_once_with_the_same_recovery_code_one_is_let_in(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    app = await with_app(home, await home.logged_in("anna", PASSWORD))
    found = await asyncio.gather(
        *(log_in(home, RecoveryCode(app.recovery_codes[0]), ip=None) for _ in range(4)),
        return_exceptions=True,
    )
    assert [type(one) for one in found].count(CodeReused) == 3


async def test_the_codes_of_others_are_wrong(home: House, app: App) -> None:
    await home.person("berta", PASSWORD)
    theirs = await with_app(home, await home.logged_in("berta", PASSWORD))
    assert isinstance(await refusal(home, RecoveryCode(theirs.recovery_codes[0])), InvalidCode)
    assert isinstance(await refusal(home, AppCode(theirs.code())), InvalidCode)
    await log_in(home, RecoveryCode(theirs.recovery_codes[0]), login="berta")
    assert app.recovery_codes != theirs.recovery_codes


# Passkeys


@pytest.fixture
async def device(home: House) -> Authenticator:
    """The device of Anna, who has registered it."""
    await home.person("anna", PASSWORD)
    return (await with_passkey(home, await home.logged_in("anna", PASSWORD)))[0]


async def test_a_passkey_is_a_login_by_itself(home: House, device: Authenticator) -> None:
    made = await log_in(home, await answered(home, device, IP), login=None, password=None)
    assert made.identity.name == "anna"
    assert (made.session.proofs, made.session.two_factor) == (("passkey",), True)
    async with home.database.reader.begin() as connection:
        row = (await connection.execute(select(schema.passkey))).mappings().one()
    assert (row["sign_count"], row["last_used_at"]) == (2, home.clock.now())


async def test_a_passkey_completes_a_password(home: House, device: Authenticator) -> None:
    made = await log_in(home, await answered(home, device))
    assert (made.session.proofs, made.session.two_factor) == (("password", "passkey"), True)


async def test_a_passkey_goes_with_its_persons_name(home: House, device: Authenticator) -> None:
    await home.person("berta", PASSWORD)
    assert (await log_in(home, await answered(home, device), "ANNA", None)).identity.name == "anna"
    for login in ("berta", "nobody"):
        found = await refusal(home, await answered(home, device), login, None)
        assert isinstance(found, PasskeyRefused)
    assert isinstance(await refusal(home, await answered(home, device), "berta"), PasskeyRefused)


async def test_challenges_are_the_same_for_everybody(home: House, device: Authenticator) -> None:
    assert device.user_handle != b"anna"
    options = (await home.services.passkey_options(ip=None)).options
    assert options.pop("challenge")
    assert options == {
        "timeout": 300_000,
        "rpId": "keys.example.com",
        "allowCredentials": [],
        "userVerification": "required",
    }


def _in_the_name_of(device: Authenticator, options: Any) -> Any:
    forger = Authenticator(ORIGIN)
    forger.credential_id, forger.user_handle, forger.sign_count = device.credential_id, device.user_handle, 9
    return forger.get(options)


def _with(credential: dict[str, Any], **response: Any) -> dict[str, Any]:
    return {**credential, "response": {**credential["response"], **response}}


FORGED: dict[str, Any] = {
    "another origin": lambda device, options: device.get(options, origin="https://keys.example.org"),
    "another challenge": lambda device, options: device.get({**options, "challenge": "AAAA"}),
    "another relying party": lambda device, options: device.get({**options, "rpId": "example.com"}),
    "a registration's answer": lambda device, options: device.get(options, type="webauthn.create"),
    "nobody verified": lambda device, options: device.get(options, flags=PRESENT),
    "nobody present": lambda device, options: device.get(options, flags=VERIFIED),
    "another person": lambda device, options: device.get(options, user_handle=b"idn_other"),
    "an unknown credential": lambda _device, options: Authenticator(ORIGIN).get(options),
    "signed by another key": _in_the_name_of,
    "a signature of something else": lambda device, options: _with(
        device.get(options), signature=device.get(options)["response"]["signature"]
    ),
    "no signature": lambda device, options: _with(device.get(options), signature=""),
    "a signature that is no text": lambda device, options: _with(device.get(options), signature=7),
    "no data": lambda device, options: _with(device.get(options), authenticatorData="AAAA"),
    "a handle that is no text": lambda device, options: _with(device.get(options), userHandle=7),
    "two ids": lambda device, options: {**device.get(options), "id": "AAAA"},
    "nothing at all": lambda _device, _options: {},
}


@pytest.mark.parametrize("password", [None, PASSWORD], ids=["alone", "with password"])
@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_answer_is_refused(
    home: House, device: Authenticator, name: str, password: str | None
) -> None:
    options = (await home.services.passkey_options(ip=IP)).options
    forged = PasskeyAnswer(FORGED[name](device, options))
    found = await refusal(home, forged, None if password is None else "anna", password)
    assert (type(found), found.detail) == (
        PasskeyRefused,
        "The passkey's answer does not hold. Ask for a new challenge and try again.",
    )
    assert home.metric('keywright_logins_total{outcome="passkey_refused"}') == 1


async def test_an_answer_is_taken_once_and_in_time(home: House, device: Authenticator) -> None:
    once = await answered(home, device)
    await log_in(home, once, None, None)
    assert isinstance(await refusal(home, once, None, None), PasskeyRefused)
    spoilt = (await home.services.passkey_options(ip=IP)).options
    await refusal(home, PasskeyAnswer(device.get(spoilt, flags=PRESENT)), None, None)
    assert isinstance(await refusal(home, PasskeyAnswer(device.get(spoilt)), None, None), PasskeyRefused)
    late = await answered(home, device)
    home.clock.advance(minutes=5)
    assert isinstance(await refusal(home, late, None, None), PasskeyRefused)


async def test_of_many_at_once_with_the_same_answer_one_is_let_in(each_home: House) -> None:
    home = each_home
    await home.person("anna", PASSWORD)
    device, _ = await with_passkey(home, await home.logged_in("anna", PASSWORD))
    answer = await answered(home, device)
    found = await asyncio.gather(
        *(log_in(home, answer, None, None, None) for _ in range(4)), return_exceptions=True
    )
    assert [type(one) for one in found].count(PasskeyRefused) == 3


async def test_the_copy_of_a_device_is_noticed_by_its_count(home: House, device: Authenticator) -> None:
    for _ in range(3):
        await log_in(home, await answered(home, device), None, None)
    device.sign_count -= 2
    assert isinstance(await refusal(home, await answered(home, device), None, None), PasskeyRefused)
    device.counts, device.sign_count = False, 0
    assert isinstance(await refusal(home, await answered(home, device), None, None), PasskeyRefused)


async def test_a_device_need_not_count(home: House) -> None:
    await home.person("anna", PASSWORD)
    device, _ = await with_passkey(home, await home.logged_in("anna", PASSWORD), counts=False)
    for _ in range(3):
        await log_in(home, await answered(home, device), None, None)


async def test_the_passkey_of_who_is_disabled_or_gone_is_refused(home: House, device: Authenticator) -> None:
    idn = device.user_handle.decode()
    await home.disable(idn)
    assert isinstance(await refusal(home, await answered(home, device), None, None), PasskeyRefused)
    assert isinstance(await refusal(home, await answered(home, device)), InvalidCredentials)
    await home.disable(idn, active=True)
    await log_in(home, await answered(home, device), None, None)
    gone = update(schema.identity).where(schema.identity.c.id == idn).values(deleted_at=home.clock.now())
    async with home.database.writer.begin() as connection:
        await connection.execute(gone)
    assert isinstance(await refusal(home, await answered(home, device), None, None), PasskeyRefused)


async def test_forged_answers_are_limited_by_their_address(home: House, device: Authenticator) -> None:
    def forged(options: Any) -> PasskeyAnswer:
        return PasskeyAnswer(device.get(options, flags=PRESENT))

    for _ in range(FREE_FROM_ADDRESS):
        options = (await home.services.passkey_options(ip=None)).options
        assert isinstance(await refusal(home, forged(options), None, None), PasskeyRefused)
    options = (await home.services.passkey_options(ip=None)).options
    assert isinstance(await refusal(home, PasskeyAnswer(device.get(options)), None, None), TooManyAttempts)
    with pytest.raises(TooManyAttempts):
        await home.services.passkey_options(ip=IP)
    # The challenge was not looked at, and the device may answer it from elsewhere.
    await log_in(home, PasskeyAnswer(device.get(options)), None, None, "198.51.100.1")


async def test_an_address_that_answers_no_challenge_gets_no_more_of_them(
    home: House, device: Authenticator
) -> None:
    for _ in range(99):
        await home.services.passkey_options(ip=IP)
    await log_in(home, await answered(home, device, IP), None, None)
    for _ in range(100):
        await home.services.passkey_options(ip=IP)
    with pytest.raises(TooManyAttempts) as held:
        await home.services.passkey_options(ip=IP)
    assert held.value.retry_after == 1
    await home.services.passkey_options(ip="198.51.100.1")


# What is shown


async def test_a_login_needs_something_to_show(home: House) -> None:
    for login, password, factor, field in (
        (None, None, None, "password"),
        ("anna", None, None, "password"),
        ("anna", None, AppCode("123456"), "password"),
        (None, PASSWORD, None, "login"),
        (None, PASSWORD, PasskeyAnswer({}), "login"),
    ):
        found = await refusal(home, factor, login, password)
        assert (type(found), found.field) == (MissingField, field)


def test_one_second_factor_is_chosen() -> None:
    assert chosen() is None
    assert chosen(code="1") == AppCode("1")
    assert chosen(recovery_code="1") == RecoveryCode("1")
    assert chosen(passkey={"a": 1}) == PasskeyAnswer({"a": 1})
    for two in ({"code": "1", "recovery_code": "2"}, {"code": "1", "passkey": {}}):
        with pytest.raises(InvalidValue) as refused:
            chosen(**two)  # type: ignore[arg-type] # each of its own type
        assert refused.value.field == list(two)[1]


def test_what_is_shown_is_not_told() -> None:
    assert "1234" not in repr((AppCode("1234"), RecoveryCode("1234"), PasskeyAnswer({"a": "1234"})))
