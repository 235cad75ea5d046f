"""The learning record: entries, summaries, decisions, tables of JP."""
