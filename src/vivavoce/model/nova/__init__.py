"""Amazon Nova Sonic as a speech model."""
