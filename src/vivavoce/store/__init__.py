"""Where calls are kept once they are over: their timelines, figures and costs, in SQLite or PostgreSQL.

The timeline file in a call's folder is written first, while the call goes on, and is what the store is filled from: a
database that is away costs nothing but time.
"""
