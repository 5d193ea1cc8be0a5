"""`manage.py bench watchers`: how long a line takes to reach a thousand viewers of one run, and what they cost."""
