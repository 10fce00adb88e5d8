package clients

import "testing"

func TestPyMySQL(t *testing.T) {
	s := start(t)
	golden(t, python(t, s, "pymysql_client.py"), "pymysql_client.golden")
}

func TestSQLAlchemy(t *testing.T) {
	s := start(t)
	golden(t, python(t, s, "sqlalchemy_client.py"), "sqlalchemy_client.golden")
}
