"""Alembic's environment: runs on the connection it is given, inside the transaction that the caller has begun."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
