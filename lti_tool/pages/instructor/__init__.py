"""Pages for who teaches a course: its cohort, and decisions about entries."""
