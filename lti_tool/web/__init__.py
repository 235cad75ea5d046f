"""What all pages need: sessions guarded, cookies, headers, limits."""
