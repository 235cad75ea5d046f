"""Pages of whoever decides about entries: in their own launch, or by a link without an account."""
