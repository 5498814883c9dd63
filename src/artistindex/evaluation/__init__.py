"""Indexes judged: against music-map (`evaluate`) and side by side (`compare`).

metrics     pure functions of one ranking, each beside its chance
spaces      what is judged: artists and their similarities
protocol    who is compared with whom
measures    every metric over all queries, with intervals, chance and ceiling
judging     indexes against a truth
contrast    indexes against each other; pairs, criteria and verdict beside it
compare     all of it together; report and plots show it
"""
