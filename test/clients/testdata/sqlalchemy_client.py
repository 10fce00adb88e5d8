"""SQLAlchemy with the StarRocks dialect against the server at argv: inspects, reflects, creates, writes and reads."""
import datetime
import decimal
import sys

import sqlalchemy as sa
from sqlalchemy import MetaData, Table, create_engine, inspect
from sqlalchemy.schema import CreateTable
from starrocks import ARRAY, BIGINT, BOOLEAN, DATETIME, DECIMAL, JSON, LARGEINT, VARCHAR

engine = create_engine(f"starrocks://root:@{sys.argv[1]}:{sys.argv[2]}/shop")
with engine.connect() as c:
    print("server", engine.dialect.server_version_info[0] >= 3, engine.dialect.run_mode, engine.dialect.default_schema_name)

i = inspect(engine)
print("schemas", i.get_schema_names())
print("tables", i.get_table_names())
print("has", i.has_table("everything"), i.has_table("nothere"), i.has_table("columns", schema="information_schema"))
print("views", i.get_view_names(), i.get_materialized_view_names())
for column in i.get_columns("everything"):
    print("column", column["name"], repr(column["type"]), column["nullable"], column["default"], column["comment"], column["dialect_options"])
print("key", i.get_pk_constraint("everything"))
print("comment", i.get_table_comment("everything"))
for name, value in sorted(i.get_table_options("everything").items()):
    print("option", name, value)
print("indexes", i.get_indexes("everything"), i.get_foreign_keys("everything"), i.get_unique_constraints("everything"))

everything = Table("everything", MetaData(), autoload_with=engine)
with engine.connect() as c:
    for row in c.execute(sa.select(everything).order_by(everything.c.id)):
        print("row", row)

metadata = MetaData()
made = Table(
    "made", metadata,
    sa.Column("id", BIGINT, nullable=False, autoincrement=False, primary_key=True),
    sa.Column("name", VARCHAR(40), comment="the name"),
    sa.Column("price", DECIMAL(10, 2)), sa.Column("big", LARGEINT), sa.Column("at", DATETIME), sa.Column("ok", BOOLEAN),
    sa.Column("tags", ARRAY(VARCHAR(20))), sa.Column("doc", JSON),
    comment="made by the dialect", starrocks_PRIMARY_KEY="id", starrocks_DISTRIBUTED_BY="HASH(id) BUCKETS 3",
    starrocks_ORDER_BY="name", starrocks_PROPERTIES={"replication_num": "1"},
)
print("ddl", " ".join(str(CreateTable(made).compile(engine)).split()))
metadata.create_all(engine)
with engine.begin() as c:
    done = c.execute(made.insert(), [
        {"id": 1, "name": "o'x 😀", "price": decimal.Decimal("1.50"), "big": "170141183460469231731687303715884105727",
         "at": datetime.datetime(2024, 1, 2, 3, 4, 5, 6), "ok": True},
        {"id": 2, "name": None, "price": None, "big": None, "at": None, "ok": False},
    ])
    print("inserted", done.rowcount)
with engine.connect() as c:
    for row in c.execute(sa.select(made).order_by(made.c.id)):
        print("row", row)
    print("count", c.execute(sa.select(sa.func.count()).select_from(made).where(made.c.name.is_(None))).scalar())
with engine.begin() as c:
    print("updated", c.execute(sa.update(made).where(made.c.id == 2).values(name="two")).rowcount)
    print("deleted", c.execute(sa.delete(made).where(made.c.id == 1)).rowcount)
with engine.connect() as c:
    print("left", c.execute(sa.select(made.c.id, made.c.name)).fetchall())
again = inspect(engine)
for name, value in sorted(again.get_table_options("made").items()):
    print("option", name, value)
print("reflected", [(c["name"], repr(c["type"])) for c in again.get_columns("made")])
with engine.begin() as c:
    c.execute(sa.text("CREATE VIEW cheap (id, label) COMMENT 'few' AS SELECT id, name FROM made WHERE price IS NULL"))
seen = inspect(engine)
print("views", seen.get_view_names(), seen.get_view_definition("cheap"), seen.get_table_comment("cheap"))
print("view", [(c["name"], repr(c["type"])) for c in seen.get_columns("cheap")], "tables", seen.get_table_names())
reflected = Table("cheap", MetaData(), autoload_with=engine)
with engine.connect() as c:
    print("read", c.execute(sa.select(reflected.c.label, sa.func.count()).group_by(reflected.c.label)).fetchall())
with engine.begin() as c:
    c.execute(sa.text("DROP VIEW cheap"))
metadata.drop_all(engine)
print("tables", inspect(engine).get_table_names())
engine.dispose()
