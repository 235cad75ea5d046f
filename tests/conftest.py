"""Settings that hold for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A time limit per example says more about the machine than about the code; tests that mean time measure it.
settings.register_profile("jejak", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("jejak")
