"""From the log of statements to the learning record, in step with what is stored."""
