"""The 70-20-10 profile: its words, its table of forms and JP, and how statements are built with them.

The table is data (`tables/`), versioned and provisional: to be confirmed by LAN. An agency may lay its own
decisions over it; see `statements.profile.table`.
"""
