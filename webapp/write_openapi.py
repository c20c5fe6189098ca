"""Writes the committed OpenAPI document anew."""

from pathlib import Path

from ghstream_webapp import create_app
from ghstream_webapp.openapi import text
from ghstream_webapp.settings import from_env

if __name__ == "__main__":
    app = create_app(from_env({"GHSTREAM_STORE_URL": "sqlite:////dev/null"}))
    Path(__file__).with_name("openapi.json").write_text(text(app))
