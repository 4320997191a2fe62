"""Contember's tenant API, as the scenarios of all doors speak to it."""

from __future__ import annotations

from tests.dialects.contember.asking import DISABLE, Tenant, as_ours
from tests.dialects.speaker import Made, SpeakerBase


class Speaker(SpeakerBase):
    """An administrator's key of one project."""

    def prepare(self) -> None:
        self.keywright.tenant(self.tenant)
        self.api = Tenant(self.keywright, self.keywright.key(self.tenant, "admin")["token"])

    def make(self, label: str) -> Made:
        made = self.api.key(self.tenant, "read_only", description=label)
        return Made(made["id"], as_ours("key", made["id"]), made["token"])

    def accepts(self, token: str) -> bool:
        answer = Tenant(self.keywright, token).send("{ me { id } }")
        if answer.status_code == 200:
            return True
        assert answer.status_code == 401
        (error,) = answer.json()["errors"]
        assert list(error) == ["code", "message"]
        assert error["message"].startswith("Authorization failure: API key was ")
        return False

    def listed(self) -> dict[str, str]:
        query = (
            "query ($slug: String!) { projectBySlug(slug: $slug) { apiKeys "
            "{ id description type enabled createdAt lastUsedAt expiresAt identity { id description roles } } } }"
        )
        keys = self.api.ask(query, slug=self.tenant)["projectBySlug"]["apiKeys"]
        return {one["id"]: str(one) for one in keys}

    def stop(self, made: Made) -> None:
        assert self.try_to_stop(made)

    def try_to_stop(self, made: Made) -> bool:
        answer = self.api.ask(DISABLE, id=made.name)
        if not answer["ok"]:
            assert answer["error"]["code"] == "KEY_NOT_FOUND"
        return bool(answer["ok"])
