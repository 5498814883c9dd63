"""Indexes to give away: one zip file without audio, and without trust in whoever made it."""
