"""Files of evidence: their page, their bytes, and the ways by which they are sent."""
