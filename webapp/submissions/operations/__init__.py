"""What an operator watches and what is thrown away in time."""
