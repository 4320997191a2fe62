"""What a tenant asks of its keys and people."""

from keywright.console.tenant_settings import renaming, settings

PAGES = (*settings.PAGES, *renaming.PAGES)
