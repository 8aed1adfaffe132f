"""How the tables came to be, step by step: scripts of Alembic, run when a store is opened."""
