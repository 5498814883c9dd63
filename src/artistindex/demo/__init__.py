"""The whole flow on music that this package makes itself."""
