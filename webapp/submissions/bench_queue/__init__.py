"""`manage.py bench queue`: from the click to the verdict through a real site, beside the floor; rates; fairness."""
