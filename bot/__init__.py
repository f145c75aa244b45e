"""The Slack bot: claims a slot, starts a job, tells what happens, cleans up."""
