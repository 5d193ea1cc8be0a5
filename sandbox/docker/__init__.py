"""Boxes in containers of a local Docker engine. The only place in sandbox/ that uses docker-py."""
