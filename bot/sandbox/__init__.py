"""A Slack-like workspace on one machine: for people without one, for demos, and for tests.

The bot does not know that it is not Slack: it speaks the Web API to `SLACK_API_URL`, and gets
signed commands, actions, submissions and events at its ordinary `/slack/events`.
"""
