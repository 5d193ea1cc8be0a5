"""Search over what the site publishes: words of documents in, ranked places out, on SQLite and PostgreSQL alike.

sources.py says what there is to find (apps above add theirs), words.py what counts as a word, index.py keeps the
database's copy fresh, engines.py asks SQLite's FTS5 or PostgreSQL's full text, finding.py puts an answer together,
palette.py holds the commands of the command palette.
"""
