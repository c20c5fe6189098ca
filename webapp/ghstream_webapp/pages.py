"""The pages that people look at."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, render_template

from ghstream_webapp.openapi import text
from ghstream_webapp.services import services

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def dashboard() -> str:
    """Show the dashboard."""
    return render_template("dashboard.html", settings=services().settings)


@blueprint.get("/docs")
def docs() -> str:
    """Show the API's documentation."""
    return render_template("docs.html")


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Describe the API."""
    return Response(text(current_app), content_type="application/json")
