"""Completion in shells: the scripts, and what answers them when somebody presses the Tab key."""
