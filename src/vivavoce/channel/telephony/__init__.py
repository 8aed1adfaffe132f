"""Callers on the telephone, whoever the carrier is."""
