"""The one guarded way out to other servers: where, how long and how much."""
