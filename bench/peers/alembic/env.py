"""Alembic's environment for bench/migrations.mjs: the same tables as peers/migration-models.cjs."""
import os

from alembic import context
from sqlalchemy import (
    BigInteger, Column, DateTime, ForeignKey, Index, Integer, MetaData, Numeric, String, Table, Text, UniqueConstraint,
    create_engine,
)

tables = int(os.environ["TABLES"])
changed = os.environ.get("CHANGED") == "1"
metadata = MetaData()

for i in range(tables):
    is_changed = changed and i % 10 == 0
    columns = [
        Column("id", Integer, primary_key=True),
        Column("parent_id", Integer, *([] if i == 0 else [ForeignKey(f"t{i - 1}.id", name=f"fk_t{i}_parent")])),
        Column("name", String(64), nullable=False),
        Column("price", Numeric(10, 2), nullable=False, server_default="0"),
        Column("note", Text),
        Column("born", DateTime),
    ]
    for c in range(14):
        if c % 3 == 0:
            columns.append(Column(f"c{c}", String(80 if is_changed and c == 0 else 40), nullable=c % 2 == 0))
        elif c % 3 == 1:
            columns.append(Column(f"c{c}", Integer, nullable=False, server_default=str(c)))
        else:
            columns.append(Column(f"c{c}", BigInteger))
    if is_changed:
        columns.append(Column("added", String(20)))
    table = Table(f"t{i}", metadata, *columns, UniqueConstraint("name", name=f"uq_t{i}_name"))
    Index(f"ix_t{i}_c0", table.c.c0)
    if is_changed:
        Index(f"ix_t{i}_c2", table.c.c2)

engine = create_engine(os.environ["URL"])
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        compare_server_default=True,
        render_as_batch=engine.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()
