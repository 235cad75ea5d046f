"""Pages for learners: their record, and the form to log what they learned."""
