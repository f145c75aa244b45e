"""The bot's side of gpu.job.messages: what the machines of jobs ask, and what they are answered.

A request goes through `gate` (who is it?), `models` (is it well formed?), `routes` (may it?), and
`reports` (write it down); `limits` and `commits` keep all of it small and fast.
"""

from bot.web.hooks.gate import Gate
from bot.web.hooks.routes import hooks_router

__all__ = ["Gate", "hooks_router"]
