"""What an xAPI statement is: pure functions, no I/O, no clock, no random."""
