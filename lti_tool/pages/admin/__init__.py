"""Pages for administrators of an agency."""
