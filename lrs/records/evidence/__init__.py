"""Files that prove learning: photos and PDFs, kept for one person and named in the statements of entries."""
