"""How long to wait before the next attempt: twice as long each time, with jitter.

The jitter keeps messages that failed together from coming back together.
Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

MOST_DOUBLINGS = 40


def wait_seconds(attempts: int, first: float, longest: float, jitter: float) -> float:
    """Seconds after so many attempts: between three quarters and the whole of the doubled time.

    `jitter` is a random number from 0 to 1.
    """
    doubled = first * 2.0 ** max(0, min(attempts - 1, MOST_DOUBLINGS))
    return float(min(doubled, longest) * (0.75 + 0.25 * jitter))
