"""What is shown: dashboard, REST API and live feed."""

from __future__ import annotations

from flask import Flask
from ghstream_store.reader import Reader

from ghstream_webapp import api, health, metrics, pages, problems, security
from ghstream_webapp.api.status import newer_status
from ghstream_webapp.live import Feed
from ghstream_webapp.services import EXTENSION, Services
from ghstream_webapp.settings import Settings

_POLL_SECONDS = 0.5


def create_app(settings: Settings) -> Flask:
    """Return the application. The store need not be there yet."""
    app = Flask(__name__)
    reader = Reader(settings.store_url)
    feed = Feed(newer_status(reader, settings), _POLL_SECONDS, settings.max_streams)
    app.extensions[EXTENSION] = Services(settings, reader, feed, metrics.register(app, feed))
    problems.register_handlers(app)
    security.register(app)
    for blueprint in (pages.blueprint, health.blueprint, *api.BLUEPRINTS):
        app.register_blueprint(blueprint)
    return app
