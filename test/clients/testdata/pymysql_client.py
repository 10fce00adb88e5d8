"""PyMySQL against the server at argv: lists, describes, reads, writes, and errs."""
import sys

import pymysql

host, port = sys.argv[1], int(sys.argv[2])
connection = pymysql.connect(host=host, port=port, user="root", password="", database="shop", charset="utf8mb4")
cursor = connection.cursor()


def show(statement, *args):
    affected = cursor.execute(statement, args or None)
    print(statement, args or "")
    if cursor.description is None:
        print("  affected", affected)
        return
    print("  columns", [(d[0], d[1]) for d in cursor.description])
    for row in cursor.fetchall():
        print("  ", row)


show("SHOW TABLES")
show("DESC t")
show("SELECT * FROM everything ORDER BY id")
show("INSERT INTO everything (id, v, bin, price, day) VALUES (%s, %s, %s, %s, %s)", 5, "it's \\ 😀", b"\x00\xff\x10", "1.5", "2024-01-02")
show("SELECT id, v, bin, price, day FROM everything WHERE id = %s", 5)
show("UPDATE everything SET v = %s WHERE id = %s", "", 5)
show("DELETE FROM everything WHERE id = 5")
show("SELECT COUNT(*) FROM everything")

cursor.executemany("INSERT INTO t VALUES (%s, %s, %s)", [(1, "a", 1), (2, None, 2), (3, "c", 3)])
connection.commit()
show("SELECT * FROM t ORDER BY k")

for wrong in ["SELECT nope FROM t", "SELECT * FROM nothere", "FROB x", "SELECT * FROM nodb.t"]:
    try:
        cursor.execute(wrong)
        print(wrong, "gave", cursor.fetchall())
    except pymysql.MySQLError as e:
        print(wrong, "->", type(e).__name__, e.args[0], e.args[1].split(",")[0])
connection.ping(reconnect=False)
connection.select_db("information_schema")
show("SELECT table_name FROM tables WHERE table_schema = 'shop' ORDER BY 1")
connection.close()

for user, password in [("app", "s3cret"), ("app", "wrong"), ("nobody", "")]:
    try:
        pymysql.connect(host=host, port=port, user=user, password=password).close()
        print("login", user, "ok")
    except pymysql.MySQLError as e:
        print("login", user, "->", type(e).__name__, *e.args)
