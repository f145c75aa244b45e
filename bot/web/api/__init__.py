"""Jobs without Slack: `POST /api/jobs`, `GET /api/jobs/<job>`, and its model.

A request goes through `gate` (whose token is it, and not too often?) before anything of it is
read, then `routes`.
"""

from bot.web.api.gate import KeyGate, Keys
from bot.web.api.routes import api_router

__all__ = ["KeyGate", "Keys", "api_router"]
