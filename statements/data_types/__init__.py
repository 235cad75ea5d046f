"""The small values a statement is made of: identifiers, IRIs, timestamps, versions, exact JSON."""
