"""Feeds: what other systems export, read into events. One subject a file; nothing here decides about credit."""
