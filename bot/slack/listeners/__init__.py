"""What Slack tells us: commands, buttons, dialogs, events. Each only writes an intent."""
