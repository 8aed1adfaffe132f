"""The store in SQL, by SQLAlchemy Core. Whoever imports anything of it waits for SQLAlchemy:
:mod:`vivavoce.store.opening` does so when a store is opened."""
