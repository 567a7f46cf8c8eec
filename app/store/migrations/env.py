"""Runs the migrations of one database, waiting at most a minute for another migration of the same one."""

from alembic import context
from sqlalchemy import create_engine, pool, text
from sqlalchemy.engine import make_url

LOCK = 0x70616C6D  # "palm": any number, as long as every migration takes the same
url = make_url(context.config.attributes["database_url"]).set(drivername="postgresql+psycopg2")
engine = create_engine(url, poolclass=pool.NullPool, connect_args={"connect_timeout": 10})

with engine.connect() as connection:
    connection.execute(text("SET lock_timeout = '60s'"))
    connection.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
