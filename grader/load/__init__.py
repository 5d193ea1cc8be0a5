"""Open-loop load on a server: what to send and when (plan), the program that sends it (generator), what came of it."""
