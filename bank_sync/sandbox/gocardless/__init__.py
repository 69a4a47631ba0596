"""The GoCardless Bank Account Data protocol: REST, a short-lived app token, consent given on a page."""

from bank_sync.sandbox.gocardless.consent import routes as consent_routes
from bank_sync.sandbox.gocardless.limits import Limits
from bank_sync.sandbox.gocardless.routes import routes as api_routes

__all__ = ["Limits", "api_routes", "consent_routes"]
