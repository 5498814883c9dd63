"""Indexes judged: against music-map (`evaluate`), side by side (`compare`), by held-out tracks.

metrics, chance    pure functions of one ranking; what a random one scores
bootstrap          how sure a mean or a difference is
spaces, protocol   artists and their similarities; who is compared with whom
evaluate           indexes against music-map's lists
agreement, expected_pairs, success_criteria, verdict
                   the parts of `compare`
track_pool, artist_retrieval
                   does a held-out track find its artist?
tune               recipes of vectors, on the user's own tracks
variants           fusions and transforms of indexes, judged alike
report             tables, plots and pages of all of it
"""
