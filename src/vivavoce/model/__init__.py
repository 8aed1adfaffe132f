"""How an agent reaches speech models."""
