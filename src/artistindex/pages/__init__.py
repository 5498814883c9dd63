"""Pages to look at: a line-up and a map of an index, in one HTML file that needs no network."""
