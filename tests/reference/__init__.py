"""Slow and obvious second implementations, written from the text, that the fast ones are held against."""
