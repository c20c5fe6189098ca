"""The store as a setting of the components that use it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ghstream_store.database import store_url


def _checked(url: str) -> str:
    store_url(url)
    return url


StoreUrl = Annotated[
    str,
    AfterValidator(_checked),
    Field(
        alias="GHSTREAM_STORE_URL",
        repr=False,
        description="sqlite:////path/to/file.db or postgresql://user:password@host/database",
    ),
]
