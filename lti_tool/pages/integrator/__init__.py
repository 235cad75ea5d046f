"""Pages for people who connect systems: the rules of statements, and a place to try one."""
