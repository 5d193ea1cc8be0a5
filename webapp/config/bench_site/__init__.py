"""`manage.py bench site`: the learner's pages beside a bare view of the same server, over a full database."""
