"""Who is behind the identifiers, and who is not known yet."""
