"""A droplet's side of a job: it prepares the machine, runs the pipeline, and tells the bot.

    config     what the machine was told at its birth
    agent      the loop: work, courier, archive, self-destruct, watchdog
    work       prepares the machine, runs the pipeline, writes the event that nobody else could
    courier    brings events to the bot and its answers back, however long the bot is away
    spool      the events of events.jsonl, and which of them the bot has
    silence    notices a pipeline that hangs; systemd notices an agent that does (watchdog)
    clock      the bot's time, whatever the machine's clock says
    uploads    pictures, log and events to presigned addresses

It runs before anything is installed, with the standard library and `gpu.job` alone. It may be
killed at any moment and started again: events.jsonl says what was told, the lock of a child says
whether it still runs, and the bot says what it has.
"""
