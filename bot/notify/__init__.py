"""Tells of a job's end elsewhere than in Slack: by mail, webhook, and whatever apprise reaches."""

from bot.notify.notifier import Notifier, Send, open_senders

__all__ = ["Notifier", "Send", "open_senders"]
