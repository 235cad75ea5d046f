"""What a valid statement is: one table of rules, compiled once, that finds every error."""
