"""The addresses of LTI itself: login, launch, registration, deep linking."""
