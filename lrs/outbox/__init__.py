"""Messages on their way to other servers: kept until they arrive, visible while they wait.

Scores, mail, webhooks and forwarded statements are kinds of messages; each says how one is delivered.
"""
